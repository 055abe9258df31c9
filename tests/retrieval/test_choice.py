from __future__ import annotations

import numpy as np
import pytest

from napari_latentattr.retrieval.choice import choose_contrasts, choose_extremes, choose_random

NAMES = ["d", "c", "b", "a", "e"]


def test_equal_scores_stand_by_name_from_either_end():
    scores = np.array([1.0, 2.0, 2.0, 2.0, 0.0])
    assert choose_extremes(scores, NAMES, NAMES, count=4) == [3, 2, 1, 0]
    assert choose_extremes(scores, NAMES, NAMES, count=2, lowest=True) == [4, 0]
    assert choose_extremes(np.ones(5), NAMES, NAMES, count=3, lowest=True) == [3, 2, 1]


def test_a_unit_is_shown_once_with_its_extreme_case():
    scores = np.array([5.0, 4.0, 3.0, 2.0, 1.0])
    units = ["p", "p", "q", "p", "q"]
    assert choose_extremes(scores, NAMES, units, count=9) == [0, 2]
    assert choose_extremes(scores, NAMES, units, count=9, lowest=True) == [4, 3]


def test_a_case_without_a_score_is_in_no_list():
    scores = np.array([np.nan, 2.0, np.nan, 1.0, 0.0])
    assert choose_extremes(scores, NAMES, NAMES, count=9) == [1, 3, 4]


def test_random_cases_are_of_different_units_and_follow_the_seed():
    units = [f"p{i // 3}" for i in range(30)]
    drawn = [choose_random(units, count=5, seed=seed) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len({units[i] for i in drawn[0]}) == 5
    assert len(choose_random(units, count=99, seed=0)) == 10


def slow_contrasts(means: np.ndarray, which: int, units: list[str], count: int):
    z = (means - means.mean(axis=0)) / means.std(axis=0)
    rest = np.delete(z, which, axis=1)

    def gap(i: int, j: int) -> float:
        if units[i] == units[j] or z[i, which] <= z[j, which]:
            return -np.inf
        return z[i, which] - z[j, which] - np.sqrt(((rest[i] - rest[j]) ** 2).mean())

    best = [max((gap(i, j), -j) for j in range(len(z))) for i in range(len(z))]
    used, found = set(), []
    for i in sorted(range(len(z)), key=lambda i: -best[i][0]):
        j = -best[i][1]
        if len(found) < count and not used & {units[i], units[j]}:
            used |= {units[i], units[j]}
            found.append((i, j, best[i][0]))
    return found


@pytest.mark.parametrize("n", [12, 300])
def test_contrasts_are_those_of_the_plain_loop(n):
    means = np.random.default_rng(3).normal(size=(n, 5)) * [1, 9, 0.1, 1, 1] + 4
    units = [f"p{i % 100}" for i in range(n)]
    pairs, gaps = choose_contrasts(means, 2, units, count=4)
    expected = slow_contrasts(means, 2, units, 4)
    assert pairs == [(i, j) for i, j, _ in expected]
    np.testing.assert_allclose(gaps, [gap for *_, gap in expected], atol=1e-9)


def test_a_planted_pair_that_differs_in_one_map_alone_is_the_first_contrast():
    means = np.random.default_rng(0).normal(size=(20, 6))
    means[7] = means[11]
    means[7, 1], means[11, 1] = 5.0, -5.0
    pairs, gaps = choose_contrasts(means, 1, [str(i) for i in range(20)], count=1)
    assert pairs == [(7, 11)]
    assert gaps[0] == pytest.approx(10 / means[:, 1].std())


def test_without_another_map_that_varies_there_is_no_contrast():
    means = np.random.default_rng(0).normal(size=(8, 2))
    means[:, 1] = 3.0
    assert choose_contrasts(means, 0, [*NAMES, "f", "g", "h"], count=2)[0] == []
    assert choose_contrasts(means, 1, [*NAMES, "f", "g", "h"], count=2)[0] == []
    assert choose_contrasts(means[:, :1], 0, [*NAMES, "f", "g", "h"], count=2)[0] == []
