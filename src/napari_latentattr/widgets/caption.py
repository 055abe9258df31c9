"""The few short lines on the canvas that say what is shown, and how large they may be.

In the corner of a small canvas they must not meet the letter at the edge, nor the scale bar.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from napari.components import ViewerModel

from napari_latentattr.core.maximisation import MADE_UP
from napari_latentattr.core.results import Picture, Selection
from napari_latentattr.core.types import ImageStack

Room: TypeAlias = tuple[float, float]  # height and width in pixels

_SIZES = (11, 10, 9, 8)  # points, the largest first
_PIXELS_A_POINT = 4 / 3
# Of the size of type: a wide letter, and a line with its gap. Both were measured on the canvas.
_LETTER_WIDTH, _LINE_HEIGHT = 0.68, 1.6
_LETTER, _BAR, _EDGE = 26.0, 160.0, 10.0  # "R" or "A" at the edge; the scale bar; around all
_JOINT = " · "


def caption(
    stack: ImageStack,
    chosen: Selection,
    picture: Picture | None,
    *,
    made_up: bool = False,
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
    made_up : bool
        Whether a made-up picture is seen in its place.
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
    if made_up and not beside:
        return [MADE_UP.replace(", ", _JOINT), f"{what} · {image}{' · 3D' * deep}"]
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


def room(viewer: ViewerModel, *, beside: bool) -> Room:
    """Pixels that a caption has in its corner.

    Parameters
    ----------
    viewer : ViewerModel
    beside : bool
        Below images side by side it ends at the scale bar and below the letter of its cell;
        otherwise at the letter in the middle of the upper edge, and above that of the left one.
    """
    height, width = viewer.canvas.size
    if beside:
        cell = float(viewer.canvas.viewbox_size(viewer.layers)[0])
        return cell / 2 - _LETTER / 2 - _EDGE, width - _BAR - _EDGE
    return height / 2 - _LETTER / 2 - _EDGE, (width - _LETTER) / 2 - _EDGE


def fitted(lines: Sequence[str], within: Room) -> tuple[list[str], int]:
    """Lines that fit, and the size of type in points.

    Lines are broken between their parts first; then the type gets smaller, down to a size that can
    still be read.
    """
    for size in _SIZES:
        letters = int(within[1] / (_LETTER_WIDTH * _PIXELS_A_POINT * size))
        broken = [part for line in lines for part in _broken(line, letters)]
        tall = len(broken) * _LINE_HEIGHT * _PIXELS_A_POINT * size
        if tall <= within[0] and all(len(line) <= letters for line in broken):
            break
    return broken, size


def _broken(line: str, letters: int) -> list[str]:
    """Break a line between its parts where it is too long."""
    said: list[str] = []
    for part in line.split(_JOINT):
        longer = f"{said[-1]}{_JOINT}{part}" if said else part
        if said and len(longer) <= letters:
            said[-1] = longer
        else:
            said.append(part)
    return said
