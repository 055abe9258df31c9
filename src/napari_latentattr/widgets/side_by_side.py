"""All images of a case side by side, each under its picture, all in the same colours.

Refuses to know the session.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Layer

from napari_latentattr.core.results import Picture
from napari_latentattr.layers import KEY, picture_layers
from napari_latentattr.widgets.own_layers import (
    find_layer,
    own_layers,
    put_layer,
    remove_layers,
    slot_of,
)

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
        self._before: tuple[bool, int] | None = None
        self._order: list[Layer] = []
        self._visible: dict[Layer, bool] = {}

    @property
    def active(self) -> bool:
        """Whether the images lie side by side."""
        return self._before is not None

    def show(self, channels: Sequence[str], picture: Picture | None, *, shown: bool = True) -> None:
        """Lay the images side by side; again when something changed.

        Parameters
        ----------
        channels : sequence of str
            Images of the case.
        picture : Picture or None
            What lies over them.
        shown : bool
            Whether the picture is to be seen.
        """
        viewer, grid = self._viewer, self._viewer.canvas.grid
        if self._before is None:
            self._before = (grid.enabled, grid.stride)
            self._order = list(viewer.layers)
            self._visible = {layer: layer.visible for layer in own_layers(viewer)}
        cells = cell_order(channels, picture)
        overlays = self._overlays(cells, picture, shown=shown)
        stacked: list[Layer] = []
        for channel in reversed(cells):
            image = find_layer(viewer, ("image", channel, False))
            stacked += [layer for layer in (image, overlays.get(channel)) if layer is not None]
        for layer in own_layers(viewer):
            if layer not in stacked:
                layer.visible = False
        for layer in stacked:
            viewer.layers.move(viewer.layers.index(layer), len(viewer.layers))
        for channel in cells:
            self._name(channel)
        if overlays:
            viewer.layers.selection.active = overlays[cells[0]]
        # Negative: the cells are filled from the top of the list.
        grid.stride = -2 if overlays else -1
        if not grid.enabled:
            grid.enabled = True
            viewer.fit_to_view()

    def leave(self) -> None:
        """Go back to one image, everything as it was before."""
        if self._before is None:
            return
        viewer, grid = self._viewer, self._viewer.canvas.grid
        grid.enabled, grid.stride = self._before
        self._before = None
        remove_layers(viewer, self._beside())
        for layer in own_layers(viewer):
            slot = slot_of(layer.metadata)
            if slot is not None and slot[0] == "image":
                layer.name_overlay.visible = False
            layer.visible = self._visible.get(layer, layer.visible)
        for to, layer in enumerate([one for one in self._order if one in viewer.layers]):
            viewer.layers.move(viewer.layers.index(layer), to)
        self._order, self._visible = [], {}
        viewer.fit_to_view()

    def _overlays(
        self, cells: Sequence[str], picture: Picture | None, *, shown: bool
    ) -> dict[str, Image]:
        """Layers of the picture by image; those that are not needed any more are removed."""
        made: dict[str, Image] = {}
        if picture is not None:
            for given in picture_layers(picture):
                channel = given[1]["metadata"][KEY]["key"][2]
                given[1]["metadata"][KEY]["beside"] = True
                given[1]["name"] = f"LA · map {picture.target.index} · {channel} · {picture.kind}"
                if channel in cells:
                    made[channel], _ = put_layer(self._viewer, given)
                    made[channel].visible = shown
        remove_layers(self._viewer, [one for one in self._beside() if one not in made.values()])
        for channel, layer in made.items():
            layer.colorbar.visible = channel == cells[0]
        return made

    def _beside(self) -> list[Image]:
        found = [(layer, slot_of(layer.metadata)) for layer in own_layers(self._viewer)]
        return [layer for layer, slot in found if slot is not None and slot[2]]

    def _name(self, channel: str) -> None:
        image = find_layer(self._viewer, ("image", channel, False))
        if image is not None:
            image.visible = True
            image.name_overlay.position = "top_center"
            image.name_overlay.box = False
            image.name_overlay.visible = True


def cell_order(channels: Sequence[str], picture: Picture | None) -> list[str]:
    """Images in the order of their cells: the one with the strongest picture first.

    Parameters
    ----------
    channels : sequence of str
    picture : Picture or None
        Without one the images keep their order.

    Returns
    -------
    list of str
        All images, or the `STRONGEST` where there are more than `MOST_CELLS`.
    """
    order = list(channels)
    if picture is not None:
        strength = np.square(picture.volume, dtype=np.float64).reshape(len(order), -1).sum(axis=1)
        order = [channels[i] for i in np.argsort(-strength, kind="stable")]
    return order if len(order) <= MOST_CELLS else order[:STRONGEST]
