"""Forests tested on units they have not seen, each scored within its own fold.

Predictions of different folds are never pooled. A fold whose test half holds more of a class was
trained on less of it, so its predictions are shifted against the truth, and pooling them lowers
the area under the curve (leaving out one case at a time with nothing to learn gives exactly 0; 28
patients, 9 with the outcome, four folds: .46 pooled, .49 within folds). What stays is scatter, and
that a map which is high in the test half by chance is low in the training half: without signal the
area of 28 patients has a standard deviation of .16, and .11 was seen in 50 studies. Permuted
outcomes scatter as much, so an area below one half means "no evidence"; it is never turned over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_latentattr.core.types import Bool
from napari_latentattr.ranking.effort import Effort
from napari_latentattr.ranking.exchange import deal_folds, refuse_split
from napari_latentattr.ranking.forest import Forest, grow_forest
from napari_latentattr.ranking.rows import Rows, Sample, draw_sample
from napari_latentattr.ranking.score import score
from napari_latentattr.ranking.units import Outcomes


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """A forest and the rows it was not trained on.

    Attributes
    ----------
    forest : Forest
    test : Sample
    auc : float
        Of the test rows; for numbers their concordance.
    ratio : float
        Test units over training units.
    """

    forest: Forest
    test: Sample
    auc: float
    ratio: float


def hold_out(
    rows: Rows, label: Outcomes, rng: np.random.Generator, effort: Effort
) -> list[HeldOut]:
    """Train and test once a fold and repeat; a fold with one outcome alone is left out.

    Parameters
    ----------
    label : (N, P) array
        The outcome, or a permuted one.
    """
    fits = []
    for _ in range(effort.repeats):
        sample = draw_sample(rows, label, rng, limit=effort.limit)
        fold = deal_folds(rows, label, rng)
        refuse_split(rows.units, fold)
        for number in range(int(fold.max()) + 1):
            fits += _test_fold(rows, sample, fold == number, rng, effort)
    return fits


def _test_fold(
    rows: Rows, sample: Sample, tested: Bool, rng: np.random.Generator, effort: Effort
) -> list[HeldOut]:
    train, test = sample.of(~tested), sample.of(tested)
    if min(np.unique(half.label).size for half in (train, test)) < 2:
        return []
    forest = grow_forest(
        train.values(rows), train.label, len(rows.classes), trees=effort.trees, rng=rng
    )
    auc = score(forest.predict(test.values(rows)), test.label)
    n_test, n_train = (np.unique(rows.units.group[half.case]).size for half in (test, train))
    return [HeldOut(forest, test, float(auc), n_test / n_train)]


def mean_auc(fits: list[HeldOut]) -> float:
    """Mean over folds and repeats; NaN when no fold could be scored."""
    return float(np.mean([fit.auc for fit in fits])) if fits else float("nan")
