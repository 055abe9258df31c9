"""All images of a case side by side, each under its picture, all in the same colours.

Refuses to know the session.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Layer

from napari_latentattr.core.results import Picture
from napari_latentattr.core.types import Float64
from napari_latentattr.layers import KEY, picture_layers, picture_name
from napari_latentattr.widgets.colour_bar import lay_out, show_bar
from napari_latentattr.widgets.own_layers import (
    find_layer,
    own_layers,
    put_layer,
    remove_layers,
    slot_of,
)
from napari_latentattr.widgets.view_state import View

# More cells than this are too small to be read; then the strongest few are shown.
MOST_CELLS, STRONGEST = 8, 6


class SideBySide:
    """The grid of one viewer.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._before: tuple[bool, int, tuple[int, int], View] | None = None
        self._order: list[Layer] = []
        self._visible: dict[Layer, bool] = {}
        self._stacked: list[Layer] = []
        self._n_cells = 0

    def show(self, cells: Sequence[str], picture: Picture | None, *, shown: bool = True) -> None:
        """Lay images side by side; again when something changed.

        Parameters
        ----------
        cells : sequence of str
            Images of the case in the order of their cells.
        picture : Picture or None
            What lies over them.
        shown : bool
            Whether the picture is to be seen.
        """
        viewer, grid = self._viewer, self._viewer.canvas.grid
        if self._before is None:
            self._enter()
        self._stacked = []  # while layers are made, none is moved
        overlays = self._overlays(cells, picture, shown=shown)
        found = {channel: find_layer(viewer, ("image", channel, False)) for channel in cells}
        images = [layer for layer in found.values() if layer is not None]
        stacked: list[Layer] = []
        for channel in reversed(cells):
            pair = (found[channel], overlays.get(channel))
            stacked += [layer for layer in pair if layer is not None]
        for layer in own_layers(viewer):
            if layer not in stacked:
                layer.visible = False
        self._stacked = stacked
        self._stack()
        for image in images:
            _name(image)
        if overlays:
            viewer.layers.selection.active = overlays[cells[0]]
        # Negative: the cells are filled from the top of the list.
        grid.stride = -2 if overlays else -1
        if not grid.enabled or self._n_cells != len(cells):
            grid.enabled, self._n_cells = True, len(cells)
            lay_out(viewer, images)
        for channel, layer in overlays.items():
            show_bar(viewer, layer, shown=channel == cells[0])

    def leave(self) -> None:
        """Go back to one image, everything as it was before."""
        if self._before is None:
            return
        viewer, grid = self._viewer, self._viewer.canvas.grid
        viewer.layers.events.inserted.disconnect(self._stack)
        grid.enabled, grid.stride, grid.shape, view = self._before
        self._before, self._stacked, self._n_cells = None, [], 0
        remove_layers(viewer, self._beside())
        for layer in own_layers(viewer):
            slot = slot_of(layer.metadata)
            if slot is not None and slot[0] == "image":
                layer.name_overlay.visible = False
        there = [layer for layer in self._order if layer in viewer.layers]
        for to, layer in enumerate(there):
            # What the user made visible meanwhile stays so.
            theirs = slot_of(layer.metadata) is None
            layer.visible = self._visible[layer] or (theirs and layer.visible)
            viewer.layers.move(viewer.layers.index(layer), to)
        self._order, self._visible = [], {}
        view.restore(viewer)

    def _enter(self) -> None:
        """Remember what is there, and hide what would take a cell of its own."""
        viewer, grid = self._viewer, self._viewer.canvas.grid
        self._before = (grid.enabled, grid.stride, grid.shape, View.of(viewer))
        self._order = list(viewer.layers)
        self._visible = {layer: layer.visible for layer in viewer.layers}
        for layer in viewer.layers:
            if slot_of(layer.metadata) is None:
                layer.visible = False
        # Last: by then the window knows the new layer too.
        viewer.layers.events.inserted.connect(self._stack, position="last")

    def _stack(self, event: Any = None) -> None:
        """Bring the layers of the cells to the top, in pairs that a new layer may have parted."""
        layers = self._viewer.layers
        stacked = [layer for layer in self._stacked if layer in layers]
        if list(layers)[len(layers) - len(stacked) :] != stacked:
            for layer in stacked:
                layers.move(layers.index(layer), len(layers))

    def _overlays(
        self, cells: Sequence[str], picture: Picture | None, *, shown: bool
    ) -> dict[str, Image]:
        """Layers of the picture by image; those that are not needed any more are removed."""
        made: dict[str, Image] = {}
        if picture is not None:
            for given in picture_layers(picture):
                channel = given[1]["metadata"][KEY]["key"][2]
                given[1]["metadata"][KEY]["beside"] = True
                given[1]["name"] = picture_name(picture, f"{channel} · {picture.kind}")
                if channel in cells:
                    made[channel], _ = put_layer(self._viewer, given)
                    made[channel].visible = shown
        remove_layers(self._viewer, [one for one in self._beside() if one not in made.values()])
        return made

    def _beside(self) -> list[Image]:
        found = [(layer, slot_of(layer.metadata)) for layer in own_layers(self._viewer)]
        return [layer for layer, slot in found if slot is not None and slot[2]]


def _name(image: Image) -> None:
    image.visible = True
    image.name_overlay.position = "top_left"
    image.name_overlay.box = False
    image.name_overlay.visible = True


def cell_order(
    channels: Sequence[str],
    picture: Picture | None,
    ratio: Float64 | None = None,
    *,
    every: bool = False,
) -> list[str]:
    """Images in the order of their cells: the one that drives the map most first.

    Parameters
    ----------
    channels : sequence of str
    picture : Picture or None
        Tells the order by its strength where the drivers were not measured; without one the
        images keep theirs.
    ratio : (C,) float64 array, optional
        How far each image moves the map.
    every : bool
        Show all images, however small their cells get.

    Returns
    -------
    list of str
        All images, or the `STRONGEST` where there are more than `MOST_CELLS`.
    """
    order = list(channels)
    if ratio is not None and not np.isnan(ratio).all():
        strength = np.nan_to_num(ratio, nan=-np.inf)
    elif picture is not None:
        strength = np.square(picture.volume, dtype=np.float64).reshape(len(order), -1).sum(axis=1)
    else:
        strength = np.zeros(len(order))
    order = [channels[i] for i in np.argsort(-strength, kind="stable")]
    return order if every or len(order) <= MOST_CELLS else order[:STRONGEST]
