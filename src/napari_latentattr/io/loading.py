"""From a path to voxels as they are stored, in canonical order: which format, which checks.

Headers are checked before a voxel is decoded. Nothing about the patient is kept.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy.typing as npt

from napari_latentattr.core.errors import InputError, VolumeWarning
from napari_latentattr.core.geometry import reorient
from napari_latentattr.core.types import Grid
from napari_latentattr.io import metaimage, nifti, nrrd
from napari_latentattr.io.dicom import read_series
from napari_latentattr.io.header import Header, times
from napari_latentattr.io.itk import array_of, decode, grid_of

# ITK decodes these after our check of the header.
_ITK: dict[str, tuple[Callable[[Path], Header], str]] = {
    ".nrrd": (nrrd.read_header, nrrd.READER),
    ".mha": (metaimage.read_header, metaimage.READER),
    ".mhd": (metaimage.read_header, metaimage.READER),
}
_ENDINGS = (".nii", ".nii.gz", *_ITK)


def load(path: Path) -> tuple[npt.NDArray[Any], Grid]:
    """Read any image file, or the folder of a DICOM series.

    Returns
    -------
    voxels : (*S) or (C, *S) array
        Of the type that the file has, in canonical order.
    grid : Grid

    Raises
    ------
    InputError
        When the file is missing, damaged, too large or not an image of real numbers.
    """
    if path.is_dir():
        series, grid = read_series(path)
        return reorient(series, grid)
    ending = _ending(path)
    if ending is None:
        raise InputError(
            f"{path.name}: has no ending that is read, expected {', '.join(_ENDINGS)} or the "
            "folder of a DICOM series"
        )
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; check the path")
    try:
        voxels, grid, remarks = _decoded(path, ending) if ending in _ITK else nifti.read_image(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the file") from error
    unknown = "the orientation is unknown; left and right are not told apart"
    for remark in (*remarks, *(() if grid.known else (unknown,))):
        warnings.warn(f"{path.name}: {remark}", VolumeWarning, stacklevel=3)
    return reorient(voxels, grid)


def stem(path: str | Path) -> str:
    """Name of a file without its ending, or of a folder."""
    path = Path(path)
    if path.is_dir():
        return path.resolve().name
    ending = _ending(path)
    return path.name[: len(path.name) - len(ending)] if ending else path.name


def _ending(path: Path) -> str | None:
    found = [ending for ending in _ENDINGS if path.name.lower().endswith(ending)]
    return max(found, key=len) if found else None


def _decoded(path: Path, ending: str) -> tuple[npt.NDArray[Any], Grid, tuple[str, ...]]:
    read_header, reader = _ITK[ending]
    header = read_header(path)
    image = decode(path, reader)
    voxels = array_of(image)
    # ITK drops or keeps axes of length 1 as it likes; the others must be as promised.
    if _longer_than_one(voxels.shape) != _longer_than_one(header.shape):
        raise InputError(
            f"{path.name}: was read as {times(voxels.shape)} voxels, its header says "
            f"{times(header.shape)}; export it again"
        )
    grid = Grid(header.shape[-header.ndim :], grid_of(image).affine, known=header.known)
    return voxels.reshape(header.shape), grid, ()


def _longer_than_one(shape: tuple[int, ...]) -> list[int]:
    return [size for size in shape if size > 1]
