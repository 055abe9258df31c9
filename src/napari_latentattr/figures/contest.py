"""Who finds the truth, and only the truth: ROC curves, power by effect, calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_latentattr.figures.style import (
    BLUE,
    FAINT,
    INK,
    MUTED,
    NORMAL,
    ORANGE,
    SMALL,
    bare,
    new_figure,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from napari_latentattr.benchmarks.calibration import Calibration
    from napari_latentattr.benchmarks.contest.contest import Contest, Standing

OURS = "channel dependence"
_FAMILIES = {  # colour and dashes of a rule by how its name begins
    OURS: (BLUE, "-"),
    "Shapley": (BLUE, "--"),
    "leave one out": (INK, "-"),
    "captum": (MUTED, "--"),
    "encode alone": (ORANGE, "-"),
    "decode alone": (ORANGE, ":"),
}
_SIZES = ("1-1.5", "1.5-2", "2-3", "3-5", "5-10", "> 10")  # true ratio over tau
_MARKS = "os^Dvxd"  # tell rules of one family apart
_PANEL, _GAP, _LEAST = 2.3, 0.75, 7.2  # inches
_MARGIN, _LINE = 0.1, 0.145  # inches around the legend and for each of its lines


def roc_figure(contest: Contest) -> Figure:
    """Draw the mean ROC curve of every rule, one panel a kind of worlds."""
    return _panels(contest, _draw_roc)


def power_figure(contest: Contest) -> Figure:
    """Draw the share of pairs called by the size of their true ratio."""
    return _panels(contest, _draw_power)


def calibration_figure(cells: Sequence[Calibration]) -> Figure:
    """Draw rejection at the boundary with its interval beside the promise, cell by cell."""
    figure = new_figure(6.4, 1.4 + 0.3 * (len(cells) + 1))
    tall = figure.get_figheight()
    axes = figure.add_axes((0.36, 0.9 / tall, 0.58, 0.3 * (len(cells) + 1) / tall))
    bare(axes)
    axes.axvspan(3, 6.5, color=FAINT, zorder=0)
    for row, cell in enumerate(cells):
        found = (cell.two_way, BLUE), (cell.whole_jackknife, INK), (cell.recipient_only, ORANGE)
        for off, (size, colour) in zip((-0.2, 0.0, 0.2), found, strict=True):
            rate = size.rejects
            axes.plot([100 * rate.low, 100 * rate.high], [row + off] * 2, color=colour, lw=1.4)
            axes.plot(100 * rate.value, row + off, "o", color=colour, ms=4)
    names = [f"{cell.world}, {cell.n_cases} cases, {cell.donors} donors" for cell in cells]
    axes.set_yticks(range(len(cells)), names, size=SMALL)
    axes.set_ylim(len(cells) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.set_xlabel(
        "rejected where tau is the true ratio, % (grey: promised)\n"
        "blue: the tool's interval · black: two-way jackknife, nothing taken off\n"
        "orange: recipients alone, the control that must fail",
        size=SMALL,
        color=MUTED,
    )
    return figure


def _panels(contest: Contest, draw: Callable[[Axes, Sequence[Standing], Contest], None]) -> Figure:
    fewest = min(s.n_cases for s in contest.standings)
    kinds = list(dict.fromkeys(s.kind for s in contest.standings))
    figure = new_figure(_LEAST, _LEAST)
    named: dict[str, Any] = {}  # a panel shows only rules with a curve there; the legend shows all
    for kind in kinds:
        axes = figure.add_axes((0, 0, 1, 1), label=kind)
        bare(axes)
        found = [s for s in contest.standings if (s.kind, s.n_cases) == (kind, fewest)]
        draw(axes, found, contest)
        axes.set_title(f"{kind}, {found[0].worlds} worlds", size=NORMAL, color=INK, loc="left")
        handles, labels = axes.get_legend_handles_labels()
        named.update(zip(labels, handles, strict=True))
    _place(figure, foot=_MARGIN + _LINE * -(-len(named) // 2))
    figure.legend(
        list(named.values()), list(named), loc="lower center", ncols=2, fontsize=6.5, frameon=False
    )
    return figure


def _place(figure: Figure, *, foot: float) -> None:
    """Set the panels side by side above a foot of so many inches."""
    columns = min(3, len(figure.axes))
    rows = -(-len(figure.axes) // columns)
    wide = max(_LEAST, 0.5 + columns * (_PANEL + _GAP))
    tall = foot + rows * (_PANEL + _GAP)
    figure.set_size_inches(wide, tall)
    for place, axes in enumerate(figure.axes):
        row, column = divmod(place, columns)
        left = (0.6 + column * (_PANEL + _GAP)) / wide
        bottom = 1 - (0.35 + _PANEL + row * (_PANEL + _GAP)) / tall
        axes.set_position((left, bottom, _PANEL / wide, _PANEL / tall))


def _draw_roc(axes: Axes, standings: Sequence[Standing], contest: Contest) -> None:
    axes.plot([0, 1], [0, 1], color=FAINT, lw=1)
    seen = set()
    for one in standings:
        if one.roc in seen:  # rules of one contestant share their score
            continue
        seen.add(one.roc)
        look = _look(one.rule, standings)
        false = np.linspace(0, 1, len(one.roc))
        axes.plot(false, one.roc, label=one.rule, markevery=5, **look)
    axes.set_xlabel("false positives", size=SMALL, color=MUTED)
    axes.set_ylabel("found", size=SMALL, color=MUTED)


def _draw_power(axes: Axes, standings: Sequence[Standing], contest: Contest) -> None:
    at = np.arange(len(_SIZES))
    for one in standings:
        axes.plot(at, one.by_effect, label=one.rule, **_look(one.rule, standings))
    axes.set_xticks(at, _SIZES, size=SMALL)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel(f"true ratio over tau, tau = {contest.tau}", size=SMALL, color=MUTED)
    axes.set_ylabel("called", size=SMALL, color=MUTED)


def _look(rule: str, standings: Sequence[Standing]) -> dict[str, Any]:
    """Colour and dashes of a family, and a mark for each rule in it."""
    family = next(begins for begins in _FAMILIES if rule.startswith(begins))
    colour, dashes = _FAMILIES[family]
    rules = [one.rule for one in standings if one.rule.startswith(family)]
    mark = _MARKS[rules.index(rule) % len(_MARKS)]
    return {"color": colour, "ls": dashes, "marker": mark, "lw": 1.2, "ms": 3.5}
