"""Turns arrays between the voxel order of their file and the canonical order, by exact moves.

Canonical order is (inferior, posterior, left): with it the three standard views stand upright,
the patient's right is on the left of the screen and a 3D view is not mirrored. Only transposes
and flips are used; this file refuses to interpolate and knows no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_latentattr.core.types import Grid

Array = npt.NDArray[Any]


def reorient(data: Array, source: Grid) -> tuple[Array, Grid]:
    """Bring an image into canonical axis order without changing a voxel.

    Parameters
    ----------
    data : (..., *shape) array
        Leading axes, such as channels, stay where they are.
    source : Grid
        The grid of `data` in the order of its file.

    Returns
    -------
    data : (..., *canonical shape) array
        A view of the input.
    grid : Grid
        Its ``source`` is the given grid, or None where the file is in canonical order already.
        An oblique axis goes to the nearest anatomical direction.
    """
    _check_shape(data, source)
    axes, flipped = _turn(source)
    if axes == tuple(range(source.ndim)) and not any(flipped):
        return data, source
    step = np.zeros((source.ndim + 1, source.ndim + 1))
    step[-1, -1] = 1.0
    for new, (old, flip) in enumerate(zip(axes, flipped, strict=True)):
        step[old, new] = -1.0 if flip else 1.0
        step[old, -1] = source.shape[old] - 1 if flip else 0.0
    shape = tuple(source.shape[axis] for axis in axes)
    grid = Grid(shape, source.affine @ step, source=source, known=source.known)
    return _flip(_transpose(data, axes), flipped), grid


def restore(data: Array, grid: Grid) -> tuple[Array, Grid]:
    """Bring an image back into the voxel order of the file that its grid came from.

    Parameters
    ----------
    data : (..., *shape) array
        On `grid`.
    grid : Grid
        As `reorient` returned it.

    Returns
    -------
    data : (..., *source shape) array
        A view of the input.
    source : Grid
        The grid of the file, exact; `grid` itself where it never was turned.
    """
    _check_shape(data, grid)
    if grid.source is None:
        return data, grid
    axes, flipped = _turn(grid.source)
    if tuple(grid.source.shape[axis] for axis in axes) != grid.shape:
        raise ValueError(f"a grid of shape {grid.shape} was not turned from {grid.source.shape}")
    back = tuple(int(axis) for axis in np.argsort(axes))
    return _transpose(_flip(data, flipped), back), grid.source


def crop(grid: Grid, box: Sequence[tuple[int, int]]) -> Grid:
    """Grid of a part of an image; what is written on it lies where it lay in the source.

    Parameters
    ----------
    box : sequence of (int, int)
        First voxel and the one after the last, along each axis.
    """
    source = grid.source
    if source is not None:
        part = [(0, 0)] * source.ndim
        for (old, flip), (low, high) in zip(zip(*_turn(source), strict=True), box, strict=True):
            n = source.shape[old]
            part[old] = (n - high, n - low) if flip else (low, high)
        source = crop(source, part)
    step = np.eye(grid.ndim + 1)
    step[:-1, -1] = [low for low, _ in box]
    shape = tuple(high - low for low, high in box)
    return Grid(shape, grid.affine @ step, source=source, known=grid.known)


def _turn(source: Grid) -> tuple[tuple[int, ...], tuple[bool, ...]]:
    """Find which source axis becomes each canonical axis, and whether it is flipped."""
    cosines = source.affine[:-1, :-1] / np.array(source.spacing)
    rows = range(source.ndim)

    # Rounded, so that an axis at 45 degrees is not assigned by the last bit of a float.
    def nearness(axes: tuple[int, ...]) -> float:
        return round(float(np.abs(cosines[rows, axes]).sum()), 6)

    axes = max(permutations(rows), key=nearness)
    return axes, tuple(bool(cosines[row, axis] > 0) for row, axis in enumerate(axes))


def _transpose(data: Array, axes: tuple[int, ...]) -> Array:
    lead = data.ndim - len(axes)
    return np.transpose(data, (*range(lead), *(lead + axis for axis in axes)))


def _flip(data: Array, flipped: tuple[bool, ...]) -> Array:
    lead = data.ndim - len(flipped)
    return np.flip(data, tuple(lead + axis for axis, flip in enumerate(flipped) if flip))


def _check_shape(data: Array, grid: Grid) -> None:
    if data.shape[-grid.ndim :] != grid.shape:
        raise ValueError(f"data of shape {data.shape} does not lie on a grid {grid.shape}")
