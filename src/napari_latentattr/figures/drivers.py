"""The drivers chart: how far each image moves a map, on a square-root axis.

On a linear axis a tau of 0.03 cannot be read, on a logarithmic one a bar has no zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_latentattr.core.dependence import ChannelDependence
from napari_latentattr.core.types import Float64, MapRef
from napari_latentattr.figures.style import (
    FAINT,
    HEADLINE,
    INK,
    MUTED,
    NORMAL,
    SMALL,
    TAU,
    VERDICTS,
    bare,
    beside,
    draw_shape,
    new_figure,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_MAPS = 8
MOST_IMAGES = 12
_LONGEST = 4.0  # a wider interval runs off the axis and ends in an arrow
_TICKS = (0, 0.1, 0.25, 0.5, 1, 2, 4)
_WIDTH = 8.0
_CAPTION = (
    "How far the map moves when only this image comes from another case; 1 = as far as a whole "
    "other case. Square-root axis; line = 95 % interval."
)


def drivers_figure(result: ChannelDependence, maps: Sequence[MapRef]) -> Figure:
    """One chart a map, each under its answer and its sentence.

    Parameters
    ----------
    maps : sequence of MapRef
        Of `result`; the first eight are drawn.
    """
    shown = list(maps)[:MOST_MAPS]
    rows = min(len(result.channels), MOST_IMAGES)
    texts = [wrapped(result.sentence(ref), inches=_WIDTH - 0.5, points=NORMAL) for ref in shown]
    heights = [0.95 + 0.17 * (text.count("\n") + 1) + 0.27 * rows for text in texts]
    caption = f"{_CAPTION}\n{_basis(result, len(maps) - len(shown))}"
    caption = wrapped(caption, inches=_WIDTH - 0.5, points=SMALL)
    figure = new_figure(_WIDTH, sum(heights) + 0.25 + 0.15 * (caption.count("\n") + 1))
    top = float(figure.get_figheight())
    for ref, text, height in zip(shown, texts, heights, strict=True):
        _panel(figure, result, ref, text, top=top, height=height)
        top -= height
    figure.text(0.25 / _WIDTH, 0.1 / figure.get_figheight(), caption, size=SMALL, color=MUTED)
    return figure


def _panel(
    figure: Figure, result: ChannelDependence, ref: MapRef, text: str, *, top: float, height: float
) -> None:
    """Draw one map between `top` and ``top - height`` inches."""
    tall = figure.get_figheight()
    lines = 0.17 * (text.count("\n") + 1)
    left = 0.25 / _WIDTH
    figure.text(
        left,
        (top - 0.16) / tall,
        headline(result, ref),
        size=HEADLINE,
        weight="bold",
        color=INK,
        va="top",
    )
    figure.text(left, (top - 0.4) / tall, text, size=NORMAL, color=INK, va="top", linespacing=1.3)
    bottom = (top - height + 0.28) / tall
    axes_top = (top - 0.62 - lines) / tall
    axes = figure.add_axes((1.15 / _WIDTH, bottom, 3.5 / _WIDTH, axes_top - bottom))
    draw_drivers(axes, result, ref)


def headline(result: ChannelDependence, ref: MapRef) -> str:
    """Answer in the fewest words; the answer itself is printed as it is."""
    place = f" inside {result.region}" if result.region else ""
    return f"{ref}{place}: {result.answer[result.row(ref)]}"


def draw_drivers(
    axes: Axes, result: ChannelDependence, ref: MapRef, *, numbers: bool = True
) -> None:
    """Draw the bars of one map; words stand to the right of the axes.

    Parameters
    ----------
    numbers : bool
        Whether the ratio and its interval are printed behind the verdict.
    """
    row = result.row(ref)
    bare(axes)
    if np.isnan(result.ratio[row]).all():
        axes.set_xticks([])
        axes.set_yticks([])
        axes.text(0, 0.5, "does not vary between these cases", size=NORMAL, color=MUTED)
        return
    order = np.argsort(-result.ratio[row], kind="stable")
    shown = order if len(order) <= MOST_IMAGES else order[: MOST_IMAGES - 2]
    right = _right_end(result)
    axes.set_xscale("function", functions=(_root, np.square))
    axes.set_xlim(0, right)
    axes.set_ylim(min(len(order), MOST_IMAGES) - 0.5, -0.5)
    ticks = [t for t in _TICKS if t <= right]
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks], color=MUTED)
    axes.vlines(ticks, *axes.get_ylim(), color=FAINT, lw=0.8, zorder=0)
    axes.axvspan(0, result.tau, color="#f1f1f2", zorder=0)
    axes.axvline(result.tau, color=TAU, lw=1.1, ls=(0, (4, 2)), zorder=3)
    said = f"τ {result.tau:g}: left of this line too small to matter"
    axes.annotate(
        said, (result.tau, -0.5), (-2, 4), textcoords="offset points", size=SMALL, color=TAU
    )
    for place, c in enumerate(shown):
        _bar(axes, result, row, int(c), place, right, numbers)
    names = [result.channels[c] for c in shown]
    axes.set_yticks(range(len(shown)), names, size=NORMAL)
    if len(shown) < len(order):
        _say_rest(axes, result, row, order[len(shown) :], len(shown))


def _bar(
    axes: Axes,
    result: ChannelDependence,
    row: int,
    c: int,
    place: int,
    right: float,
    numbers: bool,
) -> None:
    ratio, low, high = (float(a[row, c]) for a in (result.ratio, result.low, result.high))
    verdict = str(result.verdict[row, c])
    colour = VERDICTS[verdict].colour
    axes.barh(place, ratio, height=0.58, color=colour, alpha=0.85, zorder=2)
    if high > low:
        axes.plot([low, min(high, right)], [place, place], color=INK, lw=1.3, zorder=3)
        for end in (low, high):
            if end <= right:
                axes.plot([end, end], [place - 0.16, place + 0.16], color=INK, lw=1.3, zorder=3)
        if high > right:
            axes.plot([1], [place], ">", color=INK, ms=4, transform=beside(axes, 0), clip_on=False)
    draw_shape(axes, 1, place, verdict, transform=beside(axes, 14))
    words = [(23, verdict, colour)]
    if numbers:
        words.append((122, _numbers(ratio, low, high), MUTED))
    for points, said, ink in words:
        transform = beside(axes, points)
        axes.text(1, place, said, transform=transform, size=SMALL, color=ink, va="center")


def _numbers(ratio: float, low: float, high: float) -> str:
    if np.isnan(low):
        return f"{_short(ratio)}, no interval"
    return f"{_short(ratio)}  ({_short(low)} to {_short(high)})"


def _short(value: float) -> str:
    """Two decimals; three where tau lies."""
    return f"{value:.3f}" if 0 < value < 0.1 else f"{value:.2f}"


def _say_rest(
    axes: Axes, result: ChannelDependence, row: int, rest: npt.NDArray[np.int64], place: int
) -> None:
    verdicts = sorted({str(result.verdict[row, c]) for c in rest})
    axes.text(
        0.01,
        place,
        f"and {len(rest)} more: {', '.join(verdicts)}",
        transform=axes.get_yaxis_transform(),
        size=SMALL,
        color=MUTED,
        va="center",
    )


def _right_end(result: ChannelDependence) -> float:
    """End of the axis, the same for all maps of a result."""
    ratio = float(np.nanmax(result.ratio))
    high = float(np.nanmax(np.append(result.high, 0.0)))
    return 1.06 * max(1.0, ratio, min(high, _LONGEST))


def _root(values: Float64) -> Float64:
    return np.sqrt(np.maximum(values, 0))


def _basis(result: ChannelDependence, unseen: int) -> str:
    """Say what all charts of a result rest on, in one line."""
    parts = [
        f"{result.n_cases} cases x {result.donors} donors",
        f"{result.n} {result.unit_name}" if not result.approximate else "",
        f"approximate: {result.approximate}" if result.approximate else "",
        result.family if not result.approximate else "",
        f"{unseen} more maps in channels.csv" if unseen else "",
    ]
    return " · ".join(part for part in parts if part)
