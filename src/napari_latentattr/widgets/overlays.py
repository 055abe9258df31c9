"""The coloured pictures over the images of one viewer: one layer a kind, used again and again.

Refuses to know the session; it is told which map, image and case are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import get_args

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image

from napari_latentattr.core.results import Picture, PictureKind
from napari_latentattr.layers import KEY, picture_layers
from napari_latentattr.widgets.colour_bar import show_bar
from napari_latentattr.widgets.own_layers import (
    blank,
    find_layer,
    own_layers,
    put_layer,
    show_layer,
    slot_of,
)

KINDS: tuple[PictureKind, ...] = get_args(PictureKind)


class Overlays:
    """What lies over the images.

    Parameters
    ----------
    viewer : ViewerModel

    Attributes
    ----------
    kind : {"where", "drawn"}
        The kind that is looked at, where there are both.
    shown : bool
        Whether they are to be seen at all.
    aside : bool
        Whether something else is looked at in their place.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self.kind: PictureKind = "where"
        self.shown, self.aside = True, False
        self._now: dict[PictureKind, tuple[Picture, int]] = {}
        self._laid: dict[PictureKind, tuple[Picture, int]] = {}  # part of it that has arrived
        self._peeked: list[Image] = []

    @property
    def seen_kind(self) -> PictureKind:
        """`kind`, or the other one where only that was made."""
        return self.kind if self.kind in self._now or not self._now else next(iter(self._now))

    @property
    def picture(self) -> Picture | None:
        """The picture that is looked at."""
        return self._now[self.seen_kind][0] if self._now else None

    def update(
        self, pictures: Mapping[PictureKind, Picture], channel: int, which: int, *, seen: bool
    ) -> Iterator[None]:
        """Lay the pictures of one image over it, in steps; a later call takes up what is left.

        Parameters
        ----------
        pictures : mapping
            Those of the map and case that are looked at.
        channel, which : int
            Image and map.
        seen : bool
            Show the picture even where the user had hidden its layer.
        """
        self._now = {kind: (p, channel) for kind, p in pictures.items()}
        for kind in KINDS:
            layer = find_layer(self._viewer, (kind, None, False))
            if kind not in pictures:
                self._laid.pop(kind, None)
                if layer is not None:
                    show_layer(layer, shown=False)
                    blank(layer, f"LA · map {which} · {kind}: not made yet")
                continue
            if layer is None or self._laid.get(kind) != self._now[kind]:
                given = picture_layers(pictures[kind])[channel]
                given[1]["visible"] = False  # a new one is drawn in a step of its own
                layer, made = put_layer(self._viewer, given)
                if made:
                    self._laid.pop(kind, None)
                yield
            elif not seen:
                continue
            yield from self._show(layer, kind, seen=seen or kind not in self._laid)
            self._laid[kind] = self._now[kind]

    def look(self, view: str) -> None:
        """Look at the kind of picture that belongs to a view, if one does."""
        self.kind = next((kind for kind in KINDS if kind == view), self.kind)

    def on_top(self) -> Image | None:
        """Return the layer of the picture that is looked at; None when there is none."""
        return find_layer(self._viewer, (self.seen_kind, None, False)) if self._now else None

    def keep(self) -> Image | None:
        """Freeze a hidden copy of the picture that is looked at."""
        layer = self.on_top()
        if layer is None:
            return None
        data, look, _ = layer.as_layer_data_tuple()
        mine = layer.metadata[KEY]
        look |= {
            "name": f"★ {layer.name} · {mine['key'][3]}",
            "visible": False,
            "metadata": {KEY: mine | {"kept": True}},
        }
        copy = self._viewer.add_image(np.array(data), **look)
        self._viewer.layers.selection.active = layer
        return copy

    def hide_for_peek(self) -> None:
        """Take all pictures away for a moment."""
        self._peeked = [one for one in own_layers(self._viewer) if one.visible and _is_overlay(one)]
        for layer in self._peeked:
            show_layer(layer, shown=False)

    def show_after_peek(self) -> None:
        """Bring back what was taken away."""
        for layer in self._peeked:
            show_layer(layer, shown=True)
        self._peeked = []

    def _show(self, layer: Image, kind: PictureKind, *, seen: bool) -> Iterator[None]:
        top = kind == self.seen_kind
        if seen:
            show_layer(layer, shown=top and self.shown and not self.aside)
            yield
        show_bar(self._viewer, layer, shown=top)
        if top and not self.aside:
            # Else the controls would change a layer that nobody sees.
            self._viewer.layers.selection.active = layer


def _is_overlay(layer: Image) -> bool:
    slot = slot_of(layer.metadata)
    return slot is not None and slot[0] in (*KINDS, "beside", "traversal", "made up")
