"""Several questions in one picture: the question, the answer, and where it comes from.

Slices are drawn as a radiologist expects them: anterior on top, the patient's right on the left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from matplotlib.lines import Line2D

from napari_latentattr.core.dependence import ChannelDependence
from napari_latentattr.core.types import Bool, Float32, MapRef, Ranking
from napari_latentattr.figures.drivers import draw_drivers
from napari_latentattr.figures.ranking import draw_gate
from napari_latentattr.figures.style import (
    BLUE,
    HEADLINE,
    INK,
    MUTED,
    NORMAL,
    ORANGE,
    SMALL,
    new_figure,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Place: TypeAlias = "Callable[[float, float, float, float], Axes]"

_WIDTH = 10.4
_LEFT = 0.3
_PICTURE = 1.9  # inches
_LABEL = "#ffb000"
_NO_SINGLE = "No single map is supported, although all maps together carry the outcome."
_REFUSED = (
    "No map is named: this outcome is predicted no better than outcomes exchanged between cases, "
    "so a list of important maps would be noise."
)


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """One axial slice of a case, and what belongs to it.

    Attributes
    ----------
    name : str
        Case and image.
    image : (Y, X) float32 array
    label : (Y, X) bool array
    latent : (Y, X) float32 array or None
        The asked map, each latent repeated over its cell; NaN outside the body.
    moves : (C, Y, X) float32 array or None
        How far the map moves when one image comes from another case.
    """

    name: str
    image: Float32
    label: Bool
    latent: Float32 | None
    moves: Float32 | None


@dataclass(frozen=True, slots=True, eq=False)
class Chapter:
    """A question with its answer in words and in numbers.

    Attributes
    ----------
    title, headline, answer : str
        The question; the answer in the fewest words; the answer in sentences.
    model : str
        What kind of model was asked.
    ranking : Ranking
    dependence : ChannelDependence or None
        None where no map was named.
    top : MapRef or None
    picture : Slice
    """

    title: str
    headline: str
    answer: str
    model: str
    ranking: Ranking
    dependence: ChannelDependence | None
    top: MapRef | None
    picture: Slice


def overview_figure(chapters: Sequence[Chapter], *, heading: str, footer: str) -> Figure:
    """Draw one row a chapter.

    Parameters
    ----------
    heading, footer : str
        What the picture is about; what it cannot prove.
    """
    answers = [wrapped(c.answer, inches=_WIDTH - 2 * _LEFT, points=NORMAL) for c in chapters]
    heights = [0.98 + 0.17 * (a.count("\n") + 1) + _PICTURE for a in answers]
    footer = wrapped(footer, inches=_WIDTH - 2 * _LEFT, points=SMALL)
    below = 0.3 + 0.15 * (footer.count("\n") + 1)
    figure = new_figure(_WIDTH, 0.5 + sum(heights) + below)
    tall = figure.get_figheight()
    left = _LEFT / _WIDTH
    figure.text(left, 1 - 0.18 / tall, heading, size=14, weight="bold", color=INK, va="top")
    figure.text(left, 0.15 / tall, footer, size=SMALL, color=MUTED, va="bottom", linespacing=1.3)
    top = tall - 0.55
    for chapter, answer, height in zip(chapters, answers, heights, strict=True):
        _row(figure, chapter, answer, top)
        top -= height
    return figure


def _row(figure: Figure, chapter: Chapter, answer: str, top: float) -> None:
    """Draw one chapter from `top` inches downwards."""
    tall = figure.get_figheight()
    _say(figure, chapter, answer, top)
    foot = top - 0.8 - 0.17 * (answer.count("\n") + 1) - _PICTURE

    def place(x: float, y: float, width: float, height: float) -> Axes:
        return figure.add_axes((x / _WIDTH, (foot + y) / tall, width / _WIDTH, height / tall))

    _draw_label(place(_LEFT, 0, _PICTURE, _PICTURE), chapter.picture)
    if chapter.dependence is None or chapter.top is None:
        draw_gate(place(_LEFT + 2.4, 0.4, 3.4, _PICTURE - 0.4), chapter.ranking)
        said = _NO_SINGLE if chapter.ranking.gate.passed else _REFUSED
        said = wrapped(said, inches=3.2, points=NORMAL)
        axes = place(_LEFT + 6.5, 0, 3.2, _PICTURE)
        axes.set_axis_off()
        axes.text(0, 0.5, said, size=NORMAL, color=MUTED, va="center", linespacing=1.4)
        return
    _draw_latent(place(_LEFT + 2.05, 0, _PICTURE, _PICTURE), chapter.picture, chapter.top)
    draw_drivers(
        place(_LEFT + 4.65, 0.18, 1.75, _PICTURE - 0.36),
        chapter.dependence,
        chapter.top,
        numbers=False,
    )
    _draw_moves(place, chapter.picture, chapter.dependence.channels)


def _say(figure: Figure, chapter: Chapter, answer: str, top: float) -> None:
    """Write the question, the answer in few words, and the answer in sentences."""
    tall, left = figure.get_figheight(), _LEFT / _WIDTH
    figure.add_artist(_rule(top / tall))
    colour = BLUE if chapter.top else ORANGE
    lines = ((0.1, chapter.title, INK), (0.32, chapter.headline, colour))
    for down, text, ink in lines:
        y = (top - down) / tall
        figure.text(left, y, text, size=HEADLINE, weight="bold", color=ink, va="top")
    y = (top - 0.34) / tall
    figure.text(1 - left, y, chapter.model, size=NORMAL, color=MUTED, va="top", ha="right")
    y = (top - 0.55) / tall
    figure.text(left, y, answer, size=NORMAL, color=INK, va="top", linespacing=1.3)


def _rule(y: float) -> Line2D:
    return Line2D([_LEFT / _WIDTH, 1 - _LEFT / _WIDTH], [y, y], color="#d4d5d8", lw=0.8)


def _draw_label(axes: Axes, picture: Slice) -> None:
    _show(axes, picture.image, picture.name, cmap="gray", limits=(0, _bright(picture.image)))
    if picture.label.any():
        axes.contour(picture.label, levels=[0.5], colors=_LABEL, linewidths=1.2)
    for x, letter in ((0.03, "R"), (0.97, "L")):
        axes.text(
            x,
            0.5,
            letter,
            transform=axes.transAxes,
            size=SMALL,
            color=_LABEL,
            ha="left" if letter == "R" else "right",
            va="center",
        )


def _draw_latent(axes: Axes, picture: Slice, ref: MapRef) -> None:
    if picture.latent is None:
        return
    middle = float(np.nanmedian(picture.latent))
    reach = float(np.nanpercentile(np.abs(picture.latent - middle), 99))
    limits = (middle - reach, middle + reach)
    _show(axes, picture.latent, f"map {ref}", cmap="PuOr_r", limits=limits)


def _draw_moves(place: Place, picture: Slice, channels: Sequence[str]) -> None:
    """Draw where each image moves the map, all with the same limits."""
    if picture.moves is None:
        return
    limits = (0.0, float(np.percentile(picture.moves.max(axis=0), 99.5)))
    size = (_PICTURE - 0.2) / 2
    for c, name in enumerate(channels[:4]):
        x = _WIDTH - _LEFT - (2 - c % 2) * (size + 0.06) + 0.06
        y = (1 - c // 2) * (size + 0.2)
        axes = place(x, y, size, size)
        _show(axes, picture.moves[c], f"from {name}", cmap="inferno", limits=limits)


def _show(
    axes: Axes, image: Float32, title: str, *, cmap: str, limits: tuple[float, float]
) -> None:
    axes.imshow(image, cmap=cmap, vmin=limits[0], vmax=limits[1], interpolation="nearest")
    axes.set_title(title, size=SMALL, color=INK, pad=3)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _bright(image: Float32) -> float:
    return float(np.percentile(image, 99.5))
