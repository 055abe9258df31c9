"""Shadow test: does a map beat the best of the maps that come from other patients.

Each round grows one forest on all maps and on their shadows: the same maps of another patient at
the same places. Shadows of single voxels would be far too weak, because voxels of one patient are
alike: they call 82 % of useless maps important where there is no signal.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import binom
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from napari_latentattr.core.types import Float32, Float64
from napari_latentattr.ranking.draws import run_draws
from napari_latentattr.ranking.effort import Effort
from napari_latentattr.ranking.exchange import donor_cases
from napari_latentattr.ranking.rows import Rows, draw_sample
from napari_latentattr.ranking.units import Outcomes

MANY_ROWS = 500
SHARE = 0.3  # of many rows, for each tree: a third of the time, and trees that differ more
MORE = 3  # times the trees for few rows: 100 % instead of 91 % of causal maps found by case


def beat_shadows(
    rows: Rows,
    *,
    effort: Effort,
    seed: int,
    report: Callable[[int], None],
    known: dict[tuple[int, ...], Float64] | None = None,
) -> tuple[Float64, Float64]:
    """Share of rounds in which each map beats the best of all shadow maps, and its p value.

    Returns
    -------
    share, p : (K,) float64 arrays
        p is the binomial tail against one half.

    References
    ----------
    Kursa and Rudnicki, J Stat Softw, 2010 (Boruta), with shadows of whole patients.
    """

    def beaten(rng: np.random.Generator) -> Float64:
        sample = draw_sample(rows, rows.label, rng, limit=effort.limit)
        shadow = sample.values(rows, donor_cases(rows.units, rng))
        both = np.hstack([sample.values(rows), shadow])
        found = _impurity(both, sample.label, effort.trees, rng)
        own, other = (rows.per_map(part) for part in np.split(found, 2))
        return np.asarray(own > other.max(), dtype=np.float64)

    rounds = run_draws(
        beaten, effort.rounds, seed=(seed, 2), threads=effort.threads, report=report, known=known
    )
    wins = np.sum(rounds, axis=0)
    return wins / effort.rounds, np.asarray(binom.sf(wins - 1, effort.rounds, 0.5))


def impurity_importance(rows: Rows, *, effort: Effort, seed: int) -> Float64:
    """Impurity importance of every map (K,), summing to 1: the familiar control, not evidence.

    References
    ----------
    Breiman, Machine Learning, 2001.
    """
    rng = np.random.default_rng((seed, 3))
    sample = draw_sample(rows, rows.label, rng, limit=effort.limit)
    return rows.per_map(_impurity(sample.values(rows), sample.label, effort.trees, rng))


def _impurity(values: Float32, label: Outcomes, trees: int, rng: np.random.Generator) -> Float64:
    many = label.size > MANY_ROWS
    numbers = np.issubdtype(label.dtype, np.floating)
    forest = (
        RandomForestRegressor(max_features="sqrt")
        if numbers
        else RandomForestClassifier(class_weight="balanced")
    )
    forest.set_params(
        n_estimators=trees if many else MORE * trees,
        max_depth=8,
        min_samples_leaf=3,
        max_samples=SHARE if many else None,
        random_state=int(rng.integers(2**31 - 1)),
    )
    return np.asarray(forest.fit(values, label).feature_importances_)
