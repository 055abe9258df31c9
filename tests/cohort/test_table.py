import nibabel as nib
import numpy as np
import pytest

from napari_latentattr import Cohort
from napari_latentattr.cohort import table as table_module
from napari_latentattr.core.errors import GridMismatchError, InputError

SHAPE = (6, 7, 8)  # x, y, z of the files


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def folder(tmp_path, rng):
    """Three cases with two channels, a mask and labels 1 and 4, in RAS voxel order."""
    rows = ["case,patient,outcome,mask,labels,T1,FLAIR"]
    for i in range(3):
        images = {"T1": rng.random(SHAPE) + i, "FLAIR": rng.random(SHAPE)}
        images["mask"] = np.ones(SHAPE, np.uint8)
        images["mask"][0] = 0
        images["labels"] = np.zeros(SHAPE, np.uint8)
        images["labels"][2:4, 2:4, 2:4] = 1
        images["labels"][4, 4, 4] = 4 if i == 0 else 0
        for name, data in images.items():
            data = data.astype(np.float32) if data.dtype.kind == "f" else data
            image = nib.Nifti1Image(data, np.diag([2.0, 2.0, 3.0, 1.0]))
            nib.save(image, tmp_path / f"{i}_{name}.nii")
        files = ",".join(f"{i}_{name}.nii" for name in ("mask", "labels", "T1", "FLAIR"))
        rows.append(f"c{i},P{i % 2},{i},{files}")
    (tmp_path / "cases.csv").write_text("\n".join(rows))
    return tmp_path


@pytest.fixture
def reads(monkeypatch):
    """Names of the cases in the order in which their images were read."""
    seen = []
    read = table_module.read_stack

    def counting(*args, **options):
        seen.append(options["case"])
        return read(*args, **options)

    monkeypatch.setattr(table_module, "read_stack", counting)
    return seen


def open_table(folder, **options):
    return Cohort.from_table(folder / "cases.csv", channels=["T1", "FLAIR"], **options)


def canonical(array):
    """(x, y, z) of a RAS file as (inferior, posterior, left)."""
    return array.transpose(2, 1, 0)[::-1, ::-1, ::-1]


def test_images_arrive_in_canonical_order(folder):
    stack = open_table(folder, scaling="none")[1]
    want = canonical(nib.load(folder / "1_FLAIR.nii").get_fdata(dtype=np.float32))
    np.testing.assert_array_equal(stack.data[1], want)
    np.testing.assert_allclose(stack.grid.spacing, (3, 2, 2))
    np.testing.assert_array_equal(
        stack.mask, canonical(nib.load(folder / "1_mask.nii").get_fdata())
    )


def test_intensities_are_scaled_as_the_study_says(folder):
    stack = open_table(folder)[2]
    inside = stack.data[0][stack.mask]
    np.testing.assert_allclose(np.percentile(inside, (1, 99)), (0, 1), atol=1e-5)
    assert inside.max() > 1


def test_no_image_is_read_before_it_is_asked_for(folder, reads):
    cohort = open_table(folder)
    assert (len(cohort), cohort.patients) == (3, ("P0", "P1", "P0"))
    assert cohort.units == cohort.patients
    assert cohort.values("outcome").tolist() == [0, 1, 2]
    assert reads == []
    cohort[1]
    assert reads == ["c1"]


def test_recent_cases_are_not_read_again(folder, reads):
    cohort = open_table(folder)
    assert cohort.ndim == 3
    for i in (0, 1, 2, 1, 0, -1):
        cohort[i]
    cohort.region(0, "label-1")
    assert reads == ["c0", "c1", "c2"]


def test_named_labels_are_the_values_of_the_map(folder, reads):
    cohort = open_table(folder, labels={"lesion": 1, "decoy": 4})
    assert cohort.region_names == ("lesion", "decoy")
    assert reads == []
    want = canonical(np.asarray(nib.load(folder / "0_labels.nii").dataobj))
    np.testing.assert_array_equal(cohort.region(0, "lesion"), want == 1)
    np.testing.assert_array_equal(cohort.region(0, "decoy"), want == 4)
    assert not cohort.region(1, "decoy").any()


def test_unnamed_labels_are_named_by_the_values_found(folder, reads):
    cohort = open_table(folder)
    assert cohort.region_names == ("label-1", "label-4")
    assert reads == []
    assert cohort.region(0, "label-4").sum() == 1
    with pytest.raises(InputError, match="there is no label label-2, did you mean"):
        cohort.region(0, "label-2")


def test_labels_follow_the_images_to_another_spacing(folder):
    cohort = open_table(folder, labels={"lesion": 1}, spacing=(1.5, 1, 1))
    region, stack = cohort.region(0, "lesion"), cohort[0]
    assert region.shape == stack.grid.shape == (16, 14, 12)
    assert region.sum() == 8 * 8
    np.testing.assert_allclose(stack.grid.spacing, (1.5, 1, 1))


def test_labels_without_their_column_are_refused(folder):
    text = (folder / "cases.csv").read_text().replace("labels", "lables")
    (folder / "cases.csv").write_text(text)
    assert open_table(folder).region_names == ()
    with pytest.raises(InputError, match=r"labels are named \(lesion\), but cases.csv has no"):
        open_table(folder, labels={"lesion": 1})


def test_images_on_other_voxels_are_refused_unless_resampled(folder, rng):
    other = nib.Nifti1Image(rng.random((5, 7, 8)).astype(np.float32), np.diag([2, 2, 3, 1.0]))
    nib.save(other, folder / "1_FLAIR.nii")
    with pytest.raises(GridMismatchError, match="case c1: channel FLAIR"):
        open_table(folder)[1]
    with pytest.warns(UserWarning, match="case c1: channel FLAIR covers"):
        assert open_table(folder, resample=True)[1].data.shape == (2, 8, 7, 6)


def test_one_file_may_hold_all_channels(folder, rng):
    data = rng.random((*SHAPE, 2)).astype(np.float32)
    nib.save(nib.Nifti1Image(data, np.diag([2, 2, 3, 1.0])), folder / "both.nii")
    (folder / "cases.csv").write_text("case;patient;image\na;P1;both.nii\n")
    cohort = open_table(folder, scaling="none")
    np.testing.assert_array_equal(cohort[0].data[1], canonical(data[..., 1]))
    assert cohort.ndim == 3
    assert cohort.unit_name == "images of one person"


def test_slices_are_told_to_the_methods_and_checked(folder):
    assert open_table(folder, slices="axial").slices == "axial"
    with pytest.raises(InputError, match="slices must be one of axial, coronal, sagittal"):
        open_table(folder, slices="axail")
