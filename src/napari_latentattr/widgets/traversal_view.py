"""The traversal of the map that is looked at: one layer with a slider of its own, or an empty one.

Making a slider and taking it away holds up a window; one with a single step is not shown.
Refuses to know the session.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image

from napari_latentattr.core.traversal import Traversal
from napari_latentattr.layers import MAP_AXIS, STEP_AXIS, Layer, traversal_layer
from napari_latentattr.widgets.own_layers import (
    blank,
    case_images,
    find_layer,
    put_layer,
    show_layer,
)

_SLOT = ("traversal", None, False)


class TraversalView:
    """The layer of one viewer; it is emptied with what it is about, and its slider goes with it.

    Parameters
    ----------
    viewer : ViewerModel

    Attributes
    ----------
    wanted : bool
        Whether it is looked at in the place of pictures, where there is one.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._now: tuple[Traversal, int] | None = None
        self._laid: tuple[Traversal, int] | None = None  # what has arrived of it
        self.wanted = False

    @property
    def on_top(self) -> bool:
        """Whether it is what one looks at."""
        return self.wanted and self._now is not None

    def update(
        self, found: Traversal | None, channel: int, which: int, *, shown: bool
    ) -> Iterator[None]:
        """Show one image of a traversal, in steps; None empties the layer.

        Parameters
        ----------
        channel, which : int
            Image and map.
        shown : bool
            Whether what lies over the images is to be seen at all.
        """
        viewer = self._viewer
        layer = find_layer(viewer, _SLOT)
        self._now = None if found is None else (found, channel)
        if found is None:
            self._laid = None
            if layer is not None:
                _empty(layer, which)
            return
        if layer is None or self._laid != self._now:
            given = traversal_layer(found, found.channels[channel])
            given[1]["visible"] = False  # a new one is drawn in a step of its own
            if layer is not None:
                show_layer(layer, shown=True)  # the slider follows no layer that is hidden
            layer, made = put_layer(viewer, _at_its_map(given, found.target.index))
            image = case_images(viewer).get(found.channels[channel])
            if image is not None:  # so that both can be compared, grey by grey
                layer.contrast_limits = image.contrast_limits
            if made or self._laid is None or self._laid[0] is not found:
                self._go_to(int(np.abs(found.values - found.own).argmin()))
            self._laid = self._now
            if made:
                yield
        show_layer(layer, shown=self.wanted and shown)
        if layer.visible:
            viewer.layers.selection.active = layer

    def step(self) -> int:
        """Step that the slider is at."""
        axis = self._axis()
        return 0 if axis is None else int(self._viewer.dims.current_step[axis])

    def words(self) -> str:
        """Say which step is shown; empty where there is none."""
        if not self.on_top or self._now is None:
            return ""
        found, step = self._now[0], min(self.step(), len(self._now[0].values) - 1)
        return f"step {step + 1} of {len(found.values)} · strength {found.values[step]:.3g}"

    def _axis(self) -> int | None:
        labels = self._viewer.dims.axis_labels
        return labels.index(STEP_AXIS) if STEP_AXIS in labels else None

    def _go_to(self, step: int) -> None:
        """Begin with the picture that is most like the case."""
        axis = self._axis()
        if axis is not None:
            self._viewer.dims.set_current_step(axis, step)


def _empty(layer: Image, which: int) -> None:
    """Leave one step of nothing."""
    if len(layer.data) > 1:
        show_layer(layer, shown=True)  # the slider follows no layer that is hidden
    blank(layer, f"LA · map {which} · traversal: not made yet", shape=(1, *layer.data.shape[1:]))
    show_layer(layer, shown=False)


def _at_its_map(given: Layer, which: int) -> Layer:
    """Give a traversal (S, *S) a place on the axis of maps, which the latent maps have too.

    Without it, one slider would count steps and maps; with it, another map shows nothing of it.
    """
    data, look, kind = given
    place = {
        "scale": (1.0, *look["scale"]),
        "translate": (0.0, float(which), *look["translate"][1:]),
        "units": ("pixel", *look["units"]),
        "axis_labels": (STEP_AXIS, MAP_AXIS, *look["axis_labels"][1:]),
    }
    return data[:, None], {**look, **place, "rendering": "attenuated_mip"}, kind
