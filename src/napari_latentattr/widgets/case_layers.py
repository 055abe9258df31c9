"""Images and latent maps of one case in one viewer: made once, then filled with the next case.

Refuses to know the session and the pictures.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image

from napari_latentattr.core.types import Float32, ImageStack, LatentSpec
from napari_latentattr.layers import case_layers, latent_layer
from napari_latentattr.widgets.own_layers import (
    case_images,
    find_layer,
    look_at_images,
    own_layers,
    put_layer,
    remove_layers,
    same_place,
    show_layer,
)


class CaseLayers:
    """The layers of the case that is looked at.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._latents_seen = False
        self._there: ImageStack | None = None  # whose images the layers hold

    def have(self, stack: ImageStack) -> bool:
        """Whether there is a layer for each image, if only of another case."""
        return set(case_images(self._viewer)) == set(stack.channels)

    def put_images(self, stack: ImageStack) -> Iterator[None]:
        """Show the images in hidden layers, one a step; new ones are brought into view.

        Those that the layers hold already are left alone, in one step.
        """
        if self._there is stack and self.have(stack):
            yield
            return
        self._there = None
        before = case_images(self._viewer)
        gone = [layer for name, layer in before.items() if name not in stack.channels]
        with same_place(self._viewer):
            remove_layers(self._viewer, gone)
        for given in case_layers(stack):
            given[1]["visible"] = False
            with same_place(self._viewer):
                put_layer(self._viewer, given)
            if not before:
                look_at_images(self._viewer)
                before = case_images(self._viewer)
            yield
        self._there = stack

    def put_latents(self, maps: Float32, spec: LatentSpec, stack: ImageStack) -> None:
        """Show all latent maps, in the layer that the user may have made visible."""
        with same_place(self._viewer):
            layer, _ = put_layer(self._viewer, latent_layer(maps, spec, stack))
        show_layer(layer, shown=layer.visible or self._latents_seen)
        self._latents_seen = False

    def look_at(self, channel: str, *, select: bool) -> None:
        """Show one image alone; `select` its layer too, for the controls."""
        for name, layer in case_images(self._viewer).items():
            show_layer(layer, shown=name == channel)
            if layer.visible and select:
                self._viewer.layers.selection.active = layer

    def hide(self) -> None:
        """Hide everything: nobody must take the images of one case for those of another."""
        latents = find_layer(self._viewer, ("latents", None, False))
        self._latents_seen |= latents is not None and latents.visible
        for layer in own_layers(self._viewer):
            show_layer(layer, shown=False)

    def remove(self) -> None:
        """Remove everything that belongs to the study."""
        remove_layers(self._viewer, own_layers(self._viewer))
        self._latents_seen = False


def prepare() -> Iterator[None]:
    """Let napari set up its units, which takes 0.2 s with the first layer that has some."""
    Image(np.zeros((2, 2), np.float32), units=("mm", "mm"))
    yield
