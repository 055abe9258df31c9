"""Strengths that meet a level, of measures whose answer is known."""

from __future__ import annotations

import math

import pytest

from napari_latentattr.methods.level_search import STRONGEST, strength_for


@pytest.mark.parametrize("level", [-0.95, -0.2, 0.0, 0.4, 0.999])
@pytest.mark.parametrize("first", [0.0, -3.0, 40.0])
def test_a_saturating_measure_is_met_with_few_questions(level: float, first: float) -> None:
    asked = []

    def measure(strength: float) -> float:
        asked.append(strength)
        return math.tanh(strength)

    found = strength_for(level, measure, first=first, tolerance=1e-3, tries=30)
    assert abs(math.tanh(found) - level) <= 1e-3
    assert len(asked) <= 20


def test_out_of_reach_the_nearest_strength_is_the_strongest() -> None:
    found = strength_for(2, math.atan, first=0, tolerance=1e-9, tries=40)
    assert found == pytest.approx(STRONGEST)
    assert strength_for(-2, math.atan, first=0, tolerance=1e-9, tries=40) == pytest.approx(
        -STRONGEST
    )


def test_what_is_met_at_once_is_not_searched() -> None:
    assert strength_for(5, lambda s: s, first=5, tolerance=0.1, tries=1) == pytest.approx(5)
