"""How many more units an undecided ratio would need; a plan, not a claim."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from napari_latentattr.core.types import Float64

_POWER = 0.8
# Beyond this many times the units of now, the ratio is as good as tau.
MOST_TIMES = 50


def units_to_settle(
    ratio: Float64,
    low: Float64,
    high: Float64,
    *,
    p: Float64,
    q: Float64,
    counting: Float64,
    n: int,
    tau: float,
) -> Float64:
    """Units with which a ratio would be decided in four studies of five, if it is what it seems.

    The standard error of log ratio is read off the interval and shrinks with the square root of
    the units. It has to become so small that the distance to log tau is found at the level that is
    left after correction (above tau), or by the interval (below).

    Parameters
    ----------
    ratio, low, high : (...) float64 array
        With its 95 % interval of `counting` - 1 degrees of freedom.
    p, q : (...) float64 array
        Their quotient is what the correction costs.
    counting : (...) float64 array
        Units that count among those of now; as many of the new ones will.
    n : int
        Units of now.

    Returns
    -------
    (...) float64 array
        Whole numbers above `n`; infinite where the ratio is too near tau for `MOST_TIMES` as many;
        NaN without an interval.

    References
    ----------
    Chow, Shao, Wang, Sample Size Calculations in Clinical Research, 2008 (power of a t test).
    """
    if n < 2:
        return np.full(ratio.shape, np.nan)
    with np.errstate(all="ignore"):
        se = (np.log(high) - np.log(low)) / (2 * special.stdtrit(counting - 1, 0.975))
        gap = np.log(ratio) - np.log(tau)
        cost = np.clip(np.where((p > 0) & (q > 0), p / q, 1.0), 1e-9, 1.0)
    level = np.where(gap > 0, 0.05 * cost, 0.025)
    units = np.unique(np.geomspace(n + 1, MOST_TIMES * n, 150).astype(int))
    found = np.full(ratio.shape, np.inf)
    for u in units[::-1]:
        found = np.where(
            _decides(np.abs(gap), se, level, u / n, counting * u / n - 1), float(u), found
        )
    return np.where(np.isfinite(se) & np.isfinite(gap), found, np.nan)


def _decides(
    gap: Float64, se: Float64, level: Float64, times: float, df: Float64
) -> npt.NDArray[np.bool_]:
    needed = special.stdtrit(df, 1 - level) + special.stdtrit(df, _POWER)
    with np.errstate(all="ignore"):
        return np.asarray(gap >= needed * se / np.sqrt(times))


def about(units: float) -> str:
    """Write such a number as roughly as it is known: two digits, rounded up."""
    step = 10 ** max(0, len(str(int(units))) - 2)
    return str(int(-(-units // step) * step))
