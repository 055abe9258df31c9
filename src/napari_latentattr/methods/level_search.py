"""Find how strong something must be for a level to be met; refuses to know what is measured."""

from __future__ import annotations

import math
from collections.abc import Callable

# Strengths are searched on a scale that is even around zero and in proportion far from it.
_NEAR = 1e-2
STRONGEST = 1e6


def strength_for(
    level: float, measure: Callable[[float], float], *, first: float, tolerance: float, tries: int
) -> float:
    """Strength at which a measure that rises with it meets a level, or comes nearest.

    Parameters
    ----------
    measure : callable
        What is measured at a strength; asked `tries` times at most.
    first : float
        Strength to begin with.

    Returns
    -------
    float
        Between ``-STRONGEST`` and ``STRONGEST``.
    """
    end = math.asinh(STRONGEST / _NEAR)
    at, step = math.asinh(first / _NEAR), 0.5
    ends: dict[bool, tuple[float, float]] = {}  # what is too weak, and what is too strong
    best, best_gap = at, math.inf
    weak: bool | None = None
    for _ in range(tries):
        gap = measure(_NEAR * math.sinh(at)) - level
        if abs(gap) < best_gap:
            best, best_gap = at, abs(gap)
        if best_gap <= tolerance:
            break
        twice, weak = weak == (gap < 0), gap < 0
        ends[weak] = at, gap
        if len(ends) == 2:
            at = _between(ends, halve=not weak if twice else None)
        elif abs(at) >= end and (at > 0) == weak:
            break
        else:
            at = min(max(at + math.copysign(step, -gap), -end), end)
            step *= 2
    return _NEAR * math.sinh(best)


def _between(ends: dict[bool, tuple[float, float]], *, halve: bool | None) -> float:
    """Where a straight line between both ends meets the level (the Illinois method).

    The end that was kept twice counts for half, so that it does not stay forever.
    """
    if halve is not None:
        at, gap = ends[halve]
        ends[halve] = at, gap / 2
    (low, below), (high, above) = ends[True], ends[False]
    return low - below * (high - low) / (above - below)
