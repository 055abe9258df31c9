"""The only place where the xyz order and LPS directions of ITK meet our arrays and RAS."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.types import Float64, Grid

Image: TypeAlias = Any  # an sitk.Image; SimpleITK is typed by half
_PROCESS: Any = sitk.ProcessObject


def decode(path: Path, reader: str) -> Image:
    """Read a file whose header was checked before.

    Parameters
    ----------
    path : Path
    reader : str
        Name of the ITK reader; no other one is tried.

    Raises
    ------
    InputError
        When ITK cannot read it.
    """
    shown = _PROCESS.GetGlobalWarningDisplay()
    _PROCESS.SetGlobalWarningDisplay(False)
    try:
        return sitk.ReadImage(str(path), imageIO=reader)
    except RuntimeError as error:
        raise InputError(
            f"{path.name}: the voxels cannot be decoded although the header looks right; "
            "export the file again"
        ) from error
    finally:
        _PROCESS.SetGlobalWarningDisplay(shown)


def array_of(image: Image) -> npt.NDArray[Any]:
    """Voxels of an image, (*S) or (C, *S), slowest axis first."""
    array: npt.NDArray[Any] = sitk.GetArrayFromImage(image)
    return np.moveaxis(array, -1, 0) if image.GetNumberOfComponentsPerPixel() > 1 else array


def grid_of(image: Image) -> Grid:
    """Grid of the first three axes of an image, in the image's own voxel order."""
    n = image.GetDimension()
    d = min(n, 3)
    direction = np.array(image.GetDirection()).reshape(n, n)[:d, :d]
    axes = direction * np.array(image.GetSpacing())[:d]
    shape = tuple(reversed(image.GetSize()[:d]))
    return Grid(shape, array_affine(to_ras(axes, np.array(image.GetOrigin())[:d])))


def image_of(data: npt.NDArray[Any], grid: Grid) -> Image:
    """Make an ITK image with the voxels (*S) and the geometry of `grid`, and nothing else."""
    image: Image = sitk.GetImageFromArray(np.ascontiguousarray(data))
    affine = array_affine(grid.affine)
    lps = to_ras(affine[:-1, :-1], affine[:-1, -1])
    spacing = np.array(grid.spacing[::-1])
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:-1, :-1] / spacing).ravel().tolist())
    image.SetOrigin(lps[:-1, -1].tolist())
    return image


def to_ras(axes: Float64, origin: Float64) -> Float64:
    """Affine with the first two world axes reversed: LPS to RAS, or back.

    Parameters
    ----------
    axes : (d, d) float64 array
        Step in mm along each voxel axis, one a column.
    origin : (d,) float64 array
        Position of the first voxel in mm.
    """
    d = len(origin)
    affine = np.eye(d + 1)
    affine[:d, :d] = axes
    affine[:d, d] = origin
    affine[:2] *= -1.0
    return affine + 0.0


def array_affine(affine: Float64) -> Float64:
    """Affine from xyz order to array order (slowest first), or back: ``P A P``."""
    d = len(affine) - 1
    order = [*range(d - 1, -1, -1), d]
    return np.array(affine[np.ix_(order, order)])
