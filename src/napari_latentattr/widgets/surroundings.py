"""What stands around the images: black canvas, scale in mm, two lines that say what is shown.

Everything is put back as it was. Refuses to know layers and the session.
"""

from __future__ import annotations

from collections.abc import Sequence

from napari.components import ViewerModel

from napari_latentattr.core.results import Picture, Selection
from napari_latentattr.core.types import ImageStack

_FONT_SIZE = 11


class Surroundings:
    """The canvas of one viewer.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._canvas = viewer.canvas
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
            Short ones: a long one would run into the letter at the top.
        beside : bool
            Whether images lie side by side, with their names at the top.
        """
        if self._canvas.background_color_override is None:
            # A white canvas around a black image glares.
            self._canvas.background_color_override = "black"
        bar, text = self._canvas.overlays.scale_bar, self._canvas.overlays.text
        bar.position, bar.box, bar.visible = "bottom_right", False, True
        text.position = "bottom_left" if beside else "top_left"
        text.box, text.font_size, text.color = False, _FONT_SIZE, "white"
        text.text = "\n".join(lines)
        text.visible = bool(lines)

    def restore(self) -> None:
        """Put everything back as it was before."""
        for owner, values in self._before:
            for name, value in values.items():
                setattr(owner, name, value)


def caption(
    stack: ImageStack,
    chosen: Selection,
    picture: Picture | None,
    *,
    steps: str = "",
    beside: bool,
    deep: bool,
) -> list[str]:
    """Say in short lines which case, image and map are shown.

    Parameters
    ----------
    stack : ImageStack
    chosen : Selection
    picture : Picture or None
        What is seen over the image.
    steps : str
        Which step of a traversal is seen in its place, in words.
    beside : bool
        Whether all images lie side by side.
    deep : bool
        Whether they are shown in 3D.
    """
    image = stack.channels[chosen.channel]
    case = stack.case if beside else f"{stack.case} · {image}"
    what = f"map {chosen.map}"
    if picture is not None:
        what += f" · {picture.kind}" if beside else f" · {picture.kind} in {image}"
    elif steps and not beside:
        what += f" · traversal in {image}"
    if deep:
        what += " · 3D"
    lines = [case, what]
    if picture is not None and not picture.place.is_whole:
        lines.append(f"of {picture.place}")
    if steps and not beside:
        lines.append(steps)
    return lines if stack.grid.known else [*lines, "orientation unknown"]
