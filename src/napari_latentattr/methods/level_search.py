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
    below = above = None
    best, best_gap = at, math.inf
    for _ in range(tries):
        gap = measure(_NEAR * math.sinh(at)) - level
        if abs(gap) < best_gap:
            best, best_gap = at, abs(gap)
        if best_gap <= tolerance:
            break
        if gap < 0:
            below = at
        else:
            above = at
        if below is not None and above is not None:
            at = (below + above) / 2
        elif abs(at) >= end and (at > 0) == (gap < 0):
            break
        else:
            at = min(max(at + math.copysign(step, -gap), -end), end)
            step *= 2
    return _NEAR * math.sinh(best)
