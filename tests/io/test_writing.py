import gzip
import os

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.types import Grid
from napari_latentattr.io.volumes import read_volume
from napari_latentattr.io.writing import write_volume

GRID = Grid.from_spacing((3, 4, 5), (2, 1, 1))
DATA = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
ENDINGS = [".nii", ".nii.gz", ".nrrd", ".mha"]
SECRETS = {"0010|0010": "Doe^Jane", "descrip": "PAT-4711", "aux_file": "Mercy", "Comment": "1970"}


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_written_is_read_again(tmp_path, ending):
    write_volume(tmp_path / f"a{ending}", DATA, GRID)
    volume = read_volume(tmp_path / f"a{ending}")
    np.testing.assert_array_equal(volume.data, DATA)
    assert volume.grid.same_as(GRID, 1e-6)
    assert os.listdir(tmp_path) == [f"a{ending}"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_same_input_gives_the_same_bytes_under_any_name_and_time(tmp_path, ending, monkeypatch):
    write_volume(tmp_path / f"a{ending}", DATA, GRID)
    monkeypatch.setattr("time.time", lambda: 0.0)
    write_volume(tmp_path / f"b{ending}", DATA.copy(), GRID)
    first, second = ((tmp_path / f"{name}{ending}").read_bytes() for name in "ab")
    assert first == second
    if ending == ".nii.gz":
        assert first[4:8] == bytes(4)  # no time in the gzip header


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("source", [".nrrd", ".mha", ".nii"])
def test_nothing_that_the_source_says_of_its_patient_is_written(tmp_path, source, ending):
    image = sitk.GetImageFromArray(DATA)
    for key, value in SECRETS.items():
        image.SetMetaData(key, value)
    path = tmp_path / f"in{source}"
    sitk.WriteImage(image, str(path))
    assert any(secret.encode() in path.read_bytes() for secret in SECRETS.values())
    volume = read_volume(path)
    write_volume(tmp_path / f"out{ending}", volume.data, volume.grid)
    written = (tmp_path / f"out{ending}").read_bytes()
    written += gzip.decompress(written) if ending == ".nii.gz" else b""
    assert not [secret for secret in SECRETS.values() if secret.encode() in written]


@pytest.mark.parametrize(
    ("given", "stored"),
    [("bool", "u1"), ("f8", "f4"), ("f2", "f4"), ("f4", "f4"), ("u1", "u1"), (">i4", "i4")],
)
def test_types_are_stored_in_the_nearest_common_one(tmp_path, given, stored):
    data = (DATA > 0).astype(given)
    write_volume(tmp_path / "a.nii", data, GRID)
    image = nibabel.load(tmp_path / "a.nii")
    assert image.get_data_dtype() == np.dtype(stored)
    np.testing.assert_array_equal(np.asanyarray(image.dataobj).transpose(), data)


def test_nan_is_written_as_nan(tmp_path):
    data = DATA.copy()
    data[1, 2, 3] = np.nan
    write_volume(tmp_path / "a.nii", data, GRID)
    stored = np.asanyarray(nibabel.load(tmp_path / "a.nii").dataobj)
    np.testing.assert_array_equal(stored.transpose(), data)


def test_data_off_the_grid_are_refused(tmp_path):
    with pytest.raises(InputError, match="the data have shape 3x4x4, the grid 3x4x5"):
        write_volume(tmp_path / "a.nii", DATA[..., 1:], GRID)


def test_unknown_orientation_is_not_written(tmp_path):
    with pytest.raises(InputError, match="the orientation is unknown"):
        write_volume(tmp_path / "a.nii", DATA, Grid((3, 4, 5), GRID.affine, known=False))
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("name", ["a.png", "a", ".nii", "a.mhd"])
def test_other_endings_are_refused(tmp_path, name):
    with pytest.raises(InputError, match="no ending that can be written"):
        write_volume(tmp_path / name, DATA, GRID)


def test_complex_data_are_refused(tmp_path):
    with pytest.raises(InputError, match="no real numbers"):
        write_volume(tmp_path / "a.nii", DATA.astype(complex), GRID)


def test_missing_folder_is_told(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        write_volume(tmp_path / "nowhere" / "a.nii", DATA, GRID)


def test_failed_write_keeps_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.nii.gz"
    write_volume(path, DATA, GRID)
    old = path.read_bytes()

    def fail(image, name, **options):
        with open(name, "wb") as stream:
            stream.write(b"half")
        raise RuntimeError("No space left on device")

    monkeypatch.setattr(sitk, "WriteImage", fail)
    with pytest.raises(InputError, match="cannot be written"):
        write_volume(path, 2 * DATA, GRID)
    assert path.read_bytes() == old
    assert os.listdir(tmp_path) == ["a.nii.gz"]
