"""Groups of cases from their positions alone: sought, judged, and asked to come back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist
from scipy.stats import chi2

from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Bool, Float64
from napari_latentattr.ranking.units import Int
from napari_latentattr.retrieval.group_gate import Judged, judge
from napari_latentattr.retrieval.partition import Partition, fewest_in_group
from napari_latentattr.retrieval.stability import LEAST_STABILITY, stability_of

# A group of fewer patients is a family, not a kind of case.
FEWEST_IN_GROUP = 3
_ALPHA = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Groups of N cases; none where there are none.

    Attributes
    ----------
    label : (N,) int64 array
        The largest group first; -1 for none.
    outlier : (N,) bool array
    medoids : (G,) int64 array
    stability : (G,) float64 array
    patients_in : (G,) int64 array
        Patients of each group.
    depth : float
        Valley between the groups; where there are none, the deepest that was found.
    null : (D,) float64 array
    p : float
    """

    label: Int
    outlier: Bool
    medoids: Int
    stability: Float64
    patients_in: Int
    depth: float
    null: Float64
    p: float


def find_groups(
    score: Float64,
    patient: Int,
    *,
    draws: int = 199,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Groups:
    """Look for groups among positions (N, A) of cases; `patient` (N,) counts from 0."""
    least = fewest_in_group(len(score))
    judged = judge(score, patient, least=least, draws=draws, seed=seed, progress=progress)
    for count in judged.passing(_ALPHA):
        cut = judged.cuts[count]
        label = _by_size(cut)
        patients_in = _patients_in(label, patient)
        stability = stability_of(score, patient, label, seed=seed)
        if patients_in.min() >= FEWEST_IN_GROUP and stability.min() >= LEAST_STABILITY:
            return Groups(
                label=label,
                outlier=cut.far,
                medoids=_medoids(score, label),
                stability=stability,
                patients_in=patients_in,
                depth=judged.depth[count],
                null=judged.null,
                p=judged.p,
            )
    return _none(score, judged)


def no_groups(score: Float64) -> Groups:
    """Say nothing of groups, but mark the cases that lie far from all others."""
    return _none(score, None)


def _none(score: Float64, judged: Judged | None) -> Groups:
    nothing = np.empty(0, dtype=np.int64)
    return Groups(
        label=np.full(len(score), -1),
        outlier=_far_from_all(score),
        medoids=nothing,
        stability=np.empty(0),
        patients_in=nothing,
        depth=max(judged.depth.values(), default=0.0) if judged else np.nan,
        null=judged.null if judged else np.empty(0),
        p=judged.p if judged else np.nan,
    )


def _by_size(cut: Partition) -> Int:
    """Count groups from the largest; -1 for cases far from theirs."""
    size = np.bincount(cut.label[~cut.far], minlength=len(cut.centre))
    number = np.empty(size.size, dtype=np.int64)
    number[np.argsort(-size, kind="stable")] = np.arange(size.size)
    return np.where(cut.far, -1, number[cut.label])


def _patients_in(label: Int, patient: Int) -> Int:
    groups = range(int(label.max()) + 1)
    return np.array([np.unique(patient[label == g]).size for g in groups], dtype=np.int64)


def _medoids(score: Float64, label: Int) -> Int:
    """Case of each group with the smallest sum of distances to the others, as HDBSCAN has it."""
    found = []
    for group in range(int(label.max()) + 1):
        members = np.flatnonzero(label == group)
        distance = cdist(score[members], score[members]).sum(axis=1)
        found.append(members[distance.argmin()])
    return np.array(found, dtype=np.int64)


def _far_from_all(score: Float64) -> Bool:
    """Cases farther from the middle than one of N normal cases is in 5 % of cohorts."""
    n, n_axes = score.shape
    middle = np.median(score, axis=0)
    width = 1.4826 * np.median(np.abs(score - middle), axis=0)
    width = np.where(width > 0, width, score.std(axis=0))
    distance = (((score - middle) / width) ** 2).sum(axis=1)
    return np.asarray(distance > chi2.isf(0.05 / n, n_axes))
