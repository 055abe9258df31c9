"""Whether cases form groups at all: their valley against those of populations without groups.

Any clustering finds something in noise, and HDBSCAN does in most cohorts without groups
(docs/evidence). So the valley between the groups found is compared with the valleys found, in the
same way, in simulated populations of one kind each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from napari_latentattr.core.inference import monte_carlo_p
from napari_latentattr.core.progress import Progress
from napari_latentattr.core.types import Float64
from napari_latentattr.ranking.units import Int
from napari_latentattr.retrieval.partition import Partition, partitions
from napari_latentattr.retrieval.valley import shallowest_valley

# Larger cohorts are judged by as many cases: valleys of chance are rare there, and time is not.
MOST_JUDGED = 300
# Share of a gradient in the axis along it; the rest is scatter.
_ALONG = 0.92
# A bow whose depth hides in the scatter still crowds its ends.
_LEAST_BEND = 0.4


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Valleys found, and those of chance.

    Attributes
    ----------
    cuts : mapping of int to Partition
        By number of groups.
    depth : mapping of int to float
        Valley of each.
    null : (D,) float64 array
        Deepest valley of each simulated population.
    p : float
        Of the deepest valley found.
    """

    cuts: Mapping[int, Partition]
    depth: Mapping[int, float]
    null: Float64
    p: float

    def passing(self, alpha: float) -> list[int]:
        """Numbers of groups with a valley deeper than chance makes, the likeliest first."""
        if self.p > alpha:
            return []
        least = float(np.quantile(self.null, 1 - alpha))
        deep = [count for count, depth in self.depth.items() if depth > least]
        return sorted(deep, key=lambda count: self.cuts[count].bic)


def judge(
    score: Float64, patient: Int, *, least: int, draws: int, seed: int, progress: Progress
) -> Judged:
    """Find the deepest valley among the cases (N, A), and how often chance makes one as deep.

    Parameters
    ----------
    patient : (N,) int64 array
        Cases of one patient are as alike in the simulated populations as they are here.
    least : int
        Cases that make a group.

    References
    ----------
    Liu, Hayes, Nobel and Marron, J Am Stat Assoc, 2008 (a cluster index against one simulated
    population); Tibshirani, Walther and Hastie, J R Stat Soc B, 2001; Silverman, J R Stat Soc B,
    1981 (modes of a smoothed density).
    """
    cuts = partitions(score, least=least)
    depth = {count: shallowest_valley(score, cut) for count, cut in cuts.items()}
    rng = np.random.default_rng((seed, 7))
    bend = bend_of(score)
    alike = likeness_of_patients(score, patient)
    kept = np.sort(rng.permutation(len(score))[:MOST_JUDGED])
    fewer = max(4, round(least * kept.size / len(score)))
    seen = depth if kept.size == len(score) else valleys(score[kept], fewer)
    null = np.zeros(draws)
    for draw in range(draws):
        one_kind = one_population(score, patient, alike, rng, bend=bend)
        null[draw] = deepest(one_kind[kept], fewer)
        progress.report(draw + 1, draws, "cohorts without groups")
    return Judged(cuts, depth, null, monte_carlo_p(max(seen.values(), default=0.0), null))


def valleys(score: Float64, least: int) -> dict[int, float]:
    """Valley of each number of groups."""
    cuts = partitions(score, least=least)
    return {count: shallowest_valley(score, cut) for count, cut in cuts.items()}


def deepest(score: Float64, least: int) -> float:
    """Deepest valley over all numbers of groups."""
    best = 0.0
    for cut in partitions(score, least=least).values():
        best = max(best, shallowest_valley(score, cut, give_up=best))
    return best


def one_population(
    score: Float64, patient: Int, alike: Float64, rng: np.random.Generator, *, bend: float
) -> Float64:
    """Simulate cases (N, A) of one population, as wide along every axis as those of the cohort.

    Patients lie evenly along an arc in the first two axes, and scatter along all: of populations
    without groups, a gradient has the deepest valleys by far, and a bent one more so, since a
    straight line through it sees its ends as crowded (of 60 cases 5 % have a valley of 0.5 in a
    cloud, 0.7 on a straight gradient, 0.8 on a half circle).

    Parameters
    ----------
    bend : float
        As `bend_of`: the share of the second axis that is part of the bow; a half or more makes a
        half circle.
    """
    n_patients = int(patient.max()) + 1
    place = rng.standard_normal((n_patients, score.shape[1]))
    turn = np.pi * min(2 * max(bend, _LEAST_BEND), 1.0) * rng.uniform(-0.5, 0.5, n_patients)
    place[:, 0] = _mixed(np.sin(turn), place[:, 0], _ALONG)
    if score.shape[1] > 1:
        place[:, 1] = _mixed(np.cos(turn), place[:, 1], min(bend, _ALONG))
    place = (place - place.mean(axis=0)) / place.std(axis=0)
    own = rng.standard_normal(score.shape)
    mixed = np.sqrt(alike) * place[patient] + np.sqrt(1 - alike) * own
    return np.asarray(mixed * score.std(axis=0))


def bend_of(score: Float64) -> float:
    """How much the cases lie on a bow, 0 to 1: the share of one axis that another's square tells.

    The largest over the first three axes; a bow shows in them as the second against the square of
    the first (Guttman's horseshoe).
    """
    first = score[:, :3] - score[:, :3].mean(axis=0)
    square = first**2 - (first**2).mean(axis=0)
    length = np.linalg.norm(square, axis=0)[:, None] * np.linalg.norm(first, axis=0)
    share = ((square.T @ first) / np.maximum(length, np.finfo(float).tiny)) ** 2
    np.fill_diagonal(share, 0.0)
    return float(share.max())


def _mixed(part: Float64, rest: Float64, share: float) -> Float64:
    """Mix two columns, the first with this share of the variance."""
    return np.asarray(
        np.sqrt(share) * (part - part.mean()) / part.std() + np.sqrt(1 - share) * rest
    )


def likeness_of_patients(score: Float64, patient: Int) -> Float64:
    """Share of the variance along each axis that lies between patients (A,); 1 for single cases.

    References
    ----------
    Fisher, Statistical Methods for Research Workers, 1925 (intraclass correlation).
    """
    size = np.bincount(patient)
    n, n_patients = len(score), size.size
    if n == n_patients or n_patients < 2:
        return np.ones(score.shape[1])
    mean = np.stack([np.bincount(patient, column) / size for column in score.T], axis=1)
    within = ((score - mean[patient]) ** 2).sum(axis=0) / (n - n_patients)
    between = (size[:, None] * (mean - score.mean(axis=0)) ** 2).sum(axis=0) / (n_patients - 1)
    typical = (n - (size**2).sum() / n) / (n_patients - 1)
    above = np.maximum(between - within, 0) / typical
    return np.asarray(above / np.maximum(above + within, np.finfo(float).tiny))
