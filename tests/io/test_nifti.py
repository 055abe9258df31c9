import gzip
import struct
import warnings

import nibabel
import numpy as np
import pytest

from napari_latentattr.core.errors import InputError, VolumeWarning
from napari_latentattr.io.volumes import read_volume

AFFINE = np.diag([2.0, 3.0, 4.0, 1.0])


def nifti_bytes(data=None, affine=AFFINE):
    data = np.arange(60, dtype=np.int16).reshape(5, 4, 3) if data is None else data
    return nibabel.Nifti1Image(data, affine).to_bytes()


def put(raw, offset, form, *values):
    """Bytes with header fields overwritten."""
    raw = bytearray(raw)
    struct.pack_into("<" + form, raw, offset, *values)
    return bytes(raw)


def read(tmp_path, raw, name="a.nii"):
    (tmp_path / name).write_bytes(raw)
    return read_volume(tmp_path / name)


@pytest.mark.parametrize(
    ("offset", "form", "values", "words"),
    [
        (344, "4s", (b"ni1\0",), "magic"),
        (344, "4s", (b"abcd",), "magic"),
        (0, "i", (349,), "magic"),
        (0, "i", (540,), "NIfTI-2"),
        (108, "f", (0,), "vox_offset is 0"),
        (108, "f", (360,), "promises 480 bytes, the file holds 472"),
        (108, "f", (np.nan,), "vox_offset is nan"),
        (108, "f", (352.5,), "vox_offset is 352.5"),
        (42, "h", (0,), "at least one voxel"),
        (44, "h", (-4,), "at least one voxel"),
        (40, "h", (1,), "expected an image"),
        (40, "h", (9,), "dim\\[0\\]"),
        (40, "6h", (5, 5, 4, 3, 1, 2), "has 5 axes"),
        (80, "f", (0,), "spacing is 0x3x4"),
        (84, "f", (-3,), "spacing is 2x-3x4"),
        (88, "f", (np.nan,), "spacing is 2x3xnan"),
        (70, "2h", (128, 24), "RGB"),
        (70, "2h", (2304, 32), "RGBA"),
        (70, "2h", (32, 64), "complex"),
        (70, "2h", (4, 8), "datatype 4 with bitpix 8"),
        (112, "f", (np.inf,), "scl_slope"),
        (123, "B", (5,), "xyzt_units"),
        (280, "f", (0,), "need a size above 0"),
        (280, "f", (np.nan,), "NaN or infinity"),
        (284, "f", (2,), "singular or sheared"),
        (292, "f", (np.inf,), "origin holds NaN"),
    ],
)
def test_header_that_cannot_be_right_is_refused(tmp_path, offset, form, values, words):
    with pytest.raises(InputError, match=words) as raised:
        read(tmp_path, put(nifti_bytes(), offset, form, *values))
    assert "\n" not in str(raised.value)


def test_singular_sform_is_refused(tmp_path):
    raw = put(nifti_bytes(), 280, "12f", 2, 2, 0, 0, 2, 2, 0, 0, 0, 0, 4, 0)
    with pytest.raises(InputError, match="singular or sheared"):
        read(tmp_path, raw)


def test_quaternion_that_is_no_rotation_is_refused(tmp_path):
    raw = put(put(nifti_bytes(), 252, "2h", 1, 0), 256, "3f", 1, 1, 0)
    with pytest.raises(InputError, match="no rotation"):
        read(tmp_path, raw)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_file_cut_anywhere_is_refused(tmp_path, name):
    whole = nifti_bytes(np.random.default_rng(0).normal(size=(5, 4, 3)).astype(np.float32))
    whole = gzip.compress(whole) if name.endswith("gz") else whole
    assert read(tmp_path, whole, name).data.shape == (3, 4, 5)
    cuts = np.random.default_rng(1).integers(0, len(whole), 60)
    for cut in [0, 1, len(whole) // 2, len(whole) - 1, *cuts]:
        with pytest.raises(InputError):
            read(tmp_path, whole[:cut], name)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_bytes_beyond_the_promised_ones_are_refused(tmp_path, name):
    longer = nifti_bytes() + bytes(1)
    with pytest.raises(InputError, match="the file holds more than that"):
        read(tmp_path, gzip.compress(longer) if name.endswith("gz") else longer, name)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_random_bytes_in_the_header_are_refused_or_read_but_never_crash(tmp_path, name):
    rng = np.random.default_rng(2)
    whole, outcomes = nifti_bytes(), set()
    for _ in range(150):
        raw = bytearray(whole)
        raw[rng.integers(0, 352)] = rng.integers(0, 256)
        packed = gzip.compress(bytes(raw)) if name.endswith("gz") else bytes(raw)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VolumeWarning)
            try:
                outcomes.add(read(tmp_path, packed, name).data.size)
            except InputError:
                outcomes.add("refused")
    assert outcomes == {60, "refused"}


def test_gzip_that_unpacks_to_far_more_than_promised_is_refused(tmp_path):
    bomb = gzip.compress(nifti_bytes() + bytes(50_000_000), 9)
    with pytest.raises(InputError, match="the file holds more than that"):
        read(tmp_path, bomb, "a.nii.gz")


def test_header_that_asks_for_too_much_memory_is_refused(tmp_path):
    with pytest.raises(InputError, match="less than 1 GiB is read"):
        read(tmp_path, put(nifti_bytes(), 42, "3h", 32767, 32767, 32767))


def test_ending_and_content_must_agree(tmp_path):
    with pytest.raises(InputError, match="not a gzip file"):
        read(tmp_path, nifti_bytes(), "a.nii.gz")
    with pytest.raises(InputError, match="magic"):
        read(tmp_path, gzip.compress(nifti_bytes() * 9, 0), "a.nii")


def test_orientation_is_unknown_without_qform_and_sform(tmp_path):
    with pytest.warns(VolumeWarning, match="orientation is unknown"):
        volume = read(tmp_path, put(nifti_bytes(), 252, "2h", 0, 0))
    assert not volume.grid.known
    assert volume.grid.spacing == (4.0, 3.0, 2.0)


@pytest.mark.parametrize(("moved_mm", "warns"), [(0.19, False), (0.21, True)])
def test_qform_and_sform_may_differ_by_a_tenth_of_a_voxel(tmp_path, moved_mm, warns):
    raw = put(put(nifti_bytes(), 252, "2h", 1, 2), 268, "f", moved_mm)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        volume = read(tmp_path, raw)
    assert [("the sform is used" in str(w.message)) for w in caught] == [True] * warns
    np.testing.assert_array_equal(volume.grid.source.affine[:3, 3], 0)


def test_mirrored_qform_is_told(tmp_path):
    image = nibabel.Nifti1Image(np.zeros((5, 4, 3), np.float32), AFFINE)
    image.set_qform(np.diag([-2.0, 3, 4, 1]), code=1)
    with pytest.warns(VolumeWarning, match="qform and sform put a corner"):
        read(tmp_path, image.to_bytes())


@pytest.mark.parametrize(("unit", "mm"), [(0, 2.0), (1, 2000.0), (2, 2.0), (3, 0.002)])
def test_units_of_length_become_millimetres(tmp_path, unit, mm):
    assert read(tmp_path, put(nifti_bytes(), 123, "B", unit)).grid.spacing[2] == pytest.approx(mm)


@pytest.mark.parametrize(
    "kind", ["u1", "i1", "<i2", ">i2", "<u2", "<i4", "<u4", "<f4", ">f4", "<f8", "<i8", "<u8"]
)
def test_every_number_type_in_both_byte_orders_is_read_as_nibabel_does(tmp_path, kind):
    data = np.arange(60).reshape(5, 4, 3).astype(kind)
    header = nibabel.Nifti1Header(endianness=">" if kind[0] == ">" else "<")
    header.set_data_dtype(data.dtype)
    nibabel.save(nibabel.Nifti1Image(data, AFFINE, header), tmp_path / "a.nii")
    volume = read_volume(tmp_path / "a.nii")
    assert volume.data.dtype == np.float32
    np.testing.assert_array_equal(volume.data[::-1, ::-1, ::-1].transpose(), data)


def test_slope_and_intercept_are_applied(tmp_path):
    raw = put(nifti_bytes(), 112, "2f", 0.5, -10)
    data = np.arange(60).reshape(5, 4, 3) * 0.5 - 10
    np.testing.assert_allclose(read(tmp_path, raw).data[::-1, ::-1, ::-1].transpose(), data)


@pytest.mark.parametrize(
    ("stored", "read_as"),
    [
        ((5, 4), (4, 5)),
        ((5, 4, 1), (1, 4, 5)),
        ((5, 4, 3, 1), (3, 4, 5)),
        ((5, 4, 3, 2), (2, 3, 4, 5)),
        ((5, 4, 1, 2), (2, 1, 4, 5)),
        ((5, 4, 3, 2, 1), (2, 3, 4, 5)),
    ],
)
def test_fourth_axis_becomes_the_channels(tmp_path, stored, read_as):
    data = np.arange(np.prod(stored), dtype=np.float32).reshape(stored)
    volume = read(tmp_path, nifti_bytes(data))
    assert volume.data.shape == read_as
    turned = np.flip(volume.data, tuple(range(-volume.grid.ndim, 0)))
    np.testing.assert_array_equal(turned.transpose().ravel(), data.ravel())


def test_image_outside_the_axial_plane_is_refused(tmp_path):
    raw = nifti_bytes(np.zeros((5, 4), np.float32), AFFINE[[0, 2, 1, 3]])
    with pytest.raises(InputError, match="does not lie in the axial plane"):
        read(tmp_path, raw)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_voxels_that_are_no_numbers_are_counted_and_marked(tmp_path, bad):
    data = np.ones((5, 4, 3, 2))
    data[0, 0, 0, 0] = data[4, 3, 2, 1] = bad
    with pytest.warns(VolumeWarning, match="2 voxels are NaN or infinite"):
        volume = read(tmp_path, nifti_bytes(data))
    assert volume.data.sum() == data.size - 2
    assert np.argwhere(~volume.valid).tolist() == [[0, 0, 0], [2, 3, 4]]
