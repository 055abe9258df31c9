"""Counts and moments against slow exact sums, closed forms, and every order of the parts."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest

from napari_latentattr.core.value_counts import RELATIVE_ERROR, ValueCounts

WIDE = np.float32([1e-45, -1e-45, 1e-38, 3e38, -3e38, 0.0, -0.0, 1.0, -1.0, 1 + 2**-23])


def equal(a: ValueCounts, b: ValueCounts) -> None:
    assert (a.n, a.total, a.square) == (b.n, b.total, b.square)
    for name in ("low", "high", "bins", "counts"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def some(n: int = 500, k: int = 3, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    sizes = np.exp(rng.normal(0, 8, (k, n)))
    return (rng.standard_normal((k, n)) * sizes).astype(np.float32)


@pytest.mark.parametrize("values", [WIDE[None], some(), some(1), -np.abs(some(7))])
def test_sums_are_those_of_exact_fractions(values):
    found = ValueCounts.of(values)
    for k, row in enumerate(values.tolist()):
        exact = [Fraction(x) for x in row]
        total, square = sum(exact), sum(x * x for x in exact)
        assert Fraction(found.total[k], 2**149) == total
        assert Fraction(found.square[k], 2**298) == square
        assert found.mean[k] == float(total / len(row))
        assert found.sd[k] == math.sqrt(square / len(row) - (total / len(row)) ** 2)
    np.testing.assert_array_equal(found.low, values.min(axis=1))
    np.testing.assert_array_equal(found.high, values.max(axis=1))


def test_any_order_and_any_grouping_of_parts_gives_the_same_bits():
    values = some(60)
    whole = ValueCounts.of(values)
    parts = [ValueCounts.of(values[:, cut]) for cut in (slice(9), slice(9, 10), slice(10, 60))]
    for order in permutations(parts):
        a, b, c = order
        equal((a + b) + c, whole)
        equal(a + (b + c), whole)
        equal(ValueCounts.together(order), whole)


def test_a_small_spread_around_a_large_mean_is_not_lost():
    row = np.float32(1e6) + np.float32([0, 0.5, 1.0])
    assert ValueCounts.of(row[None]).sd[0] == pytest.approx(math.sqrt(1 / 6), rel=1e-15)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.25, 0.5, 0.99, 1.0])
def test_quantiles_are_order_statistics_within_the_error_that_is_told(share):
    values = some(2000)
    expected = np.quantile(values, share, axis=1, method="inverted_cdf").astype(np.float64)
    found = ValueCounts.of(values).quantile(share)
    assert (np.abs(found - expected) <= RELATIVE_ERROR * np.abs(expected)).all()


def test_a_constant_map_has_its_value_everywhere_and_no_spread():
    found = ValueCounts.of(np.full((1, 50), -0.3, dtype=np.float32))
    for share in (0.01, 0.5, 1):
        assert found.quantile(share)[0] == np.float32(-0.3)
    assert (found.sd[0], found.counts.tolist()) == (0.0, [50])


@pytest.mark.parametrize("together", [1, 8, 64])
def test_every_value_lies_in_its_bin_and_is_counted_once(together):
    values = np.concatenate([WIDE, some(300, 1)[0]])[None]
    low, high, counts = ValueCounts.of(values).histogram(0, together=together)
    assert (low[1:] > high[:-1]).all()
    expected = [int(((values >= a) & (values <= b)).sum()) for a, b in zip(low, high, strict=True)]
    assert counts.tolist() == expected
    assert counts.sum() == values.size


def test_a_tenfold_of_values_takes_no_tenfold_of_bins():
    drawn = np.random.default_rng(0).normal(size=(1, 400_000)).astype(np.float32)
    few, many = ValueCounts.of(drawn[:, :40_000]), ValueCounts.of(drawn)
    assert many.bins.size < 1.5 * few.bins.size < 5_000


def test_a_share_beyond_all_values_is_refused():
    with pytest.raises(ValueError, match="above 0 and up to 1, got 0"):
        ValueCounts.of(some()).quantile(0)
