"""What stands around the images: black canvas, scale in mm, two lines that say what is shown.

Everything is put back as it was. Refuses to know layers and the session.
"""

from __future__ import annotations

from collections.abc import Sequence

from napari.components import ViewerModel

from napari_latentattr.widgets.caption import fitted, room


class Surroundings:
    """The canvas of one viewer.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer, self._canvas = viewer, viewer.canvas
        bar, text = self._canvas.overlays.scale_bar, self._canvas.overlays.text
        self._before = [
            (self._canvas, {"background_color_override": self._canvas.background_color_override}),
            (bar, {name: getattr(bar, name) for name in ("visible", "position", "box")}),
            (
                text,
                {
                    name: getattr(text, name)
                    for name in ("visible", "text", "position", "box", "font_size", "color")
                },
            ),
        ]

    def show(self, lines: Sequence[str], *, beside: bool = False) -> None:
        """Set the canvas up for medical images.

        Parameters
        ----------
        lines : sequence of str
            They are broken, or set in smaller type, where the canvas is small.
        beside : bool
            Whether images lie side by side, with their names at the top.
        """
        if self._canvas.background_color_override is None:
            # A white canvas around a black image glares.
            self._canvas.background_color_override = "black"
        bar, text = self._canvas.overlays.scale_bar, self._canvas.overlays.text
        bar.position, bar.box, bar.visible = "bottom_right", False, True
        text.position = "bottom_left" if beside else "top_left"
        said, size = fitted(lines, room(self._viewer, beside=beside))
        text.box, text.font_size, text.color = False, size, "white"
        text.text = "\n".join(said)
        text.visible = bool(lines)

    def restore(self) -> None:
        """Put everything back as it was before."""
        for owner, values in self._before:
            for name, value in values.items():
                setattr(owner, name, value)
