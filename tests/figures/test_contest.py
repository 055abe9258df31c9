from __future__ import annotations

import numpy as np
import pytest

from napari_latentattr.benchmarks.calibration import Calibration, Rate, Size
from napari_latentattr.benchmarks.contest.contest import Contest, Standing
from napari_latentattr.benchmarks.contest.promises import shortfalls
from napari_latentattr.figures.contest import (
    OURS,
    calibration_figure,
    power_figure,
    roc_figure,
)
from napari_latentattr.figures.style import png

RULES = (OURS, "Shapley share > tau", "encode alone, p < .05", "captum X, share > 1/C")


def rate(value: float) -> Rate:
    return Rate(value, value - 0.01, value + 0.01)


def standing(rule: str, *, kind: str = "zero leak", n: int = 12, **rates: float) -> Standing:
    best = {"power": 1.0, "false_positive": 0.0, "false_discovery": 0.0, "auroc": 1.0}
    found = {name: rate(value) for name, value in {**best, **rates}.items()}
    roc = tuple(np.linspace(RULES.index(rule) / 100, 1, 41))
    return Standing(
        kind, rule, 20, n, **found, top=rate(1), seconds=rate(1), by_effect=(0.5,) * 6, roc=roc
    )


KINDS = ("zero leak", "leak 10 %")
CONTEST = Contest(
    0.03,
    200,
    (*(standing(rule, kind=kind) for kind in KINDS for rule in RULES), standing(OURS, n=24)),
)


@pytest.mark.parametrize("draw", [roc_figure, power_figure])
def test_every_kind_has_a_panel_with_every_rule_and_its_number_of_worlds(draw) -> None:
    figure = draw(CONTEST)
    assert [axes.get_title("left") for axes in figure.axes] == [
        "zero leak, 20 worlds",
        "leak 10 %, 20 worlds",
    ]
    for axes in figure.axes:
        assert axes.get_legend_handles_labels()[1] == list(RULES)
    assert png(figure) == png(draw(CONTEST))


@pytest.mark.parametrize("draw", [roc_figure, power_figure])
def test_the_legend_begins_right_below_the_labels_of_the_last_panels(draw) -> None:
    figure = draw(CONTEST)
    png(figure)
    (legend,) = figure.legends
    top = legend.get_window_extent().y1 / figure.dpi
    labels = min(axes.get_tightbbox().y0 for axes in figure.axes) / figure.dpi
    assert 0 < labels - top < 0.25


def test_rejection_of_every_cell_is_drawn_beside_the_promise() -> None:
    naive = Size(rate(0.12), rate(0.85))
    cells = [
        Calibration(2, 4, 100, n, 4, 200, 0.1, Size(rate(0.04), rate(0.95)), naive, naive, world=w)
        for n, w in ((6, "planted, 2D"), (12, "trained, 3D"))
    ]
    (axes,) = calibration_figure(cells).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "planted, 2D, 6 cases, 4 donors",
        "trained, 3D, 12 cases, 4 donors",
    ]
    dots = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(dots, [4, 12, 12] * 2)


@pytest.mark.parametrize(
    ("kind", "n", "rates", "said"),
    [
        ("trained, dense", 12, {"false_discovery": 0.06}, "FDR 6.0%, promised at most 5%"),
        ("zero leak", 12, {"false_positive": 0.01}, "calls 1.0% of what a map cannot see"),
        ("leak 10 %", 12, {"auroc": 0.99}, "AUROC 0.9900, promised 0.996"),
        ("leak 30 %", 12, {"auroc": 0.99}, "AUROC 0.9900, promised 0.993"),
        ("zero leak", 12, {"power": 0.89}, "power 89.0%, promised 90%"),
        ("zero leak", 24, {"power": 0.95}, "power 95.0%, promised 96%"),
    ],
)
def test_each_promise_is_held_against_its_own_number(kind, n, rates, said) -> None:
    contest = Contest(0.03, 200, (standing(OURS, kind=kind, n=n, **rates),))
    assert shortfalls(contest, OURS) == (f"{kind}, {n} cases: {said}",)
    kept = Contest(0.03, 200, (standing(OURS, kind=kind, n=n),))
    assert shortfalls(kept, OURS) == ()
