from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from napari_latentattr.core.settling import about, units_to_settle

TAU = 0.03


def asked(log_gap: float, se: float, n: int, cost: float = 1.0) -> float:
    ratio, reach = TAU * np.exp(log_gap), stats.t.ppf(0.975, n - 1) * se
    given = (ratio, ratio * np.exp(-reach), ratio * np.exp(reach), 0.2 * cost, 0.2)
    ratio, low, high, p, q = (np.array([v]) for v in given)
    return float(
        units_to_settle(ratio, low, high, p=p, q=q, counting=np.array([n]), n=n, tau=TAU)[0]
    )


def test_more_units_are_asked_where_the_ratio_is_nearer_or_noisier_or_more_is_corrected() -> None:
    base = asked(0.4, 0.3, 12)
    assert 12 < base < asked(0.2, 0.3, 12)
    assert base < asked(0.4, 0.5, 12)
    assert base < asked(0.4, 0.3, 12, cost=0.05)
    assert np.isinf(asked(1e-6, 0.3, 12))


def test_four_times_the_units_halve_the_error() -> None:
    """With many units the answer is the textbook ((z + z) se / gap)^2 n."""
    z = stats.norm.ppf(0.95) + stats.norm.ppf(0.8)
    assert asked(0.2, 0.1, 400) == pytest.approx(400 * (z * 0.1 / 0.2) ** 2, rel=0.05)


def test_where_few_units_count_the_same_interval_hides_a_smaller_error() -> None:
    """Of 40 units that weigh as 10, as many more weigh as 10 more: the plan for 10, times 4."""
    ratio, reach = TAU * np.exp(0.2), stats.t.ppf(0.975, 9) * 0.15
    given = (np.array([v]) for v in (ratio, ratio * np.exp(-reach), ratio * np.exp(reach)))
    p = np.array([0.2])
    few = units_to_settle(*given, p=p, q=p, counting=np.array([10]), n=40, tau=TAU)
    assert few[0] == pytest.approx(4 * asked(0.2, 0.15, 10), rel=0.03)


def test_without_an_interval_there_is_no_number() -> None:
    nothing = np.full((1, 2), np.nan)
    found = units_to_settle(
        np.array([[0.05, 0.0]]),
        nothing,
        nothing,
        p=nothing,
        q=nothing,
        counting=nothing,
        n=5,
        tau=TAU,
    )
    assert np.isnan(found).all()


@pytest.mark.parametrize("gap", [0.6, -0.7], ids=["above tau", "below tau"])
def test_with_that_many_units_most_undecided_ratios_are_decided(gap) -> None:
    """Log ratios are means of n noisy units; each undecided study is planned and repeated."""
    rng, n, decided = np.random.default_rng(0), 10, []

    def study(units: int) -> tuple[float, float]:
        values = np.log(TAU) + gap + 1.0 * rng.standard_normal(units)
        return values.mean(), values.std(ddof=1) / np.sqrt(units)

    def settled(mean: float, se: float, units: int) -> bool:
        t = (mean - np.log(TAU)) / se
        return t > stats.t.ppf(0.95, units - 1) or t < -stats.t.ppf(0.975, units - 1)

    while len(decided) < 150:
        mean, se = study(n)
        if settled(mean, se, n):
            continue
        planned = asked(mean - np.log(TAU), se, n)
        if np.isfinite(planned):
            again = study(int(planned))
            decided.append(settled(*again, int(planned)))
    assert np.mean(decided) > 0.6


def test_a_number_is_as_rough_as_it_is_known() -> None:
    assert [about(v) for v in (14, 99, 101, 145, 1201)] == ["14", "99", "110", "150", "1300"]
