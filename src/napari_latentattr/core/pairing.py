"""How alike patterns of the same case are, compared with patterns of different cases.

All cases share one anatomy, so any two smooth maps are alike. What is asked is whether those of one
case are more alike than those of two; only exchanging cases keeps all of the anatomy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from napari_latentattr.core.types import Float64

_CHUNK = 2**24  # numbers gathered at once


@dataclass(frozen=True, slots=True, eq=False)
class Pairing:
    """Mean likeness of N pairs, and what it is when cases are paired at random.

    Attributes
    ----------
    matched, low, high : (...) float64 array
        Mean over the pairs, and its 95 % t interval over the units; NaN with a single unit.
    mismatched : (...) float64 array
        Mean over all ways to pair the units.
    p : (...) float64 array
        Chance of at least `matched` among random pairings, the observed one counted.
    n : int
        Independent units.
    """

    matched: Float64
    low: Float64
    high: Float64
    mismatched: Float64
    p: Float64
    n: int


def compare_pairings(
    alike: Float64, units: Sequence[str], *, draws: int = 999, seed: int = 0
) -> Pairing:
    """Compare the diagonal of a matrix of likenesses with random pairings of its units.

    Parameters
    ----------
    alike : (..., N, N) float64 array
        Likeness of the first pattern of case i and the second of case j.
    units : sequence of str
        Independent unit of each case. Whole units are exchanged: each case of one meets a case of
        the other, by turns where one has more.
    draws : int
        Random pairings; all pairs of patterns share them.

    Returns
    -------
    Pairing

    References
    ----------
    Mantel, Cancer Res, 1967 (permuting a matrix); Phipson and Smyth, Stat Appl Genet Mol Biol,
    2010 (the p value).
    """
    sums, sizes = _between_units(alike, units)
    n, total = len(sizes), sizes.sum()
    diagonal = np.diagonal(sums, axis1=-2, axis2=-1)
    matched = np.asarray(diagonal.sum(-1) / total)
    orders = np.random.default_rng(seed).permuted(np.tile(np.arange(n), (draws, 1)), axis=1)
    at_least = np.ones(matched.shape)
    step = max(1, _CHUNK // max(1, sums.size))
    for first in range(0, draws, step):
        drawn = sums[..., np.arange(n), orders[first : first + step]].sum(-1) / total
        at_least += np.count_nonzero(drawn >= matched[..., None] - 1e-12, axis=-1)
    low, high = _interval(diagonal / sizes, matched)
    return Pairing(
        matched=matched,
        low=low,
        high=high,
        mismatched=np.asarray(sums.sum((-2, -1)) / (n * total)),
        p=np.asarray(at_least / (draws + 1)),
        n=n,
    )


def _between_units(alike: Float64, units: Sequence[str]) -> tuple[Float64, npt.NDArray[np.int64]]:
    """Sum of the likenesses when unit u meets unit v, (..., U, U), and the cases of each unit."""
    members = [[i for i, unit in enumerate(units) if unit == u] for u in dict.fromkeys(units)]
    sizes = np.array([len(m) for m in members])
    if sizes.max() == 1:
        return alike, sizes
    sums = np.empty((*alike.shape[:-2], len(members), len(members)))
    for a, mine in enumerate(members):
        for b, theirs in enumerate(members):
            turns = [theirs[t % len(theirs)] for t in range(len(mine))]
            sums[..., a, b] = alike[..., mine, turns].sum(-1)
    return sums, sizes


def _interval(by_unit: Float64, mean: Float64) -> tuple[Float64, Float64]:
    n = by_unit.shape[-1]
    if n < 2:
        return np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    reach = special.stdtrit(n - 1, 0.975) * by_unit.std(axis=-1, ddof=1) / np.sqrt(n)
    return np.asarray(mean - reach), np.asarray(mean + reach)
