"""How empty it is between groups: the depth of the valley in the density of cases."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from napari_latentattr.core.types import Float64
from napari_latentattr.retrieval.partition import Partition

_PLACES = 48


def shallowest_valley(score: Float64, cut: Partition, *, give_up: float = 0.0) -> float:
    """Depth of the valley between the two groups that are hardest to tell apart, 0 to 1.

    The members of two groups are looked at along the line that separates them best (Fisher's
    discriminant). 0: between the groups there are as many cases as in the smaller group; 1: none.

    Parameters
    ----------
    score : (N, A) float64 array
    give_up : float
        Stop once a valley is no deeper than this: then only that is said.
    """
    near = ~cut.far
    pairs = combinations(range(len(cut.centre)), 2)
    gap = {(a, b): _distance(cut, a, b) for a, b in pairs}
    depth = 1.0
    for a, b in sorted(gap, key=lambda pair: gap[pair]):
        line = cut.precision @ (cut.centre[b] - cut.centre[a])
        one, other = (score[near & (cut.label == g)] @ line for g in (a, b))
        depth = min(depth, valley_depth(one, other))
        if depth <= give_up:
            break
    return depth


def valley_depth(one: Float64, other: Float64) -> float:
    """Depth of the valley of a smoothed density between two groups of numbers, 0 to 1.

    The kernel is as wide as suits a normal group of the size of the smaller one (Silverman, 1986).
    """
    n = one.size + other.size
    width = float(np.sqrt((one.var() * one.size + other.var() * other.size) / n))
    if width == 0:
        return 1.0
    kernel = 1.06 * width * min(one.size, other.size) ** -0.2
    low, high = sorted((one.mean(), other.mean()))
    place = np.linspace(low - width / 2, high + width / 2, _PLACES)
    both = np.concatenate([one, other])
    density = np.exp(-0.5 * ((place[:, None] - both) / kernel) ** 2).sum(axis=1)
    left = np.maximum.accumulate(density)
    right = np.maximum.accumulate(density[::-1])[::-1]
    return float(1 - (density / np.minimum(left, right)).min())


def _distance(cut: Partition, a: int, b: int) -> float:
    way = cut.centre[b] - cut.centre[a]
    return float(way @ cut.precision @ way)
