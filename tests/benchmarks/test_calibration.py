from __future__ import annotations

import json

import numpy as np
import pytest

from napari_latentattr.benchmarks.calibration import Rate, Size, calibrate
from napari_latentattr.core.inference import two_way_jackknife


@pytest.mark.slow
def test_at_the_boundary_the_tool_keeps_its_promise_and_the_control_does_not() -> None:
    found = calibrate(worlds=8, cohorts=4, reference=250)
    assert (found.worlds, found.cohorts) == (8, 32)
    assert found.tests >= 1000
    # 32 cohorts know the rate to a few per cent: the promise must lie within what they know.
    assert found.two_way.rejects.high >= 0.03
    assert found.two_way.rejects.low <= 0.065
    assert found.two_way.covers.value >= 0.93
    assert found.recipient_only.rejects.value > 0.065
    assert found.recipient_only.covers.value < 0.9
    told = json.loads(json.dumps(found.record()))
    assert told["two_way"]["rejects"]["value"] == found.two_way.rejects.value


@pytest.mark.parametrize(
    ("rejects", "covers", "kept"),
    [(0.05, 0.95, True), (0.13, 0.95, False), (0.01, 0.99, False), (0.05, 0.82, False)],
)
def test_the_promise_has_two_sides(rejects: float, covers: float, kept: bool) -> None:
    size = Size(Rate(rejects, 0, 1), Rate(covers, 0, 1))
    assert size.keeps_promise is kept


def test_independent_pairs_are_calibrated_exactly() -> None:
    """Where every unit is one pair the two-way jackknife is the textbook one and rejects 5 %."""
    rng, n, rejected = np.random.default_rng(0), 24, []
    for _ in range(60):
        change = np.exp(0.5 * rng.standard_normal((n, 1, 40))) * 0.1 / np.exp(0.125)
        recipient = donor = np.arange(n)
        estimate = two_way_jackknife(change, np.ones((n, 1)), recipient, donor)
        rejected.append(estimate.p_above(0.1) < 0.05)
    assert 0.02 < np.mean(rejected) < 0.065


def test_pairs_that_share_no_unit_are_counted_one_and_a_half_times() -> None:
    """Left out twice, half of it taken off: cautious where nothing is shared."""
    rng, n = np.random.default_rng(0), 24
    change = np.exp(0.5 * rng.standard_normal((n, 1, 40)))
    alone = two_way_jackknife(change, np.ones((n, 1)), np.arange(n), np.arange(n))
    apart = two_way_jackknife(change, np.ones((n, 1)), np.arange(n), np.arange(n, 2 * n))
    np.testing.assert_allclose(apart.se**2, 1.5 * alone.se**2, rtol=0.15)
