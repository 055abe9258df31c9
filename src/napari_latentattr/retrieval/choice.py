"""Which cases to show, given one number or one row of numbers a case.

Knows neither images nor models. Whoever is chosen, no independent unit is shown twice in a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from napari_latentattr.core.types import Float64

_ROWS = 256  # rows of the table of all pairs at a time


def choose_extremes(
    scores: Float64, names: Sequence[str], units: Sequence[str], *, count: int, lowest: bool = False
) -> list[int]:
    """Positions of the highest (or lowest) scores, one a unit, equal scores by name.

    Parameters
    ----------
    scores : (N,) float64 array
        Cases with NaN are left out.
    names, units : sequence of N str
    """
    order = np.lexsort((np.array(names), scores if lowest else -scores))
    return _one_a_unit((int(i) for i in order if not np.isnan(scores[i])), units, count)


def choose_random(units: Sequence[str], *, count: int, seed: int) -> list[int]:
    """Positions of cases drawn at random, one a unit."""
    order = np.random.default_rng(seed).permutation(len(units))
    return _one_a_unit(map(int, order), units, count)


def choose_contrasts(
    means: Float64, which: int, units: Sequence[str], *, count: int
) -> tuple[list[tuple[int, int]], Float64]:
    """Pairs of cases that are far apart in one map and alike in the others.

    Each map is measured in standard deviations over the cases; maps that do not vary do not count.
    Every case is offered with its best partner, and pairs are taken from the best down as long as
    both units are new.

    Parameters
    ----------
    means : (N, K) float64 array
        Of each map in each case.
    which : int
        The map.

    Returns
    -------
    list of (int, int)
        Positions, the one with more of the map first; none where no other map varies.
    (pairs,) float64 array
        Distance in this map less root mean square distance over the others, in standard deviations.
    """
    spread = means.std(axis=0)
    varies = spread > 1e-6 * np.abs(means).max(axis=0)
    others = varies & (np.arange(means.shape[1]) != which)
    if not varies[which] or not others.any():
        return [], np.empty(0)
    own = (means[:, which] - means[:, which].mean()) / spread[which]
    rest = (means[:, others] - means[:, others].mean(axis=0)) / spread[others]
    partner, gap = _best_partners(own, rest, np.unique(units, return_inverse=True)[1])
    pairs: list[tuple[int, int]] = []
    used: set[str] = set()
    for i in np.argsort(-gap, kind="stable"):
        both = {units[i], units[partner[i]]}
        if len(pairs) < count and np.isfinite(gap[i]) and not used & both:
            used |= both
            pairs.append((int(i), int(partner[i])))
    return pairs, np.array([gap[i] for i, _ in pairs])


def _best_partners(
    own: Float64, rest: Float64, unit: np.ndarray[tuple[int], np.dtype[np.intp]]
) -> tuple[np.ndarray[tuple[int], np.dtype[np.intp]], Float64]:
    """For each case the one with less of the map that contrasts most; gap -inf where none is."""
    square = (rest**2).sum(axis=1)
    partner, gap = np.zeros(len(own), dtype=np.intp), np.full(len(own), -np.inf)
    for first in range(0, len(own), _ROWS):
        rows = slice(first, first + _ROWS)
        apart = square[rows, None] + square - 2 * rest[rows] @ rest.T
        found = own[rows, None] - own - np.sqrt(np.maximum(apart, 0) / rest.shape[1])
        found[(own[rows, None] <= own) | (unit[rows, None] == unit)] = -np.inf
        partner[rows] = found.argmax(axis=1)
        gap[rows] = found.max(axis=1)
    return partner, gap


def _one_a_unit(order: Iterable[int], units: Sequence[str], count: int) -> list[int]:
    found: dict[str, int] = {}
    for i in order:
        if len(found) == count:
            break
        found.setdefault(units[i], i)
    return list(found.values())
