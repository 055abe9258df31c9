"""Results as image files that lie exactly where the images lay that they came from.

Only voxels and geometry are written: nothing that a source file said about its patient can get
into a result, because no metadata is carried this far.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.geometry import restore
from napari_latentattr.core.types import Grid
from napari_latentattr.io.atomic import replacing
from napari_latentattr.io.header import times
from napari_latentattr.io.itk import image_of

# Ending -> reader and writer of ITK, whether to compress.
_WRITERS = {
    ".nii": ("NiftiImageIO", False),
    ".nii.gz": ("NiftiImageIO", True),
    ".nrrd": ("NrrdImageIO", True),
    ".mha": ("MetaImageIO", True),
}
_SMALLER = {"bool": "uint8", "float64": "float32", "float16": "float32"}


def write_volume(path: str | Path, data: npt.ArrayLike, grid: Grid) -> None:
    """Write a result with the voxel order and the position of the file it came from.

    The same input gives the same bytes. The file appears whole or not at all.

    Parameters
    ----------
    path : str or Path
        Ends in .nii, .nii.gz, .nrrd or .mha.
    data : (*S) array
        On `grid`, in canonical order; bool is written as uint8, float64 as float32.
    grid : Grid
        Where it was read from a file, the geometry of that file is written.

    Raises
    ------
    InputError
        When the ending is unknown, the shapes differ, the orientation is unknown, the data are
        no numbers, or the folder cannot be written to.
    """
    path, data = Path(path), np.asarray(data)
    writer, compress = _writer(path)
    if data.shape != grid.shape:
        raise InputError(
            f"{path.name}: the data have shape {times(data.shape)}, the grid {times(grid.shape)}; "
            "give one number a voxel of the grid"
        )
    if not grid.known:
        raise InputError(
            f"{path.name}: the orientation is unknown, left and right could be exchanged in the "
            "file; put the orientation into the source image first"
        )
    if data.dtype.kind not in "biuf" or data.dtype.itemsize > 8:
        raise InputError(f"{path.name}: data of type {data.dtype} are no real numbers")
    voxels, source = restore(data.astype(_SMALLER.get(data.dtype.name, data.dtype.name)), grid)
    image = image_of(voxels, source)
    with replacing(path) as beside:
        try:
            sitk.WriteImage(image, str(beside), useCompression=compress, imageIO=writer)
        except RuntimeError as error:
            raise InputError(
                f"{path}: cannot be written; name a folder that exists, can be written to and has "
                "space"
            ) from error


def _writer(path: Path) -> tuple[str, bool]:
    for ending in sorted(_WRITERS, key=len, reverse=True):
        if path.name.lower().endswith(ending) and len(path.name) > len(ending):
            return _WRITERS[ending]
    raise InputError(
        f"{path.name}: has no ending that can be written, expected {', '.join(_WRITERS)}"
    )
