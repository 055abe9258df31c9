"""A contact sheet of cases: one row a list and image, one column a case, the crop outlined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Rectangle

from napari_latentattr.core.types import Float32
from napari_latentattr.figures.style import (
    HEADLINE,
    INK,
    MUTED,
    NORMAL,
    SMALL,
    bare,
    new_figure,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_IMAGES = 4
_TILE, _GAP, _LEFT, _HEAD, _ABOVE = 1.05, 0.06, 0.9, 0.52, 0.1  # inches
_OUTLINE = "#ffb000"


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """One case: the plane (C, Y, X) of its images and the box in that plane, if any."""

    title: str
    planes: Float32
    box: tuple[tuple[int, int], tuple[int, int]] | None = None


def cases_figure(
    lists: Sequence[tuple[str, Sequence[Tile]]],
    channels: Sequence[str],
    *,
    heading: str,
    footer: str,
) -> Figure:
    """Draw lists of cases below each other; an image has the same grey levels everywhere.

    Parameters
    ----------
    lists : sequence of (str, sequence of Tile)
        Empty ones are left out.
    channels : sequence of str
        Of the first `MOST_IMAGES` each is drawn.
    """
    shown = [(name, tiles) for name, tiles in lists if tiles]
    names = list(channels)[:MOST_IMAGES]
    limits = [
        _limits([t.planes[c] for _, tiles in shown for t in tiles]) for c in range(len(names))
    ]
    columns = max(len(tiles) for _, tiles in shown)
    width = max(_LEFT + columns * (_TILE + _GAP) + 0.15, 5.0)
    heading = wrapped(heading, inches=width - 0.3, points=HEADLINE, bold=True)
    footer = wrapped(footer, inches=width - 0.3, points=SMALL)
    top = 0.3 + 0.2 * (heading.count("\n") + 1)
    below = 0.2 + 0.15 * (footer.count("\n") + 1)
    block = _HEAD + len(names) * (_TILE + _GAP)
    figure = new_figure(width, top + len(shown) * block + below)
    tall = figure.get_figheight()
    figure.text(
        0.15 / width, 1 - 0.14 / tall, heading, size=HEADLINE, weight="bold", color=INK, va="top"
    )
    figure.text(0.15 / width, 0.1 / tall, footer, size=SMALL, color=MUTED, va="bottom")
    for row, (name, tiles) in enumerate(shown):
        _draw_list(figure, tall - top - row * block, name, tiles, names, limits)
    return figure


def _draw_list(
    figure: Figure,
    top: float,
    name: str,
    tiles: Sequence[Tile],
    channels: Sequence[str],
    limits: Sequence[tuple[float, float]],
) -> None:
    """Draw one list from `top` inches downwards."""
    width, tall = figure.get_figwidth(), figure.get_figheight()
    at = (top - _ABOVE) / tall
    figure.text(0.15 / width, at, name, size=NORMAL, weight="bold", color=INK, va="top")
    for c, channel in enumerate(channels):
        foot = top - _HEAD - c * (_TILE + _GAP) - _TILE
        at = (foot + _TILE / 2) / tall
        figure.text(0.15 / width, at, channel[:12], size=SMALL, color=MUTED, va="center")
        for column, tile in enumerate(tiles):
            x = _LEFT + column * (_TILE + _GAP)
            axes = figure.add_axes((x / width, foot / tall, _TILE / width, _TILE / tall))
            bare(axes)
            axes.set_xticks([])
            axes.set_yticks([])
            low, high = limits[c]
            axes.imshow(tile.planes[c], cmap="gray", vmin=low, vmax=high, interpolation="nearest")
            if tile.box is not None:
                axes.add_patch(_outline(*tile.box))
            if c == 0:
                axes.set_title(tile.title, size=SMALL - 1.5, color=INK, pad=2)


def _outline(rows: tuple[int, int], columns: tuple[int, int]) -> Rectangle:
    (y0, y1), (x0, x1) = rows, columns
    corner = (x0 - 0.5, y0 - 0.5)
    return Rectangle(corner, x1 - x0, y1 - y0, fill=False, edgecolor=_OUTLINE, lw=1.1)


def _limits(planes: Sequence[Float32]) -> tuple[float, float]:
    low, high = np.percentile(np.concatenate([plane.ravel() for plane in planes]), (0.5, 99.5))
    return float(low), float(high)
