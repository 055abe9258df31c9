"""A DICOM series as one volume: every header is looked at before a pixel is decoded.

ITK would stack slices with gaps, doubles and mixed orientations into one volume of wrong spacing.
Nothing that names a patient leaves this file: no header text, no file name, no library's message.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.filereader import read_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.types import Float32, Float64, Grid
from napari_latentattr.io.header import check_axes, check_sizes, check_spacing, times
from napari_latentattr.io.itk import array_affine, array_of, decode, to_ras

READER = "GDCMImageIO"

# Scanners print positions with three digits or so.
GAP_SHARE, GAP_MM = 0.01, 0.01
GRID_SHARE = 0.1  # of a pixel, over the whole stack
_SAME_DIRECTION = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class _Slice:
    """The part of a slice's header that we rely on; nothing about the patient."""

    path: Path
    series: str
    layout: tuple[int, int, int]  # rows, columns, bits
    directions: Float64  # (2, 3): along a row, along a column
    spacing: tuple[float, float]  # mm between rows, between columns
    position: Float64  # (3,) LPS mm
    thickness: float


def read_series(folder: Path) -> tuple[Float32, Grid]:
    """Read the one series of a folder.

    Parameters
    ----------
    folder : Path
        Holds the files of one series and nothing else, except hidden files and a DICOMDIR.

    Returns
    -------
    data : (slices, rows, columns) float32 array
        Rescaled as every slice's header says.
    grid : Grid
        In this order.

    Raises
    ------
    InputError
        When there are several series, or the slices do not make one regular volume.
    """
    name = folder.name
    paths = sorted(
        path
        for path in folder.iterdir()
        if path.is_file() and not path.name.startswith(".") and path.name.upper() != "DICOMDIR"
    )
    if not paths:
        raise InputError(f"folder {name}: holds no file, expected one DICOM series")
    slices = [_header(name, path) for path in paths]
    counts = Counter(one.series for one in slices)
    if len(counts) > 1:
        files = ", ".join(str(n) for n in sorted(counts.values()))
        raise InputError(
            f"folder {name}: holds {len(counts)} DICOM series (of {files} files), expected one; "
            "keep each series in a folder of its own"
        )
    slices, affine = _volume(name, slices)
    shape = (len(slices), *slices[0].layout[:2])
    data = np.empty(shape, dtype=np.float32)
    for index, one in enumerate(slices):
        data[index] = _pixels(name, one)
    return data, Grid(shape, affine)


def _header(name: str, path: Path) -> _Slice:
    # Its words may name the patient. Once and for all: what is set for a while holds for every
    # thread, and two that set it at once may leave it behind for everybody's warnings.
    warnings.filterwarnings("ignore", module=r"pydicom\b")
    try:
        if read_file_meta_info(path).TransferSyntaxUID == DeflatedExplicitVRLittleEndian:
            raise ValueError("would be unpacked as a whole, however large")
        record = pydicom.dcmread(path)
        problem = _problem(record)
        if not problem:
            return _slice(path, record)
    except InputError as error:
        raise InputError(f"folder {name}: {error}") from None
    # pydicom raises nearly anything on a damaged file.
    except Exception:
        problem = "is no complete DICOM image; keep nothing else in the folder, copy it again"
    raise InputError(f"folder {name}: a file {problem}")


def _problem(record: Any) -> str:
    """Say why a file cannot be a slice, or nothing."""
    if int(record.get("NumberOfFrames", 1)) > 1:
        return "holds several frames, expected one file a slice; convert it to NIfTI"
    rows, columns, bits = _layout(record)
    if record.SamplesPerPixel != 1 or "MONOCHROME" not in record.PhotometricInterpretation:
        return "holds colours, expected grey values; export the original series"
    scale = [float(record.get("RescaleSlope", 1)), float(record.get("RescaleIntercept", 0))]
    if not np.isfinite(scale).all() or scale[0] == 0:
        return "has a rescale slope or intercept that cannot be right; export it again"
    check_sizes("a DICOM slice", [rows, columns])
    expected, found = rows * columns * bits // 8, len(record.PixelData)
    if not record.file_meta.TransferSyntaxUID.is_compressed and found not in (
        expected,
        expected + expected % 2,
    ):
        return f"promises {expected} bytes of pixels and holds {found}; it is cut, copy it again"
    return ""


def _layout(record: Any) -> tuple[int, int, int]:
    return int(record.Rows), int(record.Columns), int(record.BitsAllocated)


def _slice(path: Path, record: Any) -> _Slice:
    thickness = record.get("SpacingBetweenSlices") or record.get("SliceThickness") or math.nan
    directions = np.array(record.ImageOrientationPatient, dtype=np.float64).reshape(2, 3)
    position = np.array(record.ImagePositionPatient, dtype=np.float64).reshape(3)
    between_rows, between_columns = (float(step) for step in record.PixelSpacing)
    if not (np.isfinite(position).all() and np.isfinite(directions).all()):
        raise ValueError("a position that is no number")
    return _Slice(
        path,
        str(record.SeriesInstanceUID),
        _layout(record),
        directions,
        (between_rows, between_columns),
        position,
        float(thickness),
    )


def _volume(name: str, slices: Sequence[_Slice]) -> tuple[list[_Slice], Float64]:
    """Order slices along their normal; affine of the volume in array order."""
    first = slices[0]
    if any(one.layout != first.layout for one in slices):
        raise InputError(f"folder {name}: the slices differ in size; keep those of one size")
    if any(
        not np.allclose(one.spacing, first.spacing, rtol=1e-4, atol=0)
        or not np.allclose(one.directions, first.directions, rtol=0, atol=_SAME_DIRECTION)
        for one in slices
    ):
        raise InputError(
            f"folder {name}: the slices differ in orientation or pixel spacing; keep those that "
            "lie parallel"
        )
    check_sizes(f"folder {name}", [len(slices), *first.layout[:2]])
    check_spacing(f"folder {name}", first.spacing)
    row, column = first.directions
    normal = np.cross(row, column)
    check_axes(f"folder {name}", np.column_stack([row, column, normal]))
    slices = sorted(slices, key=lambda one: float(one.position @ normal))
    step = _step(name, slices, normal)
    axes = np.column_stack([row * first.spacing[1], column * first.spacing[0], step])
    return slices, array_affine(to_ras(axes, slices[0].position))


def _step(name: str, slices: Sequence[_Slice], normal: Float64) -> Float64:
    """Vector from one slice to the next, in LPS mm."""
    if len(slices) == 1:
        check_spacing(f"folder {name}, slice thickness", [slices[0].thickness])
        return np.asarray(normal * slices[0].thickness)
    gaps = np.diff([one.position for one in slices], axis=0)
    along = gaps @ normal
    if along.min() < GAP_MM:
        raise InputError(
            f"folder {name}: {np.count_nonzero(along < GAP_MM)} slices lie where another one "
            "lies; keep one image a position"
        )
    typical = float(np.median(along))
    allowed = max(GAP_SHARE * typical, GAP_MM)
    aside = np.linalg.norm(np.cumsum(gaps - np.outer(along, normal), axis=0), axis=1)
    if aside.max() > max(allowed, GRID_SHARE * min(slices[0].spacing)):
        raise InputError(
            f"folder {name}: slices are shifted sideways by up to {aside.max():.3g} mm (tilted "
            "gantry), expected a stack at right angles; resample it to NIfTI first"
        )
    if np.abs(along - typical).max() > allowed:
        raise InputError(
            f"folder {name}: gaps between slices go from {along.min():.4g} to {along.max():.4g} "
            f"mm, expected equal ones; look for missing slices among the {len(slices)}"
        )
    # At right angles to the slices, so that the volume has no shear of a rounding's size.
    return np.asarray(normal * along.mean())


def _pixels(name: str, one: _Slice) -> Float32:
    try:
        pixels = array_of(decode(one.path, READER))
    except InputError:
        raise InputError(
            f"folder {name}: the pixels of a slice cannot be decoded; copy or export it again"
        ) from None
    pixels = pixels.astype(np.float32).squeeze()
    wanted = one.layout[:2]
    if pixels.size != math.prod(wanted):
        raise InputError(
            f"folder {name}: a slice has {times(pixels.shape)} pixels, its header promises "
            f"{times(wanted)}; copy or export it again"
        )
    return np.asarray(pixels.reshape(wanted))
