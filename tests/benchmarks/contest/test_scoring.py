from __future__ import annotations

import numpy as np
import pytest

from napari_latentattr.benchmarks.contest.calls import Calls, by_share
from napari_latentattr.benchmarks.contest.kinds import Truth
from napari_latentattr.benchmarks.contest.scoring import FALSE_RATES, auroc, score_calls

TAU = 0.03
RATIO = np.array([[0.9, 0.07, 0.0], [0.02, 0.4, 0.04]])
TRUTH = Truth(RATIO, RATIO > TAU, RATIO <= TAU)


def test_who_calls_the_truth_scores_best_and_who_calls_the_opposite_worst() -> None:
    right = score_calls(Calls(TRUTH.used, RATIO), TRUTH, tau=TAU, seconds=1.0)
    assert (right.power, right.false_positive, right.false_discovery) == (1, 0, 0)
    assert (right.auroc, right.top) == (1, 1)
    assert (right.roc == 1).all()
    wrong = score_calls(Calls(~TRUTH.used, -RATIO), TRUTH, tau=TAU, seconds=1.0)
    assert (wrong.power, wrong.false_positive, wrong.false_discovery) == (0, 1, 1)
    assert (wrong.auroc, wrong.top) == (0, 0)


def test_power_counts_pairs_of_twice_tau_and_each_effect_its_own() -> None:
    called = RATIO > 0.05  # misses the pair between tau and twice tau
    score = score_calls(Calls(called, RATIO), TRUTH, tau=TAU, seconds=1.0)
    assert score.power == 1
    np.testing.assert_array_equal(score.by_effect, [0, np.nan, 1, np.nan, np.nan, 1])


def test_pairs_that_are_neither_used_nor_unused_count_as_neither_right_nor_wrong() -> None:
    unused = np.zeros_like(TRUTH.used)
    unused[0, 2] = True
    called = np.ones_like(unused)
    score = score_calls(
        Calls(called, RATIO), Truth(RATIO, TRUTH.used, unused), tau=TAU, seconds=1.0
    )
    assert score.false_discovery == pytest.approx(1 / 5)


def test_auroc_is_the_share_of_pairs_in_the_right_order_with_ties_one_half() -> None:
    rng = np.random.default_rng(0)
    used, unused = rng.integers(0, 6, 30) + 1.0, rng.integers(0, 6, 40).astype(float)
    order = (used[:, None] > unused) + 0.5 * (used[:, None] == unused)
    assert auroc(used, unused) == pytest.approx(order.mean())
    assert np.isnan(auroc(used, unused[:0]))


def test_a_roc_curve_encloses_its_auroc() -> None:
    rng = np.random.default_rng(1)
    ratio = rng.random((40, 40)) * 0.06
    truth = Truth(ratio, ratio > TAU, ratio <= TAU)
    score = score_calls(
        Calls(truth.used, ratio + 0.02 * rng.standard_normal(ratio.shape)),
        truth,
        tau=TAU,
        seconds=1.0,
    )
    assert 0.7 < score.auroc < 0.95
    assert np.trapezoid(score.roc, FALSE_RATES) == pytest.approx(score.auroc, abs=5e-3)


def test_more_than_an_equal_share_is_called_and_nothing_of_a_map_without_any() -> None:
    (rule,) = by_share(np.array([[3.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]])).values()
    np.testing.assert_array_equal(rule.called, [[True, False, False, False], [False] * 4])
    np.testing.assert_allclose(rule.score[0], [0.6, 0.2, 0.2, 0.0])
