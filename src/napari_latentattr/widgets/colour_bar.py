"""The colour bar of a picture, and images that leave it room.

napari can only stand it upright in a corner, over what is there. Refuses to know the session.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import TypeAlias

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image

from napari_latentattr.core.types import Float64

Size: TypeAlias = tuple[float, float]  # height and width

# As napari draws it, in pixels; on a smaller canvas it shrinks down to a part of that.
_WIDTH, _HEIGHT, _FONT = 25.0, 150.0, 10.0
_FULL_SIZE, _SMALLEST = 450.0, 0.4
_SMALLEST_FONT = 7.5
_APART = 0.105  # points of type for each pixel of the bar: larger, its numbers overlap
_TICK, _LETTERS = 9.0, 5  # tick and gap before "-0.05"
_PIXELS_A_POINT, _LETTER_WIDTH = 4 / 3, 0.75  # a letter is so many times its height wide
_PADDING, _GAP = 10.0, 4.0  # at the right, as napari has it, and at the left
_LETTER = 26.0  # "R" at the left edge
_CLEAR, _LOWEST = 32.0, 20.0  # above the letter in the middle of the edge
_MARGIN = 0.05
_DARK = 0.1  # of white: air in a picture of a body


def show_bar(viewer: ViewerModel, layer: Image, *, shown: bool) -> None:
    """Show or hide the bar of a layer, no larger than the canvas or the cell allows."""
    cell = viewer.canvas.viewbox_size(viewer.layers)
    part, bar = _part(cell), layer.colorbar
    bar.position = "top_right"
    above_letter = max(_LOWEST, float(cell[0]) / 2 - _CLEAR)
    bar.size = (_WIDTH * part, min(_HEIGHT * part, above_letter))
    bar.font_size = min(_font(part), _APART * bar.size[1])
    bar.box = not viewer.canvas.grid.enabled  # it would reach over the edge of the image
    bar.visible = shown


def lay_out(viewer: ViewerModel, images: Sequence[Image]) -> None:
    """Open a grid, and make images as large in their cells as a bar at the right of each allows.

    In 3D, where a body turns, everything only gets smaller.
    """
    camera, dims, canvas = viewer.scene.camera, viewer.dims, viewer.canvas
    if dims.ndisplay == 3:
        columns = math.ceil(math.sqrt(len(images)))
        canvas.grid.shape = (math.ceil(len(images) / columns), columns)
        canvas.grid.enabled = True
        viewer.fit_to_view(margin=_MARGIN)
        _, width = canvas.viewbox_size(viewer.layers)
        camera.zoom *= 1 - _room(canvas.viewbox_size(viewer.layers)) / width
        return
    low, high = _extent(viewer, images)
    height, width = high - low
    shape = _best_shape(canvas.size, (height, width), len(images))
    canvas.grid.shape, canvas.grid.enabled = shape, True
    cell = (canvas.size[0] / shape[0], canvas.size[1] / shape[1])
    camera.zoom = _zoom(cell, (height, width))
    # What is free at the right already need not be made free.
    missing = max(0.0, _room(cell) - (cell[1] - width * camera.zoom) / 2)
    sign = 1 if camera.orientation2d[1].value == "right" else -1
    y, x = (low + high) / 2
    camera.center = (0.0, float(y), float(x + sign * missing / camera.zoom))


def _extent(viewer: ViewerModel, images: Sequence[Image]) -> tuple[Float64, Float64]:
    """Lowest and highest corner of what is not black, in mm along the axes on display.

    Black edges may lie under the bar or beyond the cell, so that the body gets larger.
    """
    seen = np.zeros(images[0].data.shape, bool)
    for image in images:
        black, white = image.contrast_limits
        seen |= np.asarray(image.data) > black + _DARK * (white - black)
    ends = []
    for axis in range(seen.ndim):
        at = np.flatnonzero(seen.any(axis=tuple(i for i in range(seen.ndim) if i != axis)))
        ends.append((at[0] - 0.5, at[-1] + 0.5) if len(at) else (-0.5, seen.shape[axis] - 0.5))
    shown = [axis - viewer.dims.ndim for axis in viewer.dims.displayed]  # images have fewer axes
    low, high = (
        np.asarray(images[0].data_to_world(corner))[shown] for corner in zip(*ends, strict=True)
    )
    return low, high


def _best_shape(canvas: Size, image: Size, n_cells: int) -> tuple[int, int]:
    """Rows and columns in which images of one size get largest."""
    counts = range(1, n_cells + 1)
    shapes = [
        (rows, columns)
        for rows, columns in product(counts, counts)
        if n_cells <= rows * columns < n_cells + min(rows, columns)
    ]
    return max(shapes, key=lambda s: _zoom((canvas[0] / s[0], canvas[1] / s[1]), image))


def _zoom(cell: Size, image: Size) -> float:
    """Pixels a mm at which an image fits into a cell between a letter and a bar."""
    width = max(1.0, cell[1] - _LETTER - _room(cell))
    return float(min((1 - _MARGIN) * cell[0] / image[0], width / image[1]))


def _part(cell: Size) -> float:
    """Part of its full size."""
    return max(_SMALLEST, min(1.0, float(min(cell)) / _FULL_SIZE))


def _font(part: float) -> float:
    return max(_SMALLEST_FONT, _FONT * part)


def _room(cell: Size) -> float:
    """Pixels from the right edge that the bar may take."""
    part = _part(cell)
    text = _LETTERS * _font(part) * _PIXELS_A_POINT * _LETTER_WIDTH
    return _GAP + _WIDTH * part + _TICK + text + _PADDING
