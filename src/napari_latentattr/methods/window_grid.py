"""Windows of one size that cover all of an image, in millimetres and voxels.

Refuses to know what happens inside of a window.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.types import Bool, Float64, Grid

_T = TypeVar("_T", np.float32, np.float64)
_ALL = slice(None)


@dataclass(frozen=True, slots=True, eq=False)
class WindowGrid:
    """Windows at every combination of some places along each axis.

    Attributes
    ----------
    shape : tuple of int
        Voxels of the image.
    size : tuple of int
        Voxels of a window.
    places : tuple of tuple of int
        First voxels of the windows along each axis.
    """

    shape: tuple[int, ...]
    size: tuple[int, ...]
    places: tuple[tuple[int, ...], ...]

    @property
    def counts(self) -> tuple[int, ...]:
        """Windows along each axis."""
        return tuple(map(len, self.places))

    def covers(self, axis: int) -> Bool:
        """Voxels that each window covers along one axis, (windows, voxels)."""
        first = np.asarray(self.places[axis])[:, None]
        voxel = np.arange(self.shape[axis])
        return (first <= voxel) & (voxel < first + self.size[axis])

    def touching(self, mask: Bool) -> Bool:
        """Windows (*counts) that hold a voxel of a mask (*shape)."""
        found = mask.astype(np.float32)  # counts of up to 2**24 voxels are exact
        for axis in range(len(self.shape)):
            found = _along(self.covers(axis).astype(np.float32), found, axis)
        return found > 0

    def mean_over_windows(self, values: Float64, rows: slice = _ALL) -> Float64:
        """Mean in every voxel (..., *shape) over the windows (..., *counts) that cover it.

        Parameters
        ----------
        values : (..., *counts) float64 array
        rows : slice
            Of the first axis, where not all voxels are asked for.
        """
        ndim = len(self.shape)
        covers = [self.covers(axis) for axis in range(ndim)]
        covers[0] = covers[0][:, rows]
        total = values
        for axis, cover in enumerate(covers):
            total = _along(cover.T.astype(np.float64), total, axis - ndim)
        times = [cover.sum(axis=0) for cover in covers]
        return np.asarray(total / reduce(np.multiply.outer, times))


def window_grid(grid: Grid, *, patch: float, stride: float) -> WindowGrid:
    """Windows of `patch` mm every `stride` mm; the last along each axis is moved inward.

    Parameters
    ----------
    grid : Grid
    patch, stride : float
        Millimetres; at least a voxel along each axis.

    Raises
    ------
    InputError
        When voxels between the windows would stay uncovered.
    """
    if stride > patch:
        raise InputError(
            f"a stride of {stride:g} mm leaves gaps between patches of {patch:g} mm; choose a "
            f"stride of at most {patch:g} mm"
        )
    size, places = [], []
    for n, spacing in zip(grid.shape, grid.spacing, strict=True):
        wide = min(n, max(1, round(patch / spacing)))
        step = max(1, round(stride / spacing))
        size.append(wide)
        places.append(tuple(sorted({*range(0, n - wide, step), n - wide})))
    return WindowGrid(grid.shape, tuple(size), tuple(places))


def _along(matrix: npt.NDArray[_T], values: npt.NDArray[_T], axis: int) -> npt.NDArray[_T]:
    return np.moveaxis(np.tensordot(matrix, values, axes=(1, axis)), 0, axis)
