"""From estimated ratios to verdicts and answers; never forces one name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np

from napari_latentattr.core.inference import RatioEstimate, benjamini_hochberg
from napari_latentattr.core.types import Bool, Float64, Text
from napari_latentattr.core.verdict_words import (
    DRIVES,
    FEWEST_UNITS,
    NEGLIGIBLE,
    NO_DEPENDENCE,
    TIE,
    UNDECIDED,
)

_FDR = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """Ratios with their intervals and verdicts, each (K, S)."""

    estimate: RatioEstimate
    ratio: Float64
    low: Float64
    high: Float64
    p: Float64
    q: Float64
    verdict: Text


def judge(estimate: RatioEstimate, *, unmoved: Bool, still: Bool, tau: float) -> Judgement:
    """Give every ratio its verdict.

    Parameters
    ----------
    estimate : RatioEstimate
        All maps and swaps that are corrected together.
    unmoved : (K, S) bool array
        No latent moved in any swap: the ratio is zero, not merely small.
    still : (K,) bool array
        The map does not vary between cases: no ratio exists.
    tau : float

    Returns
    -------
    Judgement
        Without intervals and p values below 6 units; then every moving pair is undecided.
    """
    ratio = np.where(unmoved, 0.0, np.exp(estimate.log_ratio))
    low, high = (np.where(unmoved, 0.0, limit) for limit in estimate.interval())
    p = np.where(unmoved, 1.0, estimate.p_above(tau))
    if estimate.units < FEWEST_UNITS:
        low, high, p = (np.full_like(ratio, np.nan) for _ in range(3))
    for values in (ratio, low, high, p):
        values[still] = np.nan
    q = benjamini_hochberg(p)
    with np.errstate(invalid="ignore"):
        verdict = np.select(
            [unmoved | still[:, None], q < _FDR, high < tau],
            [NO_DEPENDENCE, DRIVES, NEGLIGIBLE],
            UNDECIDED,
        )
    return Judgement(estimate, ratio, low, high, p, q, verdict)


def tied_members(
    single: Judgement, joint: Judgement, row: int, group: Sequence[int], column: int
) -> list[int]:
    """Near-copies that the map uses together, so that naming one of them would be a guess.

    Parameters
    ----------
    single, joint : Judgement
        Of each image alone, and of the groups exchanged together.
    group : sequence of int
        Channels of the group in `column` of `joint`.

    Returns
    -------
    list of int
        At least two channels by falling ratio, or none.
    """
    used = [c for c in group if single.verdict[row, c] != NO_DEPENDENCE]
    if len(used) < 2 or joint.verdict[row, column] != DRIVES:
        return []
    used.sort(key=lambda c: -single.ratio[row, c])
    drivers = [c for c in used if single.verdict[row, c] == DRIVES]
    if not drivers:
        return used
    tied = [
        c
        for c in used
        if c in drivers
        or (
            single.verdict[row, c] == UNDECIDED
            and not single.estimate.separable(row, drivers[0], c)
        )
    ]
    return tied if len(tied) > 1 else []


def name_drivers(
    single: Judgement,
    row: int,
    channels: Sequence[str],
    tied: Sequence[int],
    together: float = float("nan"),
) -> str:
    """Answer for one map: drivers by falling ratio, or why there is no name to give.

    Parameters
    ----------
    tied : sequence of int
        Near-copies that share one name.
    together : float
        Their ratio when exchanged together.
    """
    falling = np.argsort(-single.ratio[row], kind="stable")
    drivers = [int(c) for c in falling if single.verdict[row, c] == DRIVES]
    if tied:
        others = [c for c in drivers if c not in tied]
        named = [channels[c] for c in others]
        larger = sum(single.ratio[row, c] > together for c in others)
        named.insert(larger, TIE + " | ".join(channels[c] for c in tied))
        return ", ".join(named)
    if not drivers:
        return UNDECIDED if UNDECIDED in single.verdict[row] else "nothing"
    # The extremes of several drivers were picked by looking, so all their pairs are corrected for.
    level = 1 - 0.05 / max(1, comb(len(drivers), 2))
    if len(drivers) > 2 and not single.estimate.separable(row, drivers[0], drivers[-1], level):
        return "mixed"
    return ", ".join(channels[c] for c in drivers)
