"""Who changes places with whom: folds, permuted outcomes and donors, always whole units.

A unit is a patient, or a slice where all cases are slices of one person. Nothing here splits one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from napari_latentattr.core.errors import InputError
from napari_latentattr.ranking.rows import Rows, classes_in_groups
from napari_latentattr.ranking.units import Int, Outcomes, Units

MOST_FOLDS = 5


def deal_folds(rows: Rows, label: Outcomes, rng: np.random.Generator) -> Int:
    """Fold of every case (N,): groups with the same classes are spread evenly over the folds.

    There are as many folds as can each hold every class, at most five and at least two. Where the
    outcome is a number each holds low, middle and high ones, and at least three groups.
    """
    if rows.classes:
        present = classes_in_groups(rows, label)
        count = int(np.clip(present.sum(axis=0).min(), 2, MOST_FOLDS))
        kind = np.unique(present, axis=0, return_inverse=True)[1].ravel()
    else:
        count = int(np.clip(rows.units.n // 3, 2, MOST_FOLDS))
        kind = (rankdata(_group_means(rows, label), method="ordinal") - 1) // count
    fold = np.empty(len(kind), dtype=np.int64)
    fold[np.lexsort((rng.random(len(kind)), kind))] = np.arange(len(kind)) % count
    return fold[rows.units.group]


def refuse_split(units: Units, fold: Int) -> None:
    """Refuse folds that put cases which belong together on both sides.

    Raises
    ------
    InputError
        Voxels or slices of one patient are alike: split ones are recognised, not predicted.
    """
    pairs = np.unique(np.stack([units.group, fold]), axis=1)
    split = np.flatnonzero(np.bincount(pairs[0]) > 1)
    if split.size:
        raise InputError(
            f"folds split {split.size} of {units.n} {units.groups} between training and test; "
            "deal whole groups into folds, or the ranking recognises them instead of predicting"
        )


def permuted_cases(units: Units, rng: np.random.Generator) -> Int:
    """For every case the case whose outcome it gets when whole units are shuffled (N,).

    Exact where all units have as many cases as each other or one outcome each. A unit that gets
    the outcomes of a smaller one repeats them in order, of a larger one takes the first.
    """
    return _follow(units.whole, rng.permutation(int(units.whole.max()) + 1))


def donor_cases(units: Units, rng: np.random.Generator) -> Int:
    """For every case a case of another unit (N,); every unit gives and takes once."""
    ring = rng.permutation(int(units.whole.max()) + 1)
    giver = np.empty_like(ring)
    giver[ring] = np.roll(ring, 1)
    return _follow(units.whole, giver)


def _group_means(rows: Rows, label: Outcomes) -> npt.NDArray[np.float64]:
    """Mean outcome of each group, (number of groups,)."""
    case, place = np.nonzero(rows.inside)
    group = rows.units.group[case]
    total = np.bincount(group, label[case, place], minlength=rows.units.n)
    return total / np.bincount(group, minlength=rows.units.n)


def _follow(whole: Int, giver: Int) -> Int:
    """Case m of unit u is given case m (counted round) of unit ``giver[u]``."""
    order = np.argsort(whole, kind="stable")
    size = np.bincount(whole)
    start = np.concatenate([[0], np.cumsum(size)[:-1]])
    nth = np.empty_like(order)
    nth[order] = np.arange(order.size) - start[whole[order]]
    unit = giver[whole]
    return np.asarray(order[start[unit] + nth % size[unit]])
