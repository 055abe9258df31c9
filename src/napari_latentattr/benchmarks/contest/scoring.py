"""How well the calls of one contestant fit the truth of one world."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy import stats

from napari_latentattr.benchmarks.contest.calls import Calls
from napari_latentattr.benchmarks.contest.kinds import Truth
from napari_latentattr.core.types import Bool, Float64

EDGES = (1.0, 1.5, 2.0, 3.0, 5.0, 10.0, np.inf)  # of true ratio over tau
FALSE_RATES = np.linspace(0, 1, 41)  # at which a ROC curve is told


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """One contestant in one world; NaN where the world has no such pairs.

    Attributes
    ----------
    power : float
        Share of the pairs with a true ratio of at least 2 tau that are called.
    false_positive : float
        Share of the unused pairs that are called.
    false_discovery : float
        Share of unused pairs among the called ones that are used or unused; 0 without calls.
    auroc : float
        Of the score, used against unused pairs.
    top : float
        Share of the maps whose best score is that of the image with the largest true ratio.
    by_effect : (6,) float64 array
        Share called between `EDGES`.
    roc : (41,) float64 array
        Share of the used pairs found at `FALSE_RATES`.
    seconds : float
    """

    power: float
    false_positive: float
    false_discovery: float
    auroc: float
    top: float
    by_effect: Float64
    roc: Float64
    seconds: float


def score_calls(calls: Calls, truth: Truth, *, tau: float, seconds: float) -> Score:
    """Compare calls with the truth."""
    called, size = calls.called, truth.ratio / tau
    right, wrong = int((called & truth.used).sum()), int((called & truth.unused).sum())
    used, unused = calls.score[truth.used], calls.score[truth.unused]
    bins = [(size >= low) & (size < high) for low, high in itertools.pairwise(EDGES)]
    return Score(
        power=_share(called[size >= 2]),
        false_positive=_share(called[truth.unused]),
        false_discovery=wrong / max(right + wrong, 1),
        auroc=auroc(used, unused),
        top=float((calls.score.argmax(axis=1) == truth.ratio.argmax(axis=1)).mean()),
        by_effect=np.array([_share(called[inside]) for inside in bins]),
        roc=_roc(used, unused),
        seconds=seconds,
    )


def auroc(used: Float64, unused: Float64) -> float:
    """Chance that a used pair has a higher score than an unused one, ties one half.

    References
    ----------
    Mann and Whitney, Ann Math Stat, 1947.
    """
    if not used.size or not unused.size:
        return float("nan")
    ranks = stats.rankdata(np.concatenate([used, unused]))[: used.size]
    return float((ranks.sum() - used.size * (used.size + 1) / 2) / (used.size * unused.size))


def _roc(used: Float64, unused: Float64) -> Float64:
    """Share of used pairs found at each of `FALSE_RATES`; straight between ties."""
    if not used.size or not unused.size:
        return np.full(len(FALSE_RATES), np.nan)
    bounds = np.unique(np.concatenate([used, unused]))[::-1]
    false = np.array([0.0, *[(unused >= bound).mean() for bound in bounds]])
    found = np.array([0.0, *[(used >= bound).mean() for bound in bounds]])
    return np.asarray(np.interp(FALSE_RATES, false, found))


def _share(called: Bool) -> float:
    return float(called.mean()) if called.size else float("nan")
