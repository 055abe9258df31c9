"""Where latent voxels lie in the input image.

Latent voxel i sits at the centre of its receptive field, input index ``offset + i * stride``.
A plain resize would be off by up to half a stride.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from napari_latentattr.core.stopping import stop_if_asked
from napari_latentattr.core.types import Bool, Float32, Float64, Grid, LatentSpec


def latent_centres(spec: LatentSpec, latent_shape: Sequence[int]) -> list[Float64]:
    """Input index of every latent voxel, one array an axis."""
    return [
        np.asarray(offset + stride * np.arange(n), dtype=np.float64)
        for offset, stride, n in zip(spec.offset, spec.stride, latent_shape, strict=True)
    ]


def latents_inside(mask: Bool, spec: LatentSpec, latent_shape: Sequence[int]) -> Bool:
    """Latents whose receptive-field centre lies in `mask`.

    Parameters
    ----------
    mask : (*S) bool array
    latent_shape : sequence of int

    Returns
    -------
    (*L) bool array
        A centre between voxels counts when at least half of its neighbours are inside.
    """
    from scipy import ndimage  # a quarter of a second that a window need not wait for

    at = np.meshgrid(*latent_centres(spec, latent_shape), indexing="ij")
    value = ndimage.map_coordinates(mask.astype(np.float32), at, order=1, mode="nearest")
    return np.asarray(value >= 0.5 - 1e-6)


def latents_off_border(spec: LatentSpec, latent_shape: Sequence[int], shape: Sequence[int]) -> Bool:
    """Latents (*L) whose receptive field lies wholly inside an image of `shape`."""
    inside = [
        (centre - (width - 1) / 2 >= -1e-6) & (centre + (width - 1) / 2 <= n - 1 + 1e-6)
        for centre, width, n in zip(
            latent_centres(spec, latent_shape), spec.receptive_field, shape, strict=True
        )
    ]
    return np.asarray(np.logical_and.reduce(np.meshgrid(*inside, indexing="ij")))


def latents_of_region(
    region: Bool, spec: LatentSpec, latent_shape: Sequence[int], *, share: float = 0.25
) -> Bool:
    """Latents of which at least `share` of the cell (one stride wide) is labelled.

    Thin structures vanish when only the centre of the cell is asked.

    Parameters
    ----------
    region : (*S) bool array
    latent_shape : sequence of int

    Returns
    -------
    (*L) bool array
    """
    inside = region.astype(np.float64)
    for axis, (centre, stride) in enumerate(
        zip(latent_centres(spec, latent_shape), spec.stride, strict=True)
    ):
        n = inside.shape[axis]
        total = np.insert(np.cumsum(inside, axis=axis), 0, 0.0, axis=axis)
        edges = [centre + 0.5 + side * stride / 2 for side in (-1, 1)]
        low, high = (_at(total, np.clip(edge, 0, n), axis) for edge in edges)
        inside = (high - low) / stride
    return np.asarray(inside >= share - 1e-9)


def _at(values: Float32 | Float64, position: Float64, axis: int) -> Float64:
    """Linear interpolation at places of one axis."""
    below = np.minimum(np.floor(position).astype(int), values.shape[axis] - 2)
    weight = (position - below).reshape([-1 if a == axis else 1 for a in range(values.ndim)])
    return np.asarray(
        np.take(values, below, axis) * (1 - weight) + np.take(values, below + 1, axis) * weight
    )


def nearest_latent(
    voxel: Sequence[float], spec: LatentSpec, latent_shape: Sequence[int]
) -> tuple[int, ...] | None:
    """Index of the latent nearest to a place in the input image; None beyond the latent map.

    Parameters
    ----------
    voxel : sequence of float
        Input index along each axis; need not be whole.
    latent_shape : sequence of int
    """
    at = (np.asarray(voxel, dtype=float) - spec.offset) / spec.stride
    # Voxels at the edge of an image may lie almost a stride beyond the outermost centres.
    if np.any(at < -1) or np.any(at > np.array(latent_shape)):
        return None
    return tuple(np.clip(np.rint(at), 0, np.array(latent_shape) - 1).astype(int).tolist())


def to_input_grid(latent: Float32, spec: LatentSpec, shape: Sequence[int]) -> Float32:
    """Latent volume (..., *L) on the voxels of the input image (..., *S), linearly.

    Beyond the outermost latent centres the nearest latent is used.
    """
    ndim, lead = len(shape), latent.shape[: -len(shape)]
    at = [
        np.clip((np.arange(n) - offset) / stride, 0, m - 1)
        for n, m, offset, stride in zip(
            shape, latent.shape[-ndim:], spec.offset, spec.stride, strict=True
        )
    ]
    given = latent.reshape(-1, *latent.shape[-ndim:])
    found = np.empty((len(given), *shape), dtype=np.float32)
    for row, first in enumerate(at[0]):  # a volume in float64 takes gigabytes
        stop_if_asked()
        plane: Float32 | Float64 = given
        for axis, position in enumerate((first[None], *at[1:]), start=1):
            plane = _at(plane, position, axis)
        found[:, row] = plane[:, 0]
    return found.reshape(*lead, *shape)


def latent_grid(grid: Grid, spec: LatentSpec, latent_shape: Sequence[int]) -> Grid:
    """Grid whose voxels are the latents of an image on `grid`, in millimetres."""
    step = np.diag([*spec.stride, 1.0])
    step[:-1, -1] = spec.offset
    return Grid(tuple(latent_shape), grid.affine @ step, known=grid.known)


def field_box(
    latent: Sequence[int], spec: LatentSpec, shape: Sequence[int]
) -> list[tuple[int, int]]:
    """First voxel and the one after the last that a latent can see, along each axis.

    Inside an image of `shape`, and never empty.
    """
    box = []
    for i, offset, stride, width, n in zip(
        latent, spec.offset, spec.stride, spec.receptive_field, shape, strict=True
    ):
        first = math.floor(offset + stride * i - (width - 1) / 2 + 1e-6)
        last = math.ceil(offset + stride * i + (width - 1) / 2 - 1e-6)
        low = min(max(first, 0), n - 1)
        high = max(min(last + 1, n), low + 1)
        box.append((low, high))
    return box
