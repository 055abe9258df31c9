"""The layers that this plugin made, found by what their metadata say and never by their name.

People rename layers, delete them and add their own. Refuses to know the session.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image

from napari_latentattr.core.colours import DEEP, SIGNED, UNSIGNED
from napari_latentattr.layers import KEY, MAP_AXIS, STEP_AXIS, Layer

# Which layer a later one replaces: kind, image (where there is one for each), whether side by side
Slot: TypeAlias = tuple[str, str | None, bool]

# A picture that cannot be negative may follow one that can; other colours are the user's choice.
_OWN_COLOURS = {c["name"] for flat in (SIGNED, UNSIGNED) for c in (flat, DEEP[flat["name"]])}
_PLACE = ("scale", "translate", "units", "axis_labels")


def slot_of(metadata: dict[str, Any]) -> Slot | None:
    """Which layer this is; None where it is the user's own, or one that was kept."""
    mine = metadata.get(KEY, {})
    if "key" not in mine or mine.get("kept"):
        return None
    kind, _, image, *_ = mine["key"]
    if mine.get("beside"):
        return ("beside", image, True)
    return (kind, image if kind == "image" else None, False)


def own_layers(viewer: ViewerModel) -> list[Image]:
    """All layers that this plugin made and still looks after, from the bottom to the top."""
    return [layer for layer in viewer.layers if slot_of(layer.metadata) is not None]


def case_images(viewer: ViewerModel) -> dict[str, Image]:
    """Layers of the images of the case, by the name of the image."""
    found = [(slot_of(layer.metadata), layer) for layer in viewer.layers]
    return {
        slot[1]: layer
        for slot, layer in found
        if slot is not None and slot[0] == "image" and slot[1] is not None
    }


def find_layer(viewer: ViewerModel, slot: Slot) -> Image | None:
    """Return the layer of this slot, if it is there."""
    for layer in viewer.layers:
        if slot_of(layer.metadata) == slot:
            return layer
    return None


def map_axis(viewer: ViewerModel) -> int | None:
    """Axis along which the latent maps are counted; None when they are not there."""
    labels = viewer.dims.axis_labels
    if find_layer(viewer, ("latents", None, False)) is None or MAP_AXIS not in labels:
        return None
    return int(labels.index(MAP_AXIS))


def put_layer(viewer: ViewerModel, given: Layer) -> tuple[Image, bool]:
    """Show `given` in the layer of its slot; make one where there is none.

    What the user may have set (opacity, colours, visibility) stays as it is.

    Returns
    -------
    layer : Image
    made : bool
        Whether it is new.
    """
    data, look, _ = given
    slot = slot_of(look["metadata"])
    layer = None if slot is None else find_layer(viewer, slot)
    if layer is not None and layer.ndim != data.ndim:
        viewer.layers.remove(layer)
        layer = None
    if layer is None:
        layer = viewer.add_image(data, **look)
        _sink(viewer, layer)
        return layer, True
    layer.data = data
    for name in _PLACE:
        if not _same(getattr(layer, name), look[name]):
            setattr(layer, name, look[name])
    for name in ("name", "contrast_limits", "metadata"):
        setattr(layer, name, look[name])
    if isinstance(look["colormap"], dict) and layer.colormap.name in _OWN_COLOURS:
        layer.colormap = look["colormap"]
    return layer, False


def show_layer(layer: Any, *, shown: bool) -> None:
    """Show or hide a layer; napari takes 10 ms for it, also where nothing changes."""
    if layer.visible != shown:
        layer.visible = shown


def blank(layer: Image, name: str, *, shape: tuple[int, ...] = ()) -> None:
    """Empty a layer: it must not show another map than the one that is looked at.

    Parameters
    ----------
    shape : tuple of int
        What is left; its own when empty.
    """
    mine = layer.metadata[KEY]
    kind, which, image, *_ = mine["key"]
    layer.name = name
    if which is not None:
        layer.data = np.broadcast_to(np.float32(0), shape or layer.data.shape)
        left = {name: mine[name] for name in ("grid", "beside") if name in mine}
        layer.metadata = {KEY: {"key": (kind, None, image, None), **left}}


def remove_layers(viewer: ViewerModel, layers: list[Image]) -> None:
    """Remove these layers."""
    for layer in layers:
        viewer.layers.remove(layer)


@contextmanager
def same_place(viewer: ViewerModel) -> Iterator[None]:
    """Come back to the same place in mm, whatever happens to the layers in between."""
    place = place_of(viewer)
    place.pop(STEP_AXIS, None)  # no place
    empty = not viewer.layers
    yield
    if not empty:
        go_to(viewer, place)


def place_of(viewer: ViewerModel) -> dict[str, float]:
    """Where the slices lie, by the label of the axis; the map axis left out."""
    dims = viewer.dims
    return {
        label: point
        for label, point in zip(dims.axis_labels, dims.point, strict=True)
        if label != MAP_AXIS
    }


def go_to(viewer: ViewerModel, place: dict[str, float]) -> None:
    """Move the slices to `place` along the axes that are still there."""
    dims = viewer.dims
    point = [place.get(label, at) for label, at in zip(dims.axis_labels, dims.point, strict=True)]
    if tuple(point) != tuple(dims.point):
        dims.point = point


def look_at_images(viewer: ViewerModel) -> None:
    """Bring the images of the case into view: slices in their middle, all on the canvas."""
    layer = next(iter(case_images(viewer).values()))
    middle = layer.extent.world.mean(axis=0)
    go_to(viewer, dict(zip(layer.axis_labels, middle.tolist(), strict=True)))
    viewer.fit_to_view()


def _sink(viewer: ViewerModel, layer: Image) -> None:
    """Move a new layer below those that are to lie over it."""
    layers = viewer.layers
    above = [i for i, other in enumerate(layers) if _height(other) > _height(layer)]
    if above and slot_of(layer.metadata) is not None:
        layers.move(layers.index(layer), above[0])


def _height(layer: Image) -> int:
    slot = slot_of(layer.metadata)
    if slot is None:  # labels and points of the user are drawn on the images
        return -1 if isinstance(layer, Image) else 3
    return {"image": 0, "latents": 1, "traversal": 1}.get(slot[0], 2)


def _same(one: Any, other: Any) -> bool:
    if isinstance(other[0], str):
        return tuple(str(v) for v in one) == tuple(other)
    return bool(np.array_equal(np.asarray(one, dtype=float), np.asarray(other, dtype=float)))
