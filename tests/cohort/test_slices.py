import numpy as np
import pytest

from napari_latentattr import Cohort
from napari_latentattr.cohort.slices import slice_grid
from napari_latentattr.core.errors import InputError
from napari_latentattr.core.types import Grid

AXIS = {"axial": 0, "coronal": 1, "sagittal": 2}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def one_person(rng, n=1, **options):
    x = rng.normal(size=(n, 2, 5, 6, 7)).astype(np.float32)
    return x, Cohort.from_arrays(
        x, channels=["T1", "T2"], patients=["P"] * n, spacing=(3, 2, 1), **options
    )


@pytest.mark.parametrize("axis", AXIS)
@pytest.mark.parametrize("n", [1, 2])
def test_slices_stacked_back_are_the_volumes(rng, axis, n):
    x, whole = one_person(rng, n)
    cohort = whole.by_slice(axis)
    back = cohort.stack_back([stack.data for stack in cohort])
    assert list(back) == list(whole.cases)
    for volume, case in zip(x, whole.cases, strict=True):
        np.testing.assert_array_equal(back[case], volume)


@pytest.mark.parametrize(("axis", "spacing"), [("axial", (2, 1)), ("coronal", (3, 1))])
def test_a_slice_has_the_spacing_of_the_volume_within_it(rng, axis, spacing):
    _, whole = one_person(rng)
    slice_ = whole.by_slice(axis)[0]
    assert slice_.grid.spacing == spacing
    want = Grid.from_spacing(slice_.grid.shape, spacing)
    assert slice_.grid.same_as(want)


def test_slices_are_named_after_their_volume(rng):
    _, whole = one_person(rng)
    assert whole.by_slice("axial").cases[-1] == "case-001_z004"
    assert whole.by_slice("coronal").cases[-1] == "case-001_y005"
    assert whole.by_slice("sagittal").cases[-1] == "case-001_x006"


def test_an_oblique_slice_keeps_its_spacing():
    turn = np.array([[np.cos(0.3), -np.sin(0.3), 0], [np.sin(0.3), np.cos(0.3), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([-3.0, -2.0, -1.0])
    for axis in range(3):
        grid = slice_grid(Grid((4, 5, 6), affine, known=False), axis)
        np.testing.assert_allclose(grid.spacing, np.delete([3, 2, 1], axis))
        assert not grid.known


def test_slices_outside_the_mask_are_left_out_and_filled_on_the_way_back(rng):
    mask = np.zeros((1, 5, 6, 7), bool)
    mask[0, [1, 2, 4], 3, 3] = True
    x, whole = one_person(rng, masks=mask)
    cohort = whole.by_slice("axial")
    assert [at.index for at in cohort.cut.origins] == [1, 2, 4]
    assert cohort.cases == ("case-001_z001", "case-001_z002", "case-001_z004")
    np.testing.assert_array_equal(cohort[2].mask, mask[0, 4])
    back = cohort.stack_back([s.data for s in cohort], fill=np.nan)["case-001"]
    np.testing.assert_array_equal(back[:, [1, 2, 4]], x[0][:, [1, 2, 4]])
    assert np.isnan(back[:, [0, 3]]).all()


def test_without_a_mask_flat_slices_are_left_out():
    x = np.zeros((1, 2, 5, 4, 4), np.float32)
    x[0, 1, 2, 1, 1] = x[0, 0, 3, 2, 2] = 1
    cohort = Cohort.from_arrays(x, channels=["T1", "T2"]).by_slice("axial")
    assert [at.index for at in cohort.cut.origins] == [2, 3]
    np.testing.assert_array_equal(cohort.stack_back([s.data for s in cohort])["case-001"], x[0])


def test_volumes_that_show_nothing_are_refused():
    cohort = Cohort.from_arrays(np.ones((1, 1, 4, 4, 4)), channels=["T1"]).by_slice("axial")
    with pytest.raises(InputError, match="case case-001: no slice shows anything"):
        len(cohort)


def test_labels_are_cut_with_the_images(rng):
    lesion = rng.random((1, 5, 6, 7)) > 0.5
    _, whole = one_person(rng, labels={"lesion": lesion})
    cohort = whole.by_slice("sagittal")
    assert cohort.region_names == ("lesion",)
    regions = [cohort.region(i, "lesion") for i in range(len(cohort))]
    np.testing.assert_array_equal(cohort.stack_back(regions)["case-001"], lesion[0])


def test_results_may_be_smaller_than_the_slices_and_come_by_name(rng):
    _, whole = one_person(rng)
    cohort = whole.by_slice("coronal")
    latent = rng.normal(size=(8, 2, 3))
    back = cohort.stack_back({"case-001_y002": latent})["case-001"]
    assert back.shape == (8, 2, 6, 3)
    np.testing.assert_array_equal(back[:, :, 2], latent)
    assert np.count_nonzero(back) == latent.size


def test_blocks_of_slices_never_reach_into_another_volume(rng):
    _, whole = one_person(rng, 2)
    cohort = whole.by_slice("axial")
    assert cohort.unit_name == "slices of one person"
    blocks = ("block-00",) * 3 + ("block-01",) * 2 + ("block-02",) * 3 + ("block-03",) * 2
    assert cohort.units == blocks


def test_slices_of_several_patients_belong_to_their_patients(rng):
    whole = Cohort.from_arrays(rng.normal(size=(2, 1, 3, 4, 4)), channels=["T1"])
    cohort = whole.by_slice("axial")
    assert cohort.unit_name == "patients"
    assert cohort.units == ("case-001",) * 3 + ("case-002",) * 3


def test_what_cannot_be_cut_or_stacked_is_refused(rng):
    _, whole = one_person(rng)
    cohort = whole.by_slice("axial")
    with pytest.raises(InputError, match="slices must be one of axial, coronal, sagittal"):
        whole.by_slice("oblique")
    with pytest.raises(InputError, match="case case-001_z000 is no volume"):
        len(cohort.by_slice("axial"))
    with pytest.raises(InputError, match="4 slices came for 5 cases"):
        cohort.stack_back(np.ones((4, 6, 7)))
    with pytest.raises(InputError, match="there is no slice z9; slices are named like case-001_z0"):
        cohort.stack_back({"z9": np.ones((6, 7))})
    with pytest.raises(ValueError, match="only a cohort made by by_slice"):
        whole.stack_back(np.ones((1, 6, 7)))
