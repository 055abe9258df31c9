import gzip

import numpy as np
import pytest
import SimpleITK as sitk

from napari_latentattr.core.errors import InputError, VolumeWarning
from napari_latentattr.io.volumes import read_volume

DATA = np.arange(60, dtype="<f4").reshape(3, 4, 5)
HEADER = """NRRD0004
type: float
dimension: 3
space: left-posterior-superior
sizes: 5 4 3
space directions: (2,0,0) (0,3,0) (0,0,4)
kinds: domain domain domain
endian: little
encoding: raw
space origin: (1,2,3)

"""


def read(tmp_path, *changes, body=None):
    text = HEADER
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "a.nrrd").write_bytes(text.encode() + (DATA.tobytes() if body is None else body))
    return read_volume(tmp_path / "a.nrrd")


def test_volume_lies_where_its_header_says(tmp_path):
    volume = read(tmp_path)
    source = volume.grid.source
    np.testing.assert_allclose(np.diag(source.affine), [4, -3, -2, 1])
    np.testing.assert_allclose(source.affine[:3, 3], [3, -2, -1])
    np.testing.assert_array_equal(volume.data, DATA[::-1])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("NRRD0004", "NRRX0004", "does not start with an NRRD header"),
        ("\n\n", "\n", "does not start with an NRRD header"),
        ("sizes: 5 4 3", "sizes: 5 4 0", "at least one voxel"),
        ("sizes: 5 4 3", "sizes: 5 4", "sizes is '5 4', expected 3"),
        ("sizes: 5 4 3", "sizes: 5 4 4", "promises 320 bytes, the file holds 240"),
        ("sizes: 5 4 3", "sizes: 9999 9999 9999", "less than 1 GiB"),
        ("sizes: 5 4 3", "sizes: 5 4 3\nsizes: 5 4 3", "twice"),
        ("(0,0,4)", "(0,0,0)", "need a size above 0"),
        ("(0,0,4)", "(0,0,nan)", "expected 3 finite numbers"),
        ("(0,0,4)", "(0,4,4)", "singular or sheared"),
        ("(1,2,3)", "(1,2,nan)", "space origin"),
        ("kinds: domain domain domain", "kinds: RGB-color domain domain", "rgb-color"),
        ("kinds: domain domain domain", "kinds: complex domain domain", "complex"),
        ("kinds: domain domain domain", "kinds: list list domain", "at most one axis"),
        ("encoding: raw", "encoding: bzip2", "encoding 'bzip2'"),
        ("encoding: raw", "encoding: raw\ndata file: /etc/passwd", "in another file"),
        ("encoding: raw", "encoding: raw\nbyte skip: -1", "skips bytes"),
        ("type: float", "type: block", "type 'block'"),
        ("encoding: raw", "encoding: raw\nspacings: 1 0 1", "spacing is 1x0x1"),
        ("encoding: raw", 'encoding: raw\nspace units: "um" "um" "um"', "expected mm"),
    ],
)
def test_header_that_cannot_be_right_is_refused(tmp_path, old, new, words):
    with pytest.raises(InputError, match=words) as raised:
        read(tmp_path, (old, new))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "changes",
    [
        [("space: left-posterior-superior", "space dimension: 3")],
        [("space: left-posterior-superior", "space: scanner-xyz")],
        [
            ("space: left-posterior-superior\n", ""),
            ("space directions: (2,0,0) (0,3,0) (0,0,4)", "spacings: 2 3 4"),
            ("space origin: (1,2,3)\n", ""),
        ],
    ],
)
def test_orientation_is_unknown_without_a_space(tmp_path, changes):
    with pytest.warns(VolumeWarning, match="orientation is unknown"):
        volume = read(tmp_path, *changes)
    assert not volume.grid.known
    assert volume.grid.spacing == (4.0, 3.0, 2.0)


def test_ras_space_is_turned_into_the_same_place(tmp_path):
    ras = read(
        tmp_path,
        ("left-posterior-superior", "right-anterior-superior"),
        ("(2,0,0) (0,3,0)", "(-2,0,0) (0,-3,0)"),
        ("(1,2,3)", "(-1,-2,3)"),
    )
    assert ras.grid.same_as(read(tmp_path).grid)
    np.testing.assert_array_equal(ras.data, DATA[::-1])


def test_vector_axis_becomes_the_channels(tmp_path):
    data = np.random.default_rng(0).normal(size=(3, 4, 5, 2)).astype(np.float32)
    sitk.WriteImage(sitk.GetImageFromArray(data, isVector=True), str(tmp_path / "v.nrrd"))
    volume = read_volume(tmp_path / "v.nrrd")
    np.testing.assert_array_equal(volume.data, np.moveaxis(data, -1, 0)[:, ::-1])


@pytest.mark.parametrize("compress", [False, True])
def test_file_cut_anywhere_is_refused(tmp_path, compress):
    data = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    path = tmp_path / "a.nrrd"
    sitk.WriteImage(sitk.GetImageFromArray(data), str(path), useCompression=compress)
    whole = path.read_bytes()
    assert read_volume(path).data.shape == (3, 4, 5)
    for cut in [0, len(whole) - 1, *np.random.default_rng(1).integers(0, len(whole), 60)]:
        path.write_bytes(whole[:cut])
        with pytest.raises(InputError):
            read_volume(path)


def test_gzip_that_unpacks_to_more_than_promised_is_refused(tmp_path):
    with pytest.raises(InputError, match="the file holds more than that"):
        read(tmp_path, ("raw", "gzip"), body=gzip.compress(DATA.tobytes() + bytes(50_000_000)))
