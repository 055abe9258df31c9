import nibabel
import numpy as np
import pytest

from napari_latentattr.core.errors import GridMismatchError, InputError, VolumeWarning
from napari_latentattr.io.volumes import read_labels, read_stack, read_volume

AFFINE = np.diag([-2.0, -2.0, -2.0, 1.0])  # canonical: every axis runs left, posterior, inferior
RNG = np.random.default_rng(0)
T1, FLAIR = (RNG.normal(size=(5, 4, 3)).astype(np.float32) for _ in range(2))


def save(path, data, affine=AFFINE):
    nibabel.save(nibabel.Nifti1Image(data, affine), path)
    return path


@pytest.fixture
def files(tmp_path):
    return {
        "T1": save(tmp_path / "c1_T1.nii.gz", T1),
        "FLAIR": save(tmp_path / "c1_FLAIR.nii.gz", FLAIR),
    }


@pytest.mark.parametrize("as_mapping", [True, False])
def test_one_file_a_channel(files, as_mapping):
    paths = dict(reversed(files.items())) if as_mapping else list(files.values())
    stack = read_stack(paths, channels=["T1", "FLAIR"], case="c1")
    assert (stack.case, stack.channels, stack.mask) == ("c1", ("T1", "FLAIR"), None)
    np.testing.assert_array_equal(stack.data, [T1.transpose(), FLAIR.transpose()])


def test_one_file_with_all_channels(tmp_path):
    path = save(tmp_path / "all.nii.gz", np.stack([T1, FLAIR], axis=-1))
    stack = read_stack(path, channels=["T1", "FLAIR"])
    assert stack.case == "all"
    np.testing.assert_array_equal(stack.data, [T1.transpose(), FLAIR.transpose()])
    np.testing.assert_array_equal(read_stack([path], channels=["a", "b"]).data, stack.data)


def test_channels_of_other_voxel_order_but_equal_places_belong_together(files, tmp_path):
    flair = nibabel.Nifti1Image(FLAIR, AFFINE)
    # Axis order and flips changed by nibabel, voxels stay in place.
    other = flair.as_reoriented([[2, -1], [0, 1], [1, -1]])
    nibabel.save(other, tmp_path / "turned.nii.gz")
    assert not np.allclose(other.affine, AFFINE)
    assert other.shape != flair.shape
    stack = read_stack([files["T1"], tmp_path / "turned.nii.gz"], channels=["T1", "FLAIR"])
    np.testing.assert_array_equal(stack.data[1], FLAIR.transpose())


def test_mask_is_what_is_not_zero(files, tmp_path):
    inside = T1 > 0
    save(tmp_path / "mask.nii.gz", inside.astype(np.int16) * 255)
    stack = read_stack(files, channels=["T1", "FLAIR"], mask=tmp_path / "mask.nii.gz")
    np.testing.assert_array_equal(stack.mask, inside.transpose())


def test_voxels_that_are_no_numbers_leave_the_mask(files, tmp_path):
    broken = FLAIR.copy()
    broken[0, 1, 2] = np.nan
    save(files["FLAIR"], broken)
    with pytest.warns(VolumeWarning, match=r"c1_FLAIR.nii.gz: 1 voxels are NaN or infinite"):
        stack = read_stack(files, channels=["T1", "FLAIR"])
    assert np.argwhere(~stack.mask).tolist() == [[2, 1, 0]]
    assert stack.data[1, 2, 1, 0] == 0
    save(tmp_path / "mask.nii.gz", np.ones((5, 4, 3), np.uint8))
    with pytest.warns(VolumeWarning, match="1 voxels"):
        stack = read_stack(files, channels=["T1", "FLAIR"], mask=tmp_path / "mask.nii.gz")
    assert np.argwhere(~stack.mask).tolist() == [[2, 1, 0]]


def test_other_shape_is_told_with_both_shapes(files):
    save(files["FLAIR"], np.zeros((6, 4, 3), np.float32))
    words = (
        "case c1: channel FLAIR has grid 3x4x6, the stack has 3x4x5; "
        "resample it or set resample: true"
    )
    with pytest.raises(GridMismatchError) as raised:
        read_stack(files, channels=["T1", "FLAIR"], case="c1")
    assert str(raised.value) == words


@pytest.mark.parametrize(("shift_mm", "fits"), [(0.0009, True), (0.0011, False)])
def test_grids_agree_within_a_thousandth_of_a_millimetre(files, shift_mm, fits):
    moved = AFFINE.copy()
    moved[0, 3] = shift_mm
    save(files["FLAIR"], FLAIR, moved)
    if fits:
        assert read_stack(files, channels=["T1", "FLAIR"]).data.shape == (2, 3, 4, 5)
    else:
        with pytest.raises(GridMismatchError, match=r"FLAIR lies up to 0.0011 mm away"):
            read_stack(files, channels=["T1", "FLAIR"])


def test_resampling_meets_a_linear_picture_exactly(files, tmp_path):
    def ramp(affine, shape):
        at = nibabel.affines.apply_affine(affine, np.array(list(np.ndindex(shape))))
        return (at @ [1.0, 2.0, -3.0]).reshape(shape).astype(np.float32)

    save(files["T1"], ramp(AFFINE, (5, 4, 3)))
    fine = np.diag([1.0, -0.8, 1.0, 1.0])
    fine[:3, 3] = [-12, 2, -8]
    save(files["FLAIR"], ramp(fine, (16, 14, 12)), fine)
    mask = save(tmp_path / "mask.nii.gz", np.ones((16, 14, 12), np.uint8), fine)
    stack = read_stack(files, channels=["T1", "FLAIR"], mask=mask, resample=True)
    np.testing.assert_allclose(stack.data[1], stack.data[0], atol=1e-4)
    assert stack.mask.all()
    with pytest.raises(GridMismatchError, match="channel FLAIR has grid 12x14x16"):
        read_stack(files, channels=["T1", "FLAIR"])


def test_voxels_that_a_resampled_channel_does_not_reach_leave_the_mask(files):
    shifted = AFFINE.copy()
    shifted[0, 3] = -4  # two voxels to the left
    save(files["FLAIR"], FLAIR, shifted)
    with pytest.warns(VolumeWarning, match="channel FLAIR covers 60% of the stack"):
        stack = read_stack(files, channels=["T1", "FLAIR"], case="c1", resample=True)
    np.testing.assert_array_equal(stack.mask.any(axis=(0, 1)), [False, False, True, True, True])
    np.testing.assert_allclose(stack.data[1][..., 2:], FLAIR.transpose()[..., :3], atol=1e-6)


def test_nearest_voxels_make_a_resampled_mask(files, tmp_path):
    fine = np.diag([-1.0, -1.0, -1.0, 1.0])
    inside = np.zeros((10, 8, 6), np.uint8)
    inside[4:7] = 1
    mask = save(tmp_path / "mask.nii.gz", inside, fine)
    stack = read_stack(files, channels=["T1", "FLAIR"], mask=mask, resample=True)
    np.testing.assert_array_equal(np.flatnonzero(stack.mask.any(axis=(0, 1))), [2, 3])
    with pytest.raises(GridMismatchError, match="mask has grid 6x8x10"):
        read_stack(files, channels=["T1", "FLAIR"], mask=mask)


def test_unknown_orientation_of_one_channel_makes_the_stack_unknown(files):
    image = nibabel.Nifti1Image(T1, None)
    image.header.set_zooms((2, 2, 2))
    for path in files.values():
        nibabel.save(image, path)
    with pytest.warns(VolumeWarning, match="orientation is unknown"):
        stack = read_stack(files, channels=["T1", "FLAIR"])
    assert not stack.grid.known


def test_unknown_orientation_cannot_be_resampled(files):
    image = nibabel.Nifti1Image(T1, None)
    nibabel.save(image, files["FLAIR"])
    with (
        pytest.warns(VolumeWarning, match="orientation is unknown"),
        pytest.raises(GridMismatchError, match="without a known orientation"),
    ):
        read_stack(files, channels=["T1", "FLAIR"], resample=True)


def test_number_of_channels_must_fit(files, tmp_path):
    with pytest.raises(InputError, match="2 paths are given for 3 channels"):
        read_stack(list(files.values()), channels=["a", "b", "c"])
    with pytest.raises(InputError, match="paths are given for T1, FLAIR"):
        read_stack(files, channels=["T1", "T2"])
    both = save(tmp_path / "all.nii.gz", np.stack([T1, FLAIR], axis=-1))
    with pytest.raises(InputError, match="a file holds 2 channels, expected 3"):
        read_stack(both, channels=["a", "b", "c"])
    with pytest.raises(InputError, match="a file holds 2 channels, expected 1"):
        read_stack([both, both], channels=["a", "b"])
    with pytest.raises(InputError, match="a file holds 1 channels, expected 2"):
        read_stack(files["T1"], channels=["a", "b"])


def test_images_of_two_axes_make_a_stack(tmp_path):
    paths = [save(tmp_path / f"{i}.nii.gz", x[..., 0]) for i, x in enumerate([T1, FLAIR])]
    stack = read_stack(paths, channels=["T1", "FLAIR"], case="c1")
    np.testing.assert_array_equal(stack.data, [T1[..., 0].transpose(), FLAIR[..., 0].transpose()])


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int32, np.float32, np.float64])
def test_labels_are_whole_numbers_on_the_grid_of_the_stack(files, tmp_path, kind):
    labels = np.arange(60).reshape(5, 4, 3)
    path = save(tmp_path / "labels.nii.gz", labels.astype(kind))
    read = read_labels(path, read_volume(files["T1"]).grid, "c1")
    assert read.dtype == np.int32
    np.testing.assert_array_equal(read, labels.transpose())


@pytest.mark.parametrize("bad", [0.5, np.nan, 3e9])
def test_label_map_with_other_numbers_is_refused(files, tmp_path, bad):
    labels = np.zeros((5, 4, 3))
    labels[1, 1, 1] = bad
    path = save(tmp_path / "labels.nii.gz", labels)
    with pytest.raises(InputError, match="case c1: labels.nii.gz is no label map"):
        read_labels(path, read_volume(files["T1"]).grid, "c1")


def test_labels_on_another_grid_are_refused(files, tmp_path):
    path = save(tmp_path / "labels.nii.gz", np.zeros((5, 4, 2), np.uint8))
    with pytest.raises(GridMismatchError, match="case c1: labels has grid 2x4x5"):
        read_labels(path, read_volume(files["T1"]).grid, "c1")


@pytest.mark.parametrize("name", ["a.jpg", "a", "nii.gz.txt"])
def test_unknown_ending_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InputError, match="has no ending that is read"):
        read_volume(tmp_path / name)


def test_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        read_volume(tmp_path / "a.nii.gz")


def test_endings_may_be_in_capitals(files, tmp_path):
    files["T1"].rename(tmp_path / "A.NII.GZ")
    np.testing.assert_array_equal(read_volume(tmp_path / "A.NII.GZ").data, T1.transpose())
    assert read_stack(tmp_path / "A.NII.GZ", channels=["T1"]).case == "A"


def test_what_was_interpolated_from_a_voxel_that_is_no_number_leaves_the_mask(files):
    broken, shifted = FLAIR.copy(), AFFINE.copy()
    broken[2, 1, 1] = np.nan
    shifted[0, 3] = 1  # half a voxel to the right
    save(files["FLAIR"], broken, shifted)
    with pytest.warns(VolumeWarning, match="1 voxels are NaN|channel FLAIR covers"):
        stack = read_stack(files, channels=["T1", "FLAIR"], resample=True)
    # Column 4 of every row lies at the very edge of the shifted image.
    assert np.flatnonzero(~stack.mask[1, 1]).tolist() == [1, 2, 4]
    assert np.flatnonzero(~stack.mask[0, 0]).tolist() == [4]
