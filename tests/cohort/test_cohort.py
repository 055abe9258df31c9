import numpy as np
import pytest
import torch

from napari_latentattr import Cohort
from napari_latentattr.core.errors import InputError


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_arrays_come_back_as_stacks_case_by_case(rng):
    x = rng.normal(size=(3, 2, 5, 6)).astype(np.float32)
    masks = rng.random((3, 5, 6)) > 0.5
    cohort = Cohort.from_arrays(x, channels=["T1", "T2"], spacing=(2, 3), masks=masks)
    assert cohort.cases == ("case-001", "case-002", "case-003")
    assert cohort.patients == cohort.cases
    assert (cohort.ndim, cohort.slices, len(cohort)) == (2, None, 3)
    for i, stack in enumerate(cohort):
        np.testing.assert_array_equal(stack.data, x[i])
        np.testing.assert_array_equal(stack.mask, masks[i])
        assert stack.grid.spacing == (2, 3)


def test_torch_tensors_are_arrays(rng):
    x = torch.rand(2, 1, 4, 5, 6, dtype=torch.float64, requires_grad=True)
    masks = torch.ones(2, 4, 5, 6, dtype=torch.bool)
    cohort = Cohort.from_arrays(x, channels=["T1"], masks=masks, labels={"a": masks})
    assert cohort.ndim == 3
    assert cohort[1].data.dtype == np.float32
    np.testing.assert_allclose(cohort[1].data, x[1].detach().numpy(), rtol=1e-6)
    assert cohort[0].mask.all()
    assert cohort.region(0, "a").all()


def test_the_callers_array_stays_writeable_and_unchanged(rng):
    x = rng.normal(size=(2, 1, 4, 4)).astype(np.float32)
    before = x.copy()
    labels = {"lesion": x[:, 0] > 0}
    cohort = Cohort.from_arrays(x, channels=["T1"], masks=[None, x[1, 0] > 0], labels=labels)
    region = cohort.region(0, "lesion")
    assert not cohort[0].data.flags.writeable
    assert not region.flags.writeable
    assert x.flags.writeable
    assert labels["lesion"].flags.writeable
    np.testing.assert_array_equal(x, before)


def test_a_case_may_have_no_mask(rng):
    x = rng.normal(size=(2, 1, 4, 4))
    cohort = Cohort.from_arrays(x, channels=["T1"], masks=[None, np.ones((4, 4))])
    assert cohort[0].mask is None
    assert cohort[1].mask.all()


def test_regions_are_found_by_name(rng):
    x = rng.normal(size=(3, 1, 4, 4))
    lesion = rng.random((3, 4, 4)) > 0.5
    cohort = Cohort.from_arrays(x, channels=["T1"], labels={"lesion": lesion})
    assert cohort.region_names == ("lesion",)
    np.testing.assert_array_equal(cohort.region(-1, "lesion"), lesion[2])
    with pytest.raises(InputError, match="no label leson, did you mean 'lesion'; known labels are"):
        cohort.region(0, "leson")


def test_counting_beyond_the_end_raises_index_error(rng):
    cohort = Cohort.from_arrays(rng.normal(size=(2, 1, 4, 4)), channels=["T1"])
    assert cohort[-1] is cohort[1]
    with pytest.raises(IndexError, match="case 2 of a cohort of 2"):
        cohort[2]
    with pytest.raises(IndexError, match="case -3"):
        cohort[-3]


def test_several_patients_are_the_units_whatever_the_images(rng):
    for shape in [(4, 1, 5, 5), (4, 1, 5, 5, 5)]:
        cohort = Cohort.from_arrays(
            rng.normal(size=shape), channels=["T1"], patients=["a", "a", "b", "b"]
        )
        assert cohort.unit_name == "patients"
        assert cohort.units == ("a", "a", "b", "b")


def test_slices_of_one_person_are_taken_in_blocks_of_three(rng):
    cohort = Cohort.from_arrays(rng.normal(size=(7, 1, 5, 5)), channels=["T1"], patients=["a"] * 7)
    assert cohort.unit_name == "slices of one person"
    assert cohort.units == ("block-00",) * 3 + ("block-01",) * 3 + ("block-02",)


@pytest.mark.parametrize("shape", [(3, 1, 4, 4, 4), (1, 1, 4, 4, 4), (1, 1, 4, 4)])
def test_volumes_of_one_person_or_a_single_image_are_their_own_units(rng, shape):
    cohort = Cohort.from_arrays(rng.normal(size=shape), channels=["T1"], patients=["a"] * shape[0])
    assert cohort.unit_name == "images of one person"
    assert cohort.units == cohort.cases


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((2, 1, 4), {}, r"must be real numbers of shape .* got float64 of shape \(2, 1, 4\)"),
        ((2, 0, 4, 4), {}, "none of them 0"),
        ((2, 3, 4, 4), {}, r"1 channels are named \(T1\), the images of shape .* have 3"),
        ((2, 1, 4, 4), {"patients": ["a"]}, "2 cases came with 1 patients"),
        ((2, 1, 4, 4), {"patients": ["a", ""]}, "patient of case case-002 is missing; name one"),
        ((2, 1, 4, 4), {"patients": [np.nan, "b"]}, "patient of case case-001 is missing"),
        ((2, 1, 4, 4), {"spacing": [1]}, "spacing must be 2 positive millimetres"),
        ((2, 1, 4, 4), {"spacing": [1, float("nan")]}, "spacing must be 2 positive"),
        ((2, 1, 4, 4), {"masks": np.ones((1, 4, 4))}, "2 cases came with 1 arrays of mask"),
        ((2, 1, 4, 4), {"masks": np.ones((2, 4, 5))}, r"mask of case 1 has shape \(4, 5\)"),
        ((2, 1, 4, 4), {"labels": {"a": np.ones((2, 4))}}, r"label a of case 1 has shape \(4,\)"),
        ((2, 1, 4, 4), {"channels": "T"}, "channels must list one name an image, got 'T'"),
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(shape, options, message):
    with pytest.raises(InputError, match=message):
        Cohort.from_arrays(np.ones(shape), **({"channels": ["T1"]} | options))


def test_voxels_that_are_no_numbers_are_never_handed_out():
    x = np.ones((2, 1, 4, 4))
    x[1, 0, 2, 2] = np.nan
    cohort = Cohort.from_arrays(x, channels=["T1"])
    assert cohort[0].data.all()
    with pytest.raises(InputError, match="case case-002: channel T1 has 1 voxels"):
        cohort[1]
