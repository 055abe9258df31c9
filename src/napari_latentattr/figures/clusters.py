"""Where cases lie, as a scatter: groups by shape and colour, representative cases ringed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_latentattr.core.clusters import TSNE_WARNING, Clusters, group_letter
from napari_latentattr.figures.style import (
    HEADLINE,
    INK,
    MUTED,
    NORMAL,
    SMALL,
    new_figure,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _SIDE = 7.0, 4.6  # inches
# Okabe and Ito's colours, told apart under colour blindness; a marker of its own each.
_LOOKS = (
    ("#0069A6", "o"),
    ("#B84300", "^"),
    ("#00734F", "s"),
    ("#9C3F74", "D"),
    ("#9A6200", "v"),
    ("#3b3f46", "P"),
)
_NONE = "#9a9da3"


def clusters_figure(found: Clusters) -> Figure:
    """Draw the sentence, the scatter, and what the sentence rests on."""
    said = wrapped(found.sentence(), inches=_WIDTH - 0.5, points=HEADLINE, bold=True)
    rests = wrapped(found.basis(), inches=_WIDTH - 0.5, points=SMALL)
    head, foot = (0.2 * (text.count("\n") + 1) for text in (said, rests))
    figure = new_figure(_WIDTH, 0.3 + head + _SIDE + 0.75 + foot)
    tall = figure.get_figheight()
    figure.text(
        0.25 / _WIDTH, 1 - 0.16 / tall, said, size=HEADLINE, weight="bold", color=INK, va="top"
    )
    bottom = (0.55 + foot) / tall
    axes = figure.add_axes((0.6 / _WIDTH, bottom, (_WIDTH - 0.9) / _WIDTH, _SIDE / tall))
    axes.set_aspect("equal", adjustable="datalim")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=SMALL, colors=MUTED)
    _draw_cases(axes, found)
    _name_axes(axes, found)
    figure.text(0.25 / _WIDTH, 0.1 / tall, rests, size=SMALL, color=MUTED)
    return figure


def _draw_cases(axes: Axes, found: Clusters) -> None:
    """Cases of each group, those in none, and a ring around who stands for a group."""
    x, y = found.embedding.T
    alone = found.labels < 0
    if alone.any():
        name = "in no group" if found.count else "case"
        axes.scatter(x[alone], y[alone], s=16, c=_NONE, linewidths=0, label=name)
    for group in range(found.count):
        colour, marker = _LOOKS[group % len(_LOOKS)]
        mine = found.members(group)
        axes.scatter(
            x[mine], y[mine], s=20, c=colour, marker=marker, alpha=0.8, linewidths=0,
            label=f"{group_letter(group)} ({len(mine)})",
        )  # fmt: skip
    for group, at in enumerate(found.medoids):
        axes.scatter(x[at], y[at], s=120, facecolors="none", edgecolors=INK, linewidths=1.4)
        axes.annotate(
            f"{group_letter(group)} {found.cases[at]}", (x[at], y[at]), xytext=(7, 6),
            textcoords="offset points", size=NORMAL, color=INK,
        )  # fmt: skip
    if found.count:
        axes.legend(loc="best", fontsize=SMALL, frameon=False)


def _name_axes(axes: Axes, found: Clusters) -> None:
    if found.layout == "pca":
        axes.set_xlabel(f"first axis ({found.explained[0]:.0%})", size=NORMAL, color=INK)
        axes.set_ylabel(f"second axis ({found.explained[1]:.0%})", size=NORMAL, color=INK)
    else:
        axes.set_xlabel(f"t-SNE. {TSNE_WARNING}", size=NORMAL, color=INK)
