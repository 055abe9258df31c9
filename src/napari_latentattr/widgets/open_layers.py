"""Layers that are open in the viewer, as images on grids; reads layers and changes none."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.open_image import OpenImage
from napari_latentattr.core.types import Grid
from napari_latentattr.layers import DIRECTIONS, KEY


def open_image(layer: Any) -> OpenImage:
    """Image or label map of a layer.

    Raises
    ------
    InputError
        When the layer is turned in space, or has axes that are not space.
    """
    if layer.multiscale or getattr(layer, "rgb", False):
        raise InputError(f"layer {layer.name} is a colour or multi-scale image; use a plain one")
    if layer.ndim not in (2, 3):
        raise InputError(f"layer {layer.name} has {layer.ndim} axes; images have 2 or 3")
    return OpenImage(layer.name, np.asarray(layer.data), grid_of(layer))


def grid_of(layer: Any) -> Grid:
    """Where the voxels of a layer lie.

    The exact grid where the layer carries one; otherwise its scale and translation, with axes
    taken as inferior, posterior, left only when the layer names them so.
    """
    kept = layer.metadata.get(KEY, {})
    grid = kept.get("grid") if isinstance(kept, dict) else None
    if isinstance(grid, Grid) and grid.shape == tuple(layer.data.shape):
        return grid
    matrix = np.asarray(layer.affine.linear_matrix)
    turned = not np.allclose(matrix, np.diag(np.diag(matrix)))
    if turned or not np.allclose(layer.rotate, np.eye(layer.ndim)) or np.any(layer.shear):
        raise InputError(
            f"layer {layer.name} is rotated or sheared in the viewer; open its file with "
            "File > Open so that its geometry is kept"
        )
    n = layer.ndim
    affine = np.eye(n + 1)
    affine[:n, :n] = -np.diag(np.diag(matrix) * layer.scale)
    affine[:n, n] = -(np.diag(matrix) * layer.translate + layer.affine.translate)
    known = tuple(layer.axis_labels) == DIRECTIONS[-n:]
    return Grid(tuple(layer.data.shape), affine, known=known)


def is_ours(layer: Any) -> bool:
    """Whether the plugin itself made the layer as a result."""
    kept = layer.metadata.get(KEY, {})
    return isinstance(kept, dict) and "key" in kept
