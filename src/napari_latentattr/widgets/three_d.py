"""How images and pictures look in 3D, and the way back to the same slice.

Refuses to know the session.
"""

from __future__ import annotations

from napari.components import ViewerModel
from napari.layers import Image

from napari_latentattr.layers import DEEP, MAP_AXIS, SIGNED, UNSIGNED
from napari_latentattr.widgets.own_layers import go_to, own_layers, place_of, slot_of

ANATOMY_OPACITY = 0.55
# From the front with the head up, in axes (inferior, posterior, left)
_FORWARD, _UP = (0.0, 1.0, 0.0), (-1.0, 0.0, 0.0)


class ThreeD:
    """Follows a viewer into 3D and back.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._deep = False
        self._turned = False
        self._place: dict[str, float] = {}
        self._order: tuple[int, ...] = ()
        self._opacity: dict[Image, float] = {}
        dims = viewer.dims
        dims.events.point.connect(self._remember)
        dims.events.ndisplay.connect(self._switch)
        self._remember()
        self._switch()

    def dress(self) -> None:
        """Give all layers of this plugin the look that fits the number of axes on display."""
        for layer in own_layers(self._viewer):
            slot = slot_of(layer.metadata)
            kind = "" if slot is None else slot[0]
            if kind == "image":
                self._dress_image(layer)
            elif kind in ("where", "drawn"):
                for flat in (SIGNED, UNSIGNED):
                    pair = (flat, DEEP[flat["name"]])
                    if layer.colormap.name == pair[not self._deep]["name"]:
                        layer.colormap = dict(pair[self._deep])

    def close(self) -> None:
        """Let go of the viewer."""
        self._viewer.dims.events.point.disconnect(self._remember)
        self._viewer.dims.events.ndisplay.disconnect(self._switch)

    def _dress_image(self, layer: Image) -> None:
        if self._deep and layer not in self._opacity:
            self._opacity[layer] = layer.opacity
            layer.opacity = ANATOMY_OPACITY
        elif not self._deep and layer in self._opacity:
            layer.opacity = self._opacity.pop(layer)

    def _remember(self, event: object = None) -> None:
        if not self._deep:
            self._place = place_of(self._viewer)

    def _switch(self, event: object = None) -> None:
        dims = self._viewer.dims
        deep = dims.ndisplay == 3
        if deep == self._deep:
            return
        self._deep = deep
        if deep:
            self._order = dims.order
            self._face_the_front()
        else:
            if sorted(self._order) == list(range(dims.ndim)):
                dims.order = self._order
            # On its way back the viewer moves to the middle of the volume.
            self._deep = True
            go_to(self._viewer, self._place)
            self._deep = False
        self.dress()

    def _face_the_front(self) -> None:
        """Keep a body from being mirrored, and look it in the face the first time."""
        dims = self._viewer.dims
        if dims.axis_labels[-3:] != ("I", "P", "L") or MAP_AXIS in dims.axis_labels[-3:]:
            return
        dims.order = tuple(range(dims.ndim))
        if not self._turned:
            self._viewer.scene.camera.set_view_direction(_FORWARD, _UP)
            self._turned = True
