"""Letters at the edges of the picture that say where right, left, front and back of a person are.

They are read off the labels of the axes, so an image that does not say how it lies gets none.
Refuses to know layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from napari.components import ViewerModel
from napari.components.overlays import TextOverlay

from napari_latentattr.widgets.turns import take_all

AMBER = "#ffd166"
OPPOSITE = {"I": "S", "S": "I", "P": "A", "A": "P", "L": "R", "R": "L"}
_PLACES = {
    "left": "middle_left",
    "right": "middle_right",
    "top": "top_center",
    "bottom": "bottom_center",
}
_FONT_SIZE = 15


def edge_letters(labels: Sequence[str], vertical: str, horizontal: str) -> dict[str, str]:
    """Letter at each edge of a slice.

    Parameters
    ----------
    labels : two str
        Where the index of the displayed axes grows to, the vertical one first.
    vertical : {"down", "up"}
    horizontal : {"right", "left"}
        Where on the screen it grows to.

    Returns
    -------
    dict
        For left, right, top and bottom; an axis without a direction has empty letters.
    """
    ends = [(OPPOSITE.get(label, ""), label if label in OPPOSITE else "") for label in labels]
    top, bottom = ends[0] if vertical == "down" else ends[0][::-1]
    left, right = ends[1] if horizontal == "right" else ends[1][::-1]
    return {"left": left, "right": right, "top": top, "bottom": bottom}


class Markers:
    """The four letters of one viewer; in 3D a cross of axes takes their place.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._shown = False
        self._beside = False
        axes = viewer.canvas.overlays.axes
        self._axes_before, self._box_before = axes.visible, axes.box
        self._signals = (
            viewer.dims.events.order,
            viewer.dims.events.ndisplay,
            viewer.dims.events.axis_labels,
            viewer.scene.camera.events.orientation,
        )
        for signal in self._signals:
            signal.connect(self.refresh)

    def show(self, *, shown: bool = True, beside: bool = False) -> Iterator[None]:
        """Show or hide the letters, one a step.

        Parameters
        ----------
        shown : bool
        beside : bool
            Whether images lie side by side: then each has its own left and right.
        """
        self._shown, self._beside = shown, beside
        yield from self._letter_by_letter()

    def refresh(self, event: object = None) -> None:
        """Read the letters anew."""
        take_all(self._letter_by_letter())

    def _letter_by_letter(self) -> Iterator[None]:
        overlays = self._viewer.canvas.overlays
        flat = self._viewer.dims.ndisplay == 2
        for edge, letter in self._letters().items():
            name = f"la_{edge}"
            if name not in overlays:
                if not self._shown:
                    continue
                overlays[name] = TextOverlay(
                    position=_PLACES[edge], color=AMBER, font_size=_FONT_SIZE, box=False
                )
            marker = overlays[name]
            # A name stands at the top of each image where they lie side by side.
            fits = not self._beside or edge in ("left", "right")
            seen = self._shown and flat and fits and bool(letter)
            marker.text = letter
            if (marker.visible, marker.gridded) == (seen, self._beside):
                continue
            # The window fails at one that appears in many cells at once.
            marker.gridded = self._beside and marker.visible
            marker.visible = seen
            marker.gridded = self._beside
            yield
        if self._shown:
            overlays.axes.visible = self._axes_before or not flat
            overlays.axes.box = False  # it would hide a corner of the brain

    def close(self) -> None:
        """Take the letters away and let go of the viewer."""
        for signal in self._signals:
            signal.disconnect(self.refresh)
        overlays = self._viewer.canvas.overlays
        for edge in _PLACES:
            overlays.pop(f"la_{edge}", None)
        overlays.axes.visible, overlays.axes.box = self._axes_before, self._box_before

    def _letters(self) -> dict[str, str]:
        dims = self._viewer.dims
        labels = [dims.axis_labels[axis] for axis in dims.displayed[-2:]]
        vertical, horizontal = (o.value for o in self._viewer.scene.camera.orientation2d)
        return edge_letters(labels, vertical, horizontal)
