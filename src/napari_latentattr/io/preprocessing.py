"""From the intensities of a file to what a model sees: spacing first, then scaling.

Works on one case at a time and learns nothing from the others. Refuses to know files.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.types import Bool, Float32, Float64, Grid, ImageStack

Scaling: TypeAlias = Literal["percentile", "zscore", "none"]


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How the images of a case are made ready for a model.

    Attributes
    ----------
    scaling : {"percentile", "zscore", "none"}
        ``percentile`` brings the two `percentiles` of each case and channel to 0 and 1 and clips
        nothing; ``zscore`` brings mean and standard deviation to 0 and 1. Both look at the voxels
        inside the mask, or at all of them where there is no mask.
    percentiles : (low, high)
        In percent.
    spacing : tuple of float or None
        Millimetres per voxel, slowest axis first; None keeps the voxels of the file.

    Raises
    ------
    InputError
        When a value makes no sense.
    """

    scaling: Scaling = "percentile"
    percentiles: tuple[float, float] = (1.0, 99.0)
    spacing: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.scaling not in get_args(Scaling):
            known = ", ".join(get_args(Scaling))
            raise InputError(f"scaling must be one of {known}, got {self.scaling!r}")
        low_high = tuple(float(p) for p in self.percentiles)
        if len(low_high) != 2 or not 0 <= low_high[0] < low_high[1] <= 100:
            raise InputError(
                f"percentiles must be two rising numbers from 0 to 100, got {list(low_high)}"
            )
        object.__setattr__(self, "percentiles", low_high)
        if self.spacing is not None:
            spacing = tuple(float(s) for s in self.spacing)
            if not spacing or not all(math.isfinite(s) and s > 0 for s in spacing):
                raise InputError(f"spacing must be positive millimetres, got {list(spacing)}")
            object.__setattr__(self, "spacing", spacing)


DEFAULT = Preprocessing()


def preprocess(stack: ImageStack, how: Preprocessing = DEFAULT) -> ImageStack:
    """Bring a stack to the spacing and the intensities that a model expects.

    Parameters
    ----------
    stack : ImageStack
        As it was read.
    how : Preprocessing

    Returns
    -------
    ImageStack
        On its own grid, or on one of the same field of view with the wanted spacing.

    Raises
    ------
    InputError
        When the mask is empty or a channel has no contrast to scale by.
    """
    grid = working_grid(stack.grid, how, case=stack.case)
    data, mask = stack.data, stack.mask
    if grid is not stack.grid:
        data = np.stack([_smooth_and_sample(channel, stack.grid, grid) for channel in data])
        mask = None if mask is None else on_grid(mask, stack.grid, grid)
    if mask is not None and not mask.any():
        raise InputError(f"case {stack.case}: the mask holds no voxel; mark the body or leave it")
    if how.scaling != "none":
        inside = np.ones(grid.shape, dtype=bool) if mask is None else mask
        names = (f"case {stack.case}: channel {c}" for c in stack.channels)
        scaled = [_scaled(x, inside, how, name) for x, name in zip(data, names, strict=True)]
        data = np.stack(scaled)
    return replace(stack, data=data, grid=grid, mask=mask)


def working_grid(grid: Grid, how: Preprocessing, *, case: str) -> Grid:
    """Return the grid that an image on `grid` has after preprocessing.

    Returns
    -------
    Grid
        `grid` itself where no spacing is asked for; otherwise a grid whose first voxel has its
        outer edge where that of `grid` was.
    """
    if how.spacing is None:
        return grid
    if len(how.spacing) != grid.ndim:
        raise InputError(
            f"case {case}: the image has {grid.ndim} axes, spacing gives {len(how.spacing)} "
            "numbers; give one number an axis"
        )
    factor = np.array(how.spacing) / np.array(grid.spacing)
    shape = tuple(max(1, round(n / f)) for n, f in zip(grid.shape, factor, strict=True))
    step = np.diag([*factor, 1.0])
    step[:-1, -1] = (factor - 1) / 2
    return Grid(shape, grid.affine @ step, known=grid.known)


def on_grid(labels: npt.NDArray[Any], old: Grid, new: Grid) -> npt.NDArray[Any]:
    """Labels (*S) of the grid `old` at the voxels of `new`, each from its nearest voxel."""
    index = np.ix_(
        *[np.clip(np.floor(at + 0.5).astype(int), 0, n - 1) for at, n in _positions(old, new)]
    )
    return labels[index]


def _positions(old: Grid, new: Grid) -> list[tuple[Float64, int]]:
    """For each axis: voxel positions of `new` in indices of `old`, and the length of `old`."""
    factor = np.array(new.spacing) / np.array(old.spacing)
    return [
        (f * np.arange(n_new) + (f - 1) / 2, n_old)
        for f, n_new, n_old in zip(factor, new.shape, old.shape, strict=True)
    ]


def _smooth_and_sample(image: Float32, old: Grid, new: Grid) -> Float32:
    """Linear interpolation; finer detail than the new voxels hold is smoothed away first.

    References
    ----------
    Cardoso et al., Scale factor point spread function matching, MICCAI 2015.
    """
    factor = np.array(new.spacing) / np.array(old.spacing)
    full_width = 2 * math.sqrt(2 * math.log(2))
    sigma = np.sqrt(np.maximum(factor**2 - 1, 0)) / full_width
    smooth = ndimage.gaussian_filter(image, sigma, mode="nearest")
    at = np.meshgrid(*[at for at, _ in _positions(old, new)], indexing="ij")
    sampled = ndimage.map_coordinates(smooth, at, order=1, mode="nearest", output=np.float32)
    return np.asarray(sampled)


def _scaled(image: Float32, inside: Bool, how: Preprocessing, name: str) -> Float32:
    values = image[inside & np.isfinite(image)].astype(np.float64)
    if values.size == 0:
        raise InputError(f"{name} holds no number inside the mask; check the image and its mask")
    low, width = _origin_and_width(values, how)
    if not width > 0:
        raise InputError(
            f"{name} has no contrast to scale by, its {how.scaling} width is {width:g}; "
            "choose other percentiles, scaling: none, or leave the case out"
        )
    return np.asarray((image - low) / width, dtype=np.float32)


def _origin_and_width(values: Float64, how: Preprocessing) -> tuple[float, float]:
    """Value that becomes 0, and how far from there 1 is."""
    if how.scaling == "zscore":
        return float(values.mean()), float(values.std())
    low, high = np.percentile(values, how.percentiles)
    return float(low), float(high - low)
