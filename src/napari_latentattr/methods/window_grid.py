"""Windows of one size that cover all of an image, in millimetres and voxels.

Refuses to know what happens inside of a window.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.types import Bool, Float64, Grid


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
        found = mask.astype(np.float64)
        for axis in range(len(self.shape)):
            found = _along(self.covers(axis).astype(np.float64), found, axis)
        return found > 0

    def mean_over_windows(self, values: Float64) -> Float64:
        """Mean in every voxel (..., *shape) over the windows (..., *counts) that cover it."""
        ndim = len(self.shape)
        times = [self.covers(axis).sum(axis=0) for axis in range(ndim)]
        total = values.astype(np.float64)
        for axis in range(ndim):
            spread = self.covers(axis).T.astype(np.float64)
            total = _along(spread, total, axis - ndim)
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


def _along(matrix: Float64, values: Float64, axis: int) -> Float64:
    return np.moveaxis(np.tensordot(matrix, values, axes=(1, axis)), 0, axis)
