"""Cuts cases into a given number of groups; refuses to know whether there are any.

Ward's tree gives the start, a mixture of normal groups of one shape the end. Density alone
(HDBSCAN) leaves up to half of the cases of groups that touch in no group.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.stats import chi2

from napari_latentattr.core.types import Bool, Float64
from napari_latentattr.ranking.units import Int

MOST_GROUPS = 6
_ROUNDS = 20
# The tree of more cases is grown from as many, evenly drawn; the mixture sees them all.
_MOST_IN_TREE = 1000
# Cuts of the tree beyond the number of groups, for odd cases that make branches of their own.
_ODD_BRANCHES = 6


@dataclass(frozen=True, slots=True, eq=False)
class Partition:
    """Cases in groups.

    Attributes
    ----------
    label : (N,) int64 array
        Group of each case, counted from 0.
    far : (N,) bool array
        Cases too far from the centre of their group to belong to it.
    centre : (G, A) float64 array
    precision : (A, A) float64 array
        Inverse of the covariance that all groups share.
    bic : float
        Bayesian information criterion; small is good.
    """

    label: Int
    far: Bool
    centre: Float64
    precision: Float64
    bic: float


def fewest_in_group(n: int) -> int:
    """Cases that make a group: 4, or 4 % of a larger cohort."""
    return max(4, int(np.ceil(0.04 * n)))


def partitions(score: Float64, *, least: int) -> Mapping[int, Partition]:
    """Cut the cases (N, A) into 2, 3, ... groups of at least `least` cases, where they can be."""
    starts = _starts(score, least)
    found = {count: fit_groups(score, start, least=least) for count, start in starts.items()}
    return {count: cut for count, cut in found.items() if cut is not None}


def _starts(score: Float64, least: int) -> Mapping[int, Int]:
    """Branches of Ward's tree by how many hold `least` cases; -1 for cases in smaller ones."""
    every = -(-len(score) // _MOST_IN_TREE)
    drawn = np.arange(0, len(score), every)
    tree = linkage(score[drawn], "ward")
    starts: dict[int, Int] = {}
    enough = max(2, least // every)
    for cut in range(2, min(MOST_GROUPS + _ODD_BRANCHES, len(drawn)) + 1):
        branch = fcluster(tree, cut, "maxclust") - 1
        large = np.flatnonzero(np.bincount(branch) >= enough)
        if 2 <= large.size <= MOST_GROUPS and large.size not in starts:
            number = np.full(branch.max() + 1, -1)
            number[large] = np.arange(large.size)
            label = np.full(len(score), -1)
            label[drawn] = number[branch]
            starts[large.size] = label
    return starts


def fit_groups(score: Float64, start: Int, *, least: int) -> Partition | None:
    """Move cases to the nearest centre until nobody moves; None where a group gets too small.

    Parameters
    ----------
    score : (N, A) float64 array
    start : (N,) int64 array
        -1 for a case that says nothing at first.

    References
    ----------
    Celeux and Govaert, Comput Stat Data Anal, 1992 (classification EM).
    """
    label, core = start, start >= 0
    count = int(start.max()) + 1
    for _ in range(_ROUNDS):
        size = np.bincount(label[core], minlength=count)
        if size.min() < 2:
            return None
        centre, covariance = _shape(score[core], label[core], size)
        precision: Float64 = np.linalg.inv(covariance).astype(np.float64)
        offset = score[:, None] - centre
        distance = np.einsum("nga,ab,ngb->ng", offset, precision, offset)
        moved = (distance - 2 * np.log(size / size.sum())).argmin(axis=1)
        near = distance[np.arange(len(score)), moved] <= _reach(score.shape)
        if np.array_equal(moved, label) and np.array_equal(near, core):
            break
        label, core = moved, near
    size = np.bincount(label[core], minlength=count)
    if size.min() < least:
        return None
    fit = -0.5 * size.sum() * np.linalg.slogdet(covariance)[1] + (size * np.log(size)).sum()
    bic = -2 * (fit - size.sum() * np.log(size.sum())) + np.log(len(score)) * centre.size
    return Partition(label, ~core, centre, precision, float(bic))


def _shape(score: Float64, label: Int, size: Int) -> tuple[Float64, Float64]:
    """Centres, and the covariance around them, rounded a little where cases are few."""
    n, n_axes = score.shape
    centre: Float64 = np.stack([score[label == g].mean(axis=0) for g in range(size.size)])
    rest = score - centre[label]
    covariance = rest.T @ rest / max(n - size.size, 1)
    rounding = min(1.0, n_axes / max(n - size.size, 1))
    even = np.trace(covariance) / n_axes + np.finfo(float).tiny
    rounded: Float64 = (1 - rounding) * covariance + rounding * even * np.eye(n_axes)
    return centre, rounded


def _reach(shape: tuple[int, ...]) -> float:
    """Squared distance that one of N normal cases passes in 5 % of cohorts."""
    n, n_axes = shape
    return float(chi2.isf(0.05 / n, n_axes))
