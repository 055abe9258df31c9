import zlib

import numpy as np
import pytest
import SimpleITK as sitk

from napari_latentattr.core.errors import InputError, VolumeWarning
from napari_latentattr.io.volumes import read_volume

DATA = np.arange(60, dtype="<f4").reshape(3, 4, 5)
HEADER = """ObjectType = Image
NDims = 3
BinaryData = True
BinaryDataByteOrderMSB = False
CompressedData = False
TransformMatrix = 1 0 0 0 1 0 0 0 1
Offset = 1 2 3
ElementSpacing = 2 3 4
DimSize = 5 4 3
ElementType = MET_FLOAT
ElementDataFile = LOCAL
"""


def read(tmp_path, *changes, body=None, name="a.mha"):
    text = HEADER
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / name).write_bytes(text.encode() + (DATA.tobytes() if body is None else body))
    return read_volume(tmp_path / name)


def test_volume_lies_where_its_header_says(tmp_path):
    volume = read(tmp_path)
    source = volume.grid.source
    np.testing.assert_allclose(np.diag(source.affine), [4, -3, -2, 1])
    np.testing.assert_allclose(source.affine[:3, 3], [3, -2, -1])
    np.testing.assert_array_equal(volume.data, DATA[::-1])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("ElementDataFile", "ElementDataPile", "does not start with a MetaImage header"),
        ("DimSize = 5 4 3", "DimSize = 5 4 0", "at least one voxel"),
        ("DimSize = 5 4 3", "DimSize = 5 4", "expected 3 finite"),
        ("DimSize = 5 4 3", "DimSize = 5 4 4", "promises 320 bytes, the file holds 240"),
        ("DimSize = 5 4 3", "DimSize = 9999 9999 9999", "less than 1 GiB"),
        ("NDims = 3", "NDims = 3\nNDims = 3", "twice"),
        ("ElementSpacing = 2 3 4", "ElementSpacing = 2 3 0", "spacing is 2x3x0"),
        ("ElementSpacing = 2 3 4", "ElementSpacing = -2 3 4", "spacing is -2x3x4"),
        ("ElementSpacing = 2 3 4", "ElementSpacing = nan 3 4", "expected 3 finite"),
        ("1 0 0 0 1 0 0 0 1", "1 0 0 0 1 0 0 0 0", "need a size above 0"),
        ("1 0 0 0 1 0 0 0 1", "1 0 0 1 0 0 0 0 1", "singular or sheared"),
        ("Offset = 1 2 3", "Offset = 1 2 inf", "expected 3 finite"),
        ("MET_FLOAT", "MET_FLOAT_ARRAY", "ElementType 'MET_FLOAT_ARRAY'"),
        ("BinaryData = True", "BinaryData = False", "expected binary numbers"),
        ("LOCAL", "../b.raw", "in the same folder"),
        ("LOCAL", "LIST", "in the same folder"),
        ("NDims = 3", "NDims = 3\nHeaderSize = 8", "HeaderSize"),
    ],
)
def test_header_that_cannot_be_right_is_refused(tmp_path, old, new, words):
    with pytest.raises(InputError, match=words) as raised:
        read(tmp_path, (old, new))
    assert "\n" not in str(raised.value)


def test_five_axes_are_refused(tmp_path):
    with pytest.raises(InputError, match="has 5 axes"):
        read(tmp_path, ("NDims = 3", "NDims = 5"), ("DimSize = 5 4 3", "DimSize = 5 4 3 1 1"))


def test_colours_are_refused_and_channels_are_not(tmp_path):
    data = np.random.default_rng(0).integers(0, 9, size=(3, 4, 5, 3))
    path = tmp_path / "a.mha"
    sitk.WriteImage(sitk.GetImageFromArray(data.astype(np.uint8), isVector=True), str(path))
    with pytest.raises(InputError, match="RGB"):
        read_volume(path)
    sitk.WriteImage(sitk.GetImageFromArray(data.astype(np.int16), isVector=True), str(path))
    np.testing.assert_array_equal(read_volume(path).data, np.moveaxis(data, -1, 0)[:, ::-1])


def test_fourth_axis_becomes_the_channels(tmp_path):
    data = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    sitk.WriteImage(sitk.GetImageFromArray(data, isVector=False), str(tmp_path / "a.mha"))
    np.testing.assert_array_equal(read_volume(tmp_path / "a.mha").data, data[:, ::-1])


def test_orientation_is_unknown_without_a_matrix(tmp_path):
    with pytest.warns(VolumeWarning, match="orientation is unknown"):
        assert not read(tmp_path, ("TransformMatrix = 1 0 0 0 1 0 0 0 1\n", "")).grid.known


def test_voxels_may_lie_in_a_second_file_of_the_same_folder(tmp_path):
    (tmp_path / "a.raw").write_bytes(DATA.tobytes())
    volume = read(tmp_path, ("LOCAL", "a.raw"), body=b"", name="a.mhd")
    np.testing.assert_array_equal(volume.data, DATA[::-1])
    (tmp_path / "a.raw").write_bytes(DATA.tobytes()[:-1])
    with pytest.raises(InputError, match="promises 240 bytes, the file holds 239"):
        read_volume(tmp_path / "a.mhd")


@pytest.mark.parametrize("compress", [False, True])
def test_file_cut_anywhere_is_refused(tmp_path, compress):
    data = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    path = tmp_path / "a.mha"
    sitk.WriteImage(sitk.GetImageFromArray(data), str(path), useCompression=compress)
    whole = path.read_bytes()
    assert read_volume(path).data.shape == (3, 4, 5)
    for cut in [0, len(whole) - 1, *np.random.default_rng(1).integers(0, len(whole), 60)]:
        path.write_bytes(whole[:cut])
        with pytest.raises(InputError):
            read_volume(path)


def test_compressed_voxels_that_unpack_to_more_than_promised_are_refused(tmp_path):
    body = zlib.compress(DATA.tobytes() + bytes(50_000_000))
    with pytest.raises(InputError, match="the file holds more than that"):
        read(tmp_path, ("CompressedData = False", "CompressedData = True"), body=body)
