import gzip
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pydicom.data
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.geometry import restore
from napari_latentattr.io.volumes import read_volume
from napari_latentattr.io.writing import write_volume

SERIES = generate_uid(entropy_srcs=["series"])
SECRETS = ["Doe^Jane", "PAT-4711", "19700101", "Mercy Hospital"]
SHAPE = (6, 4, 5)  # slices, rows, columns
PIXELS = np.random.default_rng(0).integers(-500, 500, SHAPE).astype("<i2")
ROW, COLUMN = np.array([0.8, 0.6, 0.0]), np.array([-0.6, 0.8, 0.0])
NORMAL = np.cross(ROW, COLUMN)
START = np.array([10.0, -20, 30])


def slice_record(index, gap=2.5):
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[f"slice {index}"])
    record = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    record.SOPClassUID = MRImageStorage
    record.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    record.PatientName, record.PatientID, record.PatientBirthDate, record.InstitutionName = SECRETS
    record.Modality, record.SeriesInstanceUID = "MR", SERIES
    record.Rows, record.Columns = SHAPE[1:]
    record.SamplesPerPixel, record.PhotometricInterpretation = 1, "MONOCHROME2"
    record.BitsAllocated, record.BitsStored, record.HighBit = 16, 16, 15
    record.PixelRepresentation = 1
    record.PixelSpacing, record.SliceThickness = [0.5, 0.75], 2.0
    record.ImageOrientationPatient = [*ROW, *COLUMN]
    record.ImagePositionPatient = [round(float(x), 6) for x in START + index * gap * NORMAL]
    record.PixelData = PIXELS[index].tobytes()
    return record


def write_series(folder, *, change=lambda index, record: None, indices=range(SHAPE[0])):
    folder.mkdir(exist_ok=True)
    for index in indices:
        record = slice_record(index)
        change(index, record)
        # Names in an order that is not the order of the slices.
        record.save_as(folder / f"{(index * 5) % 7}-{record.SOPInstanceUID}.dcm")
    return folder


def test_slices_are_ordered_by_position_and_lie_where_their_headers_say(tmp_path):
    volume = read_volume(write_series(tmp_path / "s"))
    source, grid = volume.grid.source, volume.grid
    assert grid.spacing == pytest.approx((2.5, 0.5, 0.75))
    index = np.array([4, 3, 2, 1])  # slice, row, column
    lps = START + 4 * 2.5 * NORMAL + 3 * 0.5 * COLUMN + 2 * 0.75 * ROW
    ras = lps * [-1, -1, 1]
    np.testing.assert_allclose((source.affine @ index)[:3][::-1], ras, atol=1e-6)
    np.testing.assert_array_equal(volume.data, PIXELS[::-1])


def test_each_slice_is_rescaled_by_its_own_slope_and_intercept(tmp_path):
    def change(index, record):
        record.RescaleSlope, record.RescaleIntercept = 0.5 + index, -index

    expected = PIXELS * (0.5 + np.arange(6))[:, None, None] - np.arange(6)[:, None, None]
    data = read_volume(write_series(tmp_path / "s", change=change)).data
    np.testing.assert_allclose(data, expected[::-1], rtol=1e-6)


def test_hidden_files_and_dicomdir_do_not_matter(tmp_path):
    folder = write_series(tmp_path / "s")
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "DICOMDIR").write_bytes(b"x")
    assert read_volume(folder).data.shape == SHAPE


def set_on(index_to_change, **values):
    def change(index, record):
        if index == index_to_change:
            for key, value in values.items():
                setattr(record, key, value)

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (set_on(3, SeriesInstanceUID="1.2.3"), r"2 DICOM series \(of 1, 5 files\)"),
        (set_on(3, ImagePositionPatient=[*START]), "1 slices lie where another one"),
        (set_on(3, ImagePositionPatient=[*(START + 3.02 * 2.5 * NORMAL)]), "gaps between slices"),
        (set_on(3, ImagePositionPatient=[*(START + 7.5 * NORMAL + 0.3 * ROW)]), "tilted"),
        (set_on(3, ImageOrientationPatient=[1, 0, 0, 0, 1, 0]), "differ in orientation"),
        (set_on(3, PixelSpacing=[0.5, 0.5]), "differ in orientation or pixel spacing"),
        (set_on(3, Rows=2, PixelData=bytes(20)), "differ in size"),
        (set_on(3, PixelData=bytes(38)), "promises 40 bytes of pixels and holds 38"),
        (set_on(3, Rows=65535, Columns=65535), "less than 1 GiB"),
        (set_on(3, RescaleSlope=0), "rescale slope"),
        (set_on(3, NumberOfFrames=2), "several frames"),
        (set_on(3, PhotometricInterpretation="RGB", SamplesPerPixel=3), "colours"),
        (set_on(3, PhotometricInterpretation="PALETTE COLOR"), "colours"),
        (set_on(3, ImagePositionPatient=None), "no complete DICOM image"),
    ],
)
def test_series_that_is_no_regular_volume_is_refused_without_naming_anyone(tmp_path, change, words):
    with pytest.raises(InputError, match=words) as raised:
        read_volume(write_series(tmp_path / "s", change=change))
    assert "\n" not in str(raised.value)
    assert not [secret for secret in SECRETS if secret in repr(raised.value)]
    assert raised.value.__cause__ is None


def test_spacing_that_cannot_be_right_is_refused(tmp_path):
    def change(index, record):
        record.PixelSpacing = [0, 0.75]

    with pytest.raises(InputError, match="spacing is 0x0.75"):
        read_volume(write_series(tmp_path / "s", change=change))


def test_missing_slice_is_refused(tmp_path):
    with pytest.raises(InputError, match="from 2.5 to 5 mm.*missing slices among the 5"):
        read_volume(write_series(tmp_path / "s", indices=[0, 1, 2, 4, 5]))


def test_gantry_tilt_is_refused(tmp_path):
    def tilt(index, record):
        at = START + index * 2.5 * (NORMAL + 0.02 * COLUMN)
        record.ImagePositionPatient = [round(float(x), 6) for x in at]

    with pytest.raises(InputError, match="sideways by up to 0.25 mm"):
        read_volume(write_series(tmp_path / "s", change=tilt))


def test_gaps_may_differ_by_a_hundredth(tmp_path):
    def change(index, record):
        at = START + (index * 2.5 + 0.01 * (index % 2)) * NORMAL
        record.ImagePositionPatient = [round(float(x), 6) for x in at]

    assert read_volume(write_series(tmp_path / "s", change=change)).data.shape == SHAPE


def test_single_slice_takes_its_thickness(tmp_path):
    volume = read_volume(write_series(tmp_path / "s", indices=[2]))
    assert volume.grid.shape == (1, *SHAPE[1:])
    assert volume.grid.spacing[0] == pytest.approx(2.0)


def test_other_files_in_the_folder_are_refused(tmp_path):
    folder = write_series(tmp_path / "s")
    (folder / "Doe^Jane.txt").write_text("notes")
    with pytest.raises(InputError, match="no complete DICOM image") as raised:
        read_volume(folder)
    assert "Doe" not in str(raised.value)


def test_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no file"):
        read_volume(tmp_path)


def test_deflated_file_is_refused_before_it_is_unpacked(tmp_path):
    def change(index, record):
        record.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian

    with pytest.raises(InputError, match="no complete DICOM image"):
        read_volume(write_series(tmp_path / "s", change=change))


def test_slice_cut_anywhere_is_refused(tmp_path):
    folder = write_series(tmp_path / "s")
    path = sorted(folder.iterdir())[2]
    whole = path.read_bytes()
    for cut in [0, len(whole) - 1, *np.random.default_rng(1).integers(0, len(whole), 40)]:
        path.write_bytes(whole[:cut])
        with pytest.raises(InputError):
            read_volume(folder)


def test_random_bytes_are_refused_or_read_but_never_crash(tmp_path):
    folder = write_series(tmp_path / "s", indices=[0])
    path = next(folder.iterdir())
    whole, rng = path.read_bytes(), np.random.default_rng(3)
    outcomes = set()
    for _ in range(150):
        raw = bytearray(whole)
        raw[rng.integers(0, len(raw) - 40)] = rng.integers(0, 256)
        path.write_bytes(raw)
        try:
            read_volume(folder)
            outcomes.add("read")
        except InputError:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


def copy_sample(name, folder):
    original = Path(pydicom.data.get_testdata_file(name, download=False))
    (folder / name).write_bytes(original.read_bytes())
    return folder / name


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".nrrd", ".mha"])
def test_nothing_that_names_the_patient_is_written(tmp_path, ending):
    folder = write_series(tmp_path / "s")
    assert all(
        secret.encode() in path.read_bytes() for path in folder.iterdir() for secret in SECRETS
    )
    volume = read_volume(folder)
    write_volume(tmp_path / f"out{ending}", volume.data, volume.grid)
    written = (tmp_path / f"out{ending}").read_bytes()
    written += gzip.decompress(written) if ending == ".nii.gz" else b""
    assert not [secret for secret in SECRETS if secret.encode() in written]
    assert read_volume(tmp_path / f"out{ending}").grid.corner_distance(volume.grid) < 1e-4


@pytest.mark.parametrize(
    "name",
    ["MR_small.dcm", "MR_small_RLE.dcm", "MR_small_bigendian.dcm", "MR_small_jp2klossless.dcm",
     "MR_small_jpeg_ls_lossless.dcm", "MR_small_implicit.dcm", "CT_small.dcm"],
)  # fmt: skip
def test_compressions_are_read_as_the_uncompressed_file(tmp_path, name):
    plain = "CT_small.dcm" if name.startswith("CT") else "MR_small.dcm"
    copy_sample(name, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        record = pydicom.dcmread(pydicom.data.get_testdata_file(plain, download=False))
    slope, intercept = record.get("RescaleSlope", 1), record.get("RescaleIntercept", 0)
    expected = record.pixel_array * float(slope) + float(intercept)
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(restore(volume.data, volume.grid)[0][0], expected)


@pytest.mark.parametrize("name", ["MR_small_RLE.dcm", "MR_small_jp2klossless.dcm"])
def test_cut_compressed_pixels_are_refused(tmp_path, name):
    path = copy_sample(name, tmp_path)
    whole = path.read_bytes()
    for cut in [len(whole) - 200, *np.random.default_rng(1).integers(200, len(whole) - 200, 20)]:
        path.write_bytes(whole[:cut])
        with pytest.raises(InputError, match="folder"):
            read_volume(tmp_path)


@pytest.mark.parametrize(
    "name", ["MR_truncated.dcm", "rtplan.dcm", "rtstruct.dcm", "SC_rgb_rle.dcm", "test-SR.dcm"]
)
def test_what_is_no_series_of_grey_slices_is_refused(tmp_path, name):
    copy_sample(name, tmp_path)
    with pytest.raises(InputError, match="folder"):
        read_volume(tmp_path)


def test_what_pydicom_says_of_a_value_is_not_told_and_other_warnings_are(tmp_path):
    write_series(tmp_path)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        before = len(warnings.filters)
        for _ in range(2):
            read_volume(tmp_path)
        assert len(warnings.filters) <= before + 1
        warnings.warn_explicit("Doe^Jane", UserWarning, "valuerep.py", 1, module="pydicom.valuerep")
        warnings.warn("of somebody else", stacklevel=1)
    assert [str(w.message) for w in heard] == ["of somebody else"]
