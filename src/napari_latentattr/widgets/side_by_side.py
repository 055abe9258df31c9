"""All images of a case side by side, each under its picture, all in the same colours.

A new layer, a layer that goes, and a cell that appears or vanishes hold up a window, so they come
in steps. Whatever was done of them before is taken up. Refuses to know the session.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from napari.components import ViewerModel
from napari.layers import Image, Layer

from napari_latentattr.core.results import Picture
from napari_latentattr.layers import KEY, picture_layers, picture_name
from napari_latentattr.widgets.colour_bar import lay_out, show_bar
from napari_latentattr.widgets.own_layers import (
    blank,
    case_images,
    own_layers,
    put_layer,
    show_layer,
    slot_of,
)
from napari_latentattr.widgets.tidying import leave_out
from napari_latentattr.widgets.view_state import View

Pair = tuple[Image, Image | None]  # an image and what lies over it


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
        self._pairs: list[Pair] = []  # none while layers are made: then none is moved
        self._n_cells = 0

    @property
    def entered(self) -> bool:
        """Whether images lie side by side, or some of them already do or still do."""
        return self._before is not None

    @property
    def cleared(self) -> bool:
        """Whether nothing is left of it."""
        return not (self.entered or self._order or self._beside())

    def show(
        self, cells: Sequence[str], picture: Picture | None, which: int, *, shown: bool = True
    ) -> Iterator[None]:
        """Lay images side by side, in steps; again when something changed.

        Parameters
        ----------
        cells : sequence of str
            Images of the case in the order of their cells.
        picture : Picture or None
            What lies over them.
        which : int
            The map that is looked at.
        shown : bool
            Whether the picture is to be seen.
        """
        viewer = self._viewer
        if self._before is None:
            self._enter()
        self._pairs = []
        yield from self._lay_pictures(cells, picture, which)
        images, over = case_images(viewer), self._beside()
        over_shown = shown and picture is not None
        self._pairs = [(images[name], over.get(name)) for name in cells if name in images]
        self._stack()
        yield
        yield from self._open()
        for image, above in self._pairs:
            for part, seen in ((image, True), (image.name_overlay, True), (above, over_shown)):
                if part is not None and part.visible != seen:
                    show_layer(part, shown=seen)
                    yield
        yield from self._close_up()

    def leave(self, name: str) -> Iterator[None]:
        """Go back to one image, in steps: one cell after another vanishes before this one.

        Parameters
        ----------
        name : str
            The image.
        """
        grid = self._viewer.canvas.grid
        if self._before is None:
            return
        if grid.enabled:
            grid.shape = grid.actual_shape(self._viewer.layers)  # no cell moves
            for image, above in reversed(self._pairs):
                if image.visible and image is not case_images(self._viewer).get(name):
                    for layer in (above, image):
                        if layer is not None and layer.visible:
                            show_layer(layer, shown=False)
                    yield
        self.restore()
        yield

    def restore(self) -> None:
        """Go back to one image at once; the order of layers, and more layers, are left to clear."""
        if self._before is None:
            return
        viewer, grid = self._viewer, self._viewer.canvas.grid
        viewer.layers.events.inserted.disconnect(self._stack)
        grid.enabled, grid.stride, grid.shape, view = self._before
        self._before, self._pairs, self._n_cells = None, [], 0
        for layer in self._beside().values():
            show_layer(layer, shown=False)
        for image in case_images(viewer).values():
            image.name_overlay.visible = False
        there = [layer for layer in self._order if layer in viewer.layers]
        for layer in there:
            # What the user made visible meanwhile stays so.
            theirs = slot_of(layer.metadata) is None
            show_layer(layer, shown=self._visible[layer] or (theirs and layer.visible))
        self._visible = {}
        view.restore(viewer)

    def clear(self) -> Iterator[None]:
        """Bring the layers into their order, and remove what is left of it, one a step."""
        if self._order:
            self._put_back()
            yield
        for layer in reversed(self._beside().values()):
            self._viewer.layers.remove(layer)
            yield

    def _put_back(self) -> None:
        there = [layer for layer in self._order if layer in self._viewer.layers]
        _move(self._viewer, there, up=False)
        self._order = []

    def pause(self) -> None:
        """Leave the grid for a moment: hiding many layers takes long in it."""
        if self._before is not None:
            self._viewer.canvas.grid.enabled = False

    def _enter(self) -> None:
        """Remember what is there, and hide what would take a cell of its own."""
        viewer, grid = self._viewer, self._viewer.canvas.grid
        self._put_back()
        self._before = (grid.enabled, grid.stride, grid.shape, View.of(viewer))
        self._order = [layer for layer in viewer.layers if layer not in self._beside().values()]
        self._visible = {layer: layer.visible for layer in viewer.layers}
        for layer in viewer.layers:
            if slot_of(layer.metadata) is None:
                show_layer(layer, shown=False)
        for image in case_images(viewer).values():
            image.name_overlay.position, image.name_overlay.box = "top_left", False
        # Last: by then the window knows the new layer too.
        viewer.layers.events.inserted.connect(self._stack, position="last")

    def _lay_pictures(
        self, cells: Sequence[str], picture: Picture | None, which: int
    ) -> Iterator[None]:
        """Fill the layers of the picture, and make those that miss, hidden, one a step."""
        viewer, there = self._viewer, self._beside()
        if picture is None:
            for name, layer in there.items():
                kind = layer.metadata[KEY]["key"][0]
                blank(layer, f"LA · map {which} · {name} · {kind}: not made yet")
            return
        missing = []
        for given in picture_layers(picture):
            look, name = given[1], given[1]["metadata"][KEY]["key"][2]
            look["metadata"][KEY]["beside"] = True
            look["name"] = picture_name(picture, f"{name} · {picture.kind}")
            look["visible"] = False
            if name in there:
                put_layer(viewer, given)
            elif name in cells:
                missing.append(given)
        if missing:
            leave_out()  # what these layers hold is soon searched for, when they go
        for given in missing:
            put_layer(viewer, given)
            yield

    def _stack(self, event: Any = None) -> None:
        """Bring the layers of the cells to the top, in pairs that a new layer may have parted."""
        layers = self._viewer.layers
        stacked = [
            layer
            for pair in reversed(self._pairs)
            for layer in pair
            if layer is not None and layer in layers
        ]
        _move(self._viewer, stacked, up=True)

    def _open(self) -> Iterator[None]:
        """Let there be a grid, in which no cell moves while others appear."""
        viewer, grid, pairs = self._viewer, self._viewer.canvas.grid, self._pairs
        # Negative: the cells are filled from the top of the list.
        grid.stride = -2 if self._beside() else -1
        beside = {layer for pair in pairs for layer in pair}
        others = [one for one in own_layers(viewer) if one not in beside and one.visible]
        if grid.enabled and self._n_cells == len(pairs):
            for layer in others:
                show_layer(layer, shown=False)
                yield
            return
        grid.enabled = False
        for layer in others:
            show_layer(layer, shown=False)
        show_layer(pairs[0][0], shown=True)
        if self._n_cells != len(pairs):
            lay_out(viewer, [image for image, _ in pairs])
            self._n_cells = len(pairs)
        grid.enabled = True
        yield

    def _close_up(self) -> Iterator[None]:
        """Let new layers start rows; show the bar once, and remove what lies over no image."""
        viewer, grid, over = self._viewer, self._viewer.canvas.grid, self._beside()
        grid.shape = (-1, grid.shape[1])
        for i, (_, above) in enumerate(self._pairs):
            if above is not None:
                show_bar(viewer, above, shown=i == 0)
        first = self._pairs[0][1]
        if first is not None and first.visible:
            viewer.layers.selection.active = first
        for layer in over.values():
            if all(layer is not above for _, above in self._pairs):
                viewer.layers.remove(layer)
                yield

    def _beside(self) -> dict[str, Image]:
        """Layers over the images, by the name of the image."""
        found = [(slot_of(layer.metadata), layer) for layer in self._viewer.layers]
        return {
            slot[1]: layer
            for slot, layer in found
            if slot is not None and slot[2] and slot[1] is not None
        }


def _move(viewer: ViewerModel, wanted: list[Layer], *, up: bool) -> None:
    """Bring layers to the top of the list, or to its bottom, in this order."""
    layers = viewer.layers
    others = [one for one in layers if one not in wanted]
    order = [*others, *wanted] if up else [*wanted, *others]
    if order != list(layers):
        with layers.events.reordered.blocker():  # the canvas is set up anew for each
            for to, layer in enumerate(order):
                layers.move(layers.index(layer), to)
        layers.events.reordered(value=layers)
