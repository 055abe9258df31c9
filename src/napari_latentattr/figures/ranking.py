"""Which maps carry an outcome: the gate, then the maps in order of rank."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_latentattr.core.ranking_words import cluster_letter, gate_sentence
from napari_latentattr.core.types import Ranking
from napari_latentattr.figures.style import (
    BLUE,
    FAINT,
    HEADLINE,
    INK,
    MUTED,
    NORMAL,
    ORANGE,
    SMALL,
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

MOST_MAPS = 20
_WIDTH = 7.6


def ranking_figure(ranking: Ranking) -> Figure:
    """Draw the gate in words and on the left, and the importance of the maps on the right."""
    rows = min(len(ranking.maps), MOST_MAPS)
    text = wrapped(gate_sentence(ranking), inches=_WIDTH - 0.5, points=HEADLINE, bold=True)
    head = 0.32 + 0.2 * (text.count("\n") + 1)
    body = max(1.7, 0.27 * rows)
    figure = new_figure(_WIDTH, head + 0.2 + body + 0.95)
    tall = figure.get_figheight()
    colour = INK if ranking.gate.passed else ORANGE
    figure.text(
        0.25 / _WIDTH, 1 - 0.16 / tall, text, size=HEADLINE, weight="bold", color=colour, va="top"
    )
    bottom = 0.95 / tall
    draw_gate(figure.add_axes((0.3 / _WIDTH, bottom, 2.2 / _WIDTH, body / tall)), ranking)
    draw_importance(figure.add_axes((3.55 / _WIDTH, bottom, 2.1 / _WIDTH, body / tall)), ranking)
    figure.text(0.25 / _WIDTH, 0.1 / tall, _caption(ranking), size=SMALL, color=MUTED)
    return figure


def draw_gate(axes: Axes, ranking: Ranking) -> None:
    """Draw the held-out score among those of exchanged outcomes."""
    gate = ranking.gate
    bare(axes)
    low = np.floor(10 * min(*gate.null, gate.auc, 0.5)) / 10
    axes.hist(gate.null, bins=np.arange(low, 1.0001, 0.025).tolist(), color="#b9bcc2", zorder=2)
    tallest = axes.get_ylim()[1]
    axes.set_ylim(0, 1.32 * tallest)
    axes.set_xlim(low, 1.02)
    axes.set_yticks([])
    axes.axhline(0, color=MUTED, lw=0.8)
    colour = BLUE if gate.passed else ORANGE
    axes.vlines(gate.auc, 0, 1.1 * tallest, color=colour, lw=2.2, zorder=3)
    right = gate.auc > (low + 1) / 2
    axes.text(
        gate.auc,
        1.13 * tallest,
        f"this outcome {gate.auc:.2f}",
        size=SMALL,
        color=colour,
        weight="bold",
        ha="right" if right else "left",
    )
    axes.set_xlabel(
        f"{gate.score}, held-out cases\n(grey: outcome exchanged)", size=SMALL, color=MUTED
    )


def draw_importance(axes: Axes, ranking: Ranking) -> None:
    """Draw the loss of each map with its interval, verdict and group."""
    shown = ranking.order[:MOST_MAPS]
    bare(axes)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.axvline(0, color=MUTED, lw=0.8, zorder=3)
    for place, k in enumerate(shown):
        verdict, evidence = str(ranking.verdict[k]), ranking.evidence[k]
        colour = VERDICTS[verdict].colour
        bar = colour if verdict == "supported" else "#b9bcc2"
        axes.barh(place, evidence.estimate, height=0.58, color=bar, zorder=2)
        axes.plot([evidence.low, evidence.high], [place, place], color=INK, lw=1.2, zorder=3)
        draw_shape(axes, 1, place, verdict, transform=beside(axes, 12))
        axes.text(
            1, place, verdict, transform=beside(axes, 21), size=SMALL, color=colour, va="center"
        )
        group = cluster_letter(int(ranking.cluster[k]))
        axes.text(1, place, group, transform=beside(axes, 103), size=SMALL, va="center", color=INK)
    axes.text(1, -0.75, "group", transform=beside(axes, 106), size=SMALL, color=MUTED, ha="center")
    axes.set_yticks(range(len(shown)), [str(ranking.maps[k]) for k in shown], size=NORMAL)
    axes.xaxis.grid(visible=True, color=FAINT, zorder=0)
    axes.locator_params(axis="x", nbins=4)
    lost = f"loss of {ranking.gate.score} when the map is\nexchanged between cases"
    axes.set_xlabel(lost, size=SMALL, color=MUTED)


def _caption(ranking: Ranking) -> str:
    more = len(ranking.maps) - MOST_MAPS
    rest = f" · {more} more maps in ranking.csv" if more > 0 else ""
    return (
        f"Outcome: {ranking.outcome} · never split: {ranking.folds}{rest}\n"
        "Maps in one group rise and fall together: the data cannot say which of them matters."
    )
