"""Layers that are open in the viewer, as images on grids; reads layers and changes none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.open_image import OpenImage
from napari_latentattr.core.types import Grid
from napari_latentattr.layers import DIRECTIONS, KEY
from napari_latentattr.viewer_files import grid_shown


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

    The exact grid where the layer carries one, moved with it; otherwise its scale and translation,
    with axes taken as inferior, posterior, left only when the layer names them so.
    """
    n, shape = layer.ndim, tuple(layer.data.shape)
    matrix = np.asarray(layer.affine.linear_matrix)
    turned = not np.allclose(matrix, np.diag(np.diag(matrix)))
    if turned or not np.allclose(layer.rotate, np.eye(n)) or np.any(layer.shear):
        raise InputError(
            f"layer {layer.name} is rotated or sheared in the viewer; open its file with "
            "File > Open so that its geometry is kept"
        )
    scale = np.diag(matrix) * layer.scale
    if np.any(scale <= 0):
        raise InputError(
            f"layer {layer.name} is mirrored in the viewer: its scale is "
            f"{' x '.join(f'{s:g}' for s in scale)}; flip its voxels instead and make the scale "
            "positive"
        )
    meta = layer.as_layer_data_tuple()[1]
    kept = layer.metadata.get(KEY, {})
    grid = kept.get("grid") if isinstance(kept, dict) else None
    if isinstance(grid, Grid) and grid.shape == shape:
        return grid_shown(layer.name, shape, meta)
    known = tuple(layer.axis_labels) == DIRECTIONS[-n:]
    if {str(unit) for unit in layer.units} == {"pixel"}:  # as it is when nobody set a unit
        meta["units"] = ("mm",) * n
    meta["axis_labels"] = DIRECTIONS[-n:]
    return replace(grid_shown(layer.name, shape, meta), known=known)


def is_ours(layer: Any) -> bool:
    """Whether the plugin itself made the layer as a result."""
    kept = layer.metadata.get(KEY, {})
    return isinstance(kept, dict) and "key" in kept
