"""How images and pictures look in 3D, and the way back to the same slice.

Refuses to know the session.
"""

from __future__ import annotations

from napari.components import ViewerModel
from napari.layers import Image

from napari_latentattr.core.colours import DEEP, SIGNED, UNSIGNED
from napari_latentattr.layers import MAP_AXIS
from napari_latentattr.widgets.own_layers import go_to, own_layers, place_of, slot_of
from napari_latentattr.widgets.view_state import View

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
        self._view = View.of(viewer)
        self._back: View | None = None
        self._opacity: dict[Image, float] = {}
        dims = viewer.dims
        camera = viewer.scene.camera
        dims.events.point.connect(self._remember)
        camera.events.connect(self._remember)
        dims.events.order.connect(self._after_order, position="last")
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
            elif kind in ("where", "drawn", "beside"):
                for flat in (SIGNED, UNSIGNED):
                    pair = (flat, DEEP[flat["name"]])
                    if layer.colormap.name == pair[not self._deep]["name"]:
                        layer.colormap = dict(pair[self._deep])

    def come_back_here(self) -> None:
        """Come back from 3D to where the slices lie now."""
        self._place = place_of(self._viewer)

    def close(self) -> None:
        """Let go of the viewer."""
        events = self._viewer.dims.events
        events.point.disconnect(self._remember)
        self._viewer.scene.camera.events.disconnect(self._remember)
        events.order.disconnect(self._after_order)
        events.ndisplay.disconnect(self._switch)

    def _dress_image(self, layer: Image) -> None:
        if self._deep and layer not in self._opacity:
            self._opacity[layer] = layer.opacity
            layer.opacity = ANATOMY_OPACITY
        elif not self._deep and layer in self._opacity:
            layer.opacity = self._opacity.pop(layer)

    def _remember(self, event: object = None) -> None:
        # The viewer moves its camera for 3D and back before this class hears of it.
        if not self._deep and self._viewer.dims.ndisplay == 2:
            self._place, self._view = place_of(self._viewer), View.of(self._viewer)

    def _switch(self, event: object = None) -> None:
        dims = self._viewer.dims
        deep = dims.ndisplay == 3
        if deep == self._deep:
            return
        if deep:
            self._deep = True
            self._face_the_front()
        else:
            back = self._view
            if dims.order != back.order and sorted(back.order) == list(range(dims.ndim)):
                dims.order, self._back = back.order, back
            # On its way back the viewer moves to the middle of the volume.
            go_to(self._viewer, self._place)
            back.restore(self._viewer)
            self._deep = False
        self.dress()

    def _after_order(self, event: object = None) -> None:
        """Undo that the viewer fits everything into view, after the call that set the order."""
        back, self._back = self._back, None
        if back is not None:
            back.restore(self._viewer)
        self._remember()

    def _face_the_front(self) -> None:
        """Keep a body from being mirrored, and look it in the face the first time."""
        dims = self._viewer.dims
        if dims.axis_labels[-3:] != ("I", "P", "L") or MAP_AXIS in dims.axis_labels[-3:]:
            return
        dims.order = tuple(range(dims.ndim))
        if not self._turned:
            self._viewer.scene.camera.set_view_direction(_FORWARD, _UP)
            self._turned = True
