"""Intervals and corrections against closed forms and slow loops."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from napari_latentattr.core.inference import (
    benjamini_hochberg,
    jackknife_se,
    monte_carlo_p,
    two_way_jackknife,
)


def pairs(n: int, donors: int) -> tuple[np.ndarray, np.ndarray]:
    recipient = np.repeat(np.arange(n), donors)
    donor = (recipient + np.tile(np.arange(1, donors + 1), n)) % n
    return recipient, donor


def test_benjamini_hochberg_equals_scipy_and_leaves_untested_entries_out() -> None:
    p = np.random.default_rng(0).random((4, 5))
    p[1, 2] = np.nan
    q = benjamini_hochberg(p)
    tested = ~np.isnan(p)
    np.testing.assert_allclose(q[tested], stats.false_discovery_control(p[tested]))
    assert np.isnan(q[1, 2])


def test_nothing_tested_gives_nothing() -> None:
    assert np.isnan(benjamini_hochberg(np.full((2, 2), np.nan))).all()


def test_monte_carlo_p_counts_the_observed_value_among_the_draws() -> None:
    assert monte_carlo_p(2.0, np.arange(4.0)) == pytest.approx(3 / 5)
    assert monte_carlo_p(9.0, np.arange(4.0)) == pytest.approx(1 / 5)


def test_jackknife_drops_every_pair_that_a_unit_touches() -> None:
    rng = np.random.default_rng(1)
    recipient, donor = pairs(7, 3)
    change, spread = rng.random((21, 2, 3)), rng.random((21, 2))
    got = two_way_jackknife(change, spread, recipient, donor)
    left_out = []
    for q in range(7):
        keep = [i for i in range(21) if recipient[i] != q and donor[i] != q]
        left_out.append(np.log(change[keep].sum(0) / spread[keep].sum(0)[:, None]))
    np.testing.assert_allclose(got.replicates, left_out)
    np.testing.assert_allclose(
        jackknife_se(got.replicates) ** 2, 6 / 7 * ((left_out - np.mean(left_out, 0)) ** 2).sum(0)
    )
    assert got.units == 7


def test_half_of_what_is_peculiar_to_two_units_is_taken_off_whichever_of_them_receives() -> None:
    """Of 5 units with 3 donors each, some pairs are there in both directions."""
    rng = np.random.default_rng(1)
    recipient, donor = pairs(5, 3)
    change, spread = rng.random((15, 2, 3)) + 0.1, rng.random((15, 2)) + 0.1
    got = two_way_jackknife(change, spread, recipient, donor)
    own: dict[frozenset[int], np.ndarray] = {}
    for i in range(15):
        influence = change[i] / change.sum(0) - (spread[i] / spread.sum(0))[:, None]
        both = frozenset((int(recipient[i]), int(donor[i])))
        own[both] = own.get(both, 0) + influence
    assert len(own) == 10
    v, j = sum(e**2 for e in own.values()), jackknife_se(got.replicates) ** 2
    np.testing.assert_allclose(got.se**2, np.maximum(j, v) - v / 2)


def test_units_count_by_what_they_have_of_the_sums() -> None:
    """Equal units all count; of one that has all, only it and those that share its pairs do."""
    recipient, donor = pairs(12, 2)
    change, spread = np.ones((24, 1, 2)), np.ones((24, 1))
    np.testing.assert_allclose(two_way_jackknife(change, spread, recipient, donor).df, 11)
    change[:, 0, 1] = (recipient == 3) | (donor == 3)
    got = two_way_jackknife(change, spread, recipient, donor)
    # Weights: 4 of the unit itself, 1 of each of the 4 units that it is paired with.
    np.testing.assert_allclose(got.df[0], [11, 8**2 / (4**2 + 4) - 1])
    spread[recipient == 3] = spread[donor == 3] = 1e9
    np.testing.assert_allclose(two_way_jackknife(change, spread, recipient, donor).df, 2.2)


def test_one_dominant_unit_is_covered_better_than_by_the_number_of_units() -> None:
    """Strengths of cases that differ tenfold; n - 1 degrees of freedom cover less."""
    rng, n, runs = np.random.default_rng(7), 12, 400
    x = np.exp(rng.standard_normal((n, runs, 2)))[..., None] * rng.standard_normal((n, runs, 2, 20))
    x *= np.sqrt([0.1, 0.9])[:, None]
    recipient, donor = pairs(n, 4)
    gap = x[recipient] - x[donor]
    change, spread = (gap**2).mean(-1) / 2, (gap.sum(2) ** 2).mean(-1) / 2
    got = two_way_jackknife(change, spread, recipient, donor)
    away = np.abs(got.log_ratio[:, 0] - np.log(0.1)) / got.se[:, 0]
    covered = (away < stats.t.ppf(0.975, got.df[:, 0])).mean()
    assert covered > (away < stats.t.ppf(0.975, n - 1)).mean() + 0.01
    assert covered > 0.89


def test_a_unit_paired_with_itself_is_left_out_once_and_nothing_is_taken_off() -> None:
    change = np.random.default_rng(1).random((9, 1, 2)) + 0.1
    got = two_way_jackknife(change, np.ones((9, 1)), np.arange(9), np.arange(9))
    np.testing.assert_allclose(got.se, jackknife_se(got.replicates))


def test_variance_lies_between_the_unbiased_one_and_the_jackknife_as_theory_has_it() -> None:
    """Effects of recipient (a), donor (b) and pair (g) in a ring, small: their variances add up.

    The sum over n units and d donors has the variance ``n d^2 var(a + b) + n d var(g)``; pairs
    alone would have ``n d (var(a) + var(b) + var(g))``, and half of that comes on top.
    """
    n, d, runs, a, b, g = 30, 4, 400, 0.02, 0.03, 0.05
    rng = np.random.default_rng(5)
    recipient, donor = pairs(n, d)
    change = np.ones((n * d, 1, runs)) + g * rng.standard_normal((n * d, 1, runs))
    change += a * rng.standard_normal((n, 1, runs))[recipient]
    change += b * rng.standard_normal((n, 1, runs))[donor]
    got = two_way_jackknife(change, np.ones((n * d, 1)), recipient, donor)
    true, own = d * (a**2 + b**2) + g**2, a**2 + b**2 + g**2
    assert np.mean(got.se**2) * n * d == pytest.approx(true + own / 2, rel=0.05)
    assert np.var(got.log_ratio) * n * d == pytest.approx(true, rel=0.2)


def test_degrees_of_freedom_come_from_the_units_that_receive() -> None:
    recipient, donor = pairs(9, 2)
    keep = recipient < 4
    same = np.ones((keep.sum(), 1, 1))
    got = two_way_jackknife(same, same[..., 0], recipient[keep], donor[keep])
    assert got.units == 4
    assert got.df[0, 0] == 3


def test_a_change_that_rests_on_one_unit_is_never_certain() -> None:
    recipient, donor = pairs(8, 2)
    change = np.zeros((16, 1, 1))
    change[recipient == 3] = 1.0
    got = two_way_jackknife(change, np.ones((16, 1)), recipient, donor)
    assert np.isinf(got.se).all()
    assert got.p_above(1e-6)[0, 0] == pytest.approx(0.5)
    low, high = got.interval()
    assert low[0, 0] == 0
    assert np.isinf(high[0, 0])


def test_a_ratio_of_zero_is_never_above_tau() -> None:
    recipient, donor = pairs(6, 2)
    got = two_way_jackknife(np.zeros((12, 1, 1)), np.ones((12, 1)), recipient, donor)
    assert got.p_above(0.03)[0, 0] == 1


def test_two_ratios_are_separable_only_when_their_quotient_is_clear() -> None:
    rng = np.random.default_rng(3)
    recipient, donor = pairs(12, 4)
    base = rng.random((48, 1, 1)) + 0.5
    change = np.concatenate([base, base * 0.9, rng.random((48, 1, 1)) + 0.4], axis=2)
    got = two_way_jackknife(change, np.ones((48, 1)), recipient, donor)
    assert got.separable(0, 0, 1)
    assert not got.separable(0, 0, 2)
