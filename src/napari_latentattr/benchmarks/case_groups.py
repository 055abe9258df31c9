"""Simulated cohorts with known groups and without any, and what is found in them.

Beside the tool runs plain HDBSCAN on the same positions: the control that must fail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Float64
from napari_latentattr.ranking.units import Int
from napari_latentattr.retrieval.axes import find_axes
from napari_latentattr.retrieval.groups import find_groups

Structureless: TypeAlias = Literal[
    "cloud", "correlated", "heavy tails", "skewed", "gradient", "bent gradient", "families"
]
CASES = (30, 60, 120, 300)
MAPS = (8, 16, 64)
GROUPS = (2, 3, 4)


def planted_cases(
    seed: int, *, cases: int, maps: int, groups: int, apart: float = 2.0
) -> tuple[Float64, Int]:
    """Pooled maps (N, K) of known groups (N,), half of the cohorts with unequal ones.

    The two groups closest to each other differ by `apart` standard deviations of the cases in a
    map, as the root mean square over the maps. Maps are correlated in half of the cohorts.
    """
    rng = np.random.default_rng((seed, cases, maps, groups))
    centre = rng.standard_normal((groups, maps))
    gaps = [np.sqrt(((centre[a] - centre[b]) ** 2).mean()) for a in range(groups) for b in range(a)]
    share = np.ones(groups) if seed % 2 else np.linspace(1.0, 2.0, groups)
    member = np.searchsorted(np.cumsum(share / share.sum()), (np.arange(cases) + 0.5) / cases)
    member = rng.permutation(member)
    own = _scatter(rng, cases, maps, shared=2 if seed % 4 >= 2 else 0)
    return centre[member] * apart / min(gaps) + own, member.astype(np.int64)


def structureless_cases(
    seed: int, kind: Structureless, *, cases: int, maps: int
) -> tuple[Float64, Int]:
    """Pooled maps (N, K) of one population, and the patient of each case (N,)."""
    rng = np.random.default_rng((seed, cases, maps, get_args(Structureless).index(kind)))
    alone = np.arange(cases)
    turn = rng.uniform(-1, 1, (cases, 1))
    way = rng.standard_normal((2, maps))
    if kind == "gradient":
        return 2 * turn * way[0] + 0.6 * _scatter(rng, cases, maps), alone
    if kind == "bent gradient":
        both = np.hstack([np.cos(np.pi / 2 * turn), np.sin(np.pi / 2 * turn)])
        return 3 * both @ way + 0.6 * _scatter(rng, cases, maps), alone
    if kind == "heavy tails":
        return rng.standard_t(3, (cases, maps)), alone
    if kind == "skewed":
        return np.exp(0.8 * _scatter(rng, cases, maps, shared=3)), alone
    if kind == "families":
        patient = alone // 3
        own = _scatter(rng, int(patient.max()) + 1, maps)
        return own[patient] + 0.3 * _scatter(rng, cases, maps), patient
    return _scatter(rng, cases, maps, shared=3 if kind == "correlated" else 0), alone


def _scatter(rng: np.random.Generator, cases: int, maps: int, *, shared: int = 0) -> Float64:
    """Draw normal values with standard deviation 1; shared factors correlate the maps."""
    loading = rng.standard_normal((maps, shared))
    value = rng.standard_normal((cases, shared)) @ loading.T + rng.standard_normal((cases, maps))
    return np.asarray(value / np.sqrt(1 + (loading**2).sum(axis=1)))


@dataclass(frozen=True, slots=True, eq=False)
class FoundGroups:
    """What was found.

    Attributes
    ----------
    agreement : (R,) float64 array
        Adjusted Rand index with the planted groups, of each cohort.
    plain_agreement : (R,) float64 array
        The same of HDBSCAN alone.
    called : dict of str to float
        Share of cohorts of each kind without groups in which some were reported.
    plain_called : dict of str to float
        The same of HDBSCAN alone.
    """

    agreement: Float64
    plain_agreement: Float64
    called: dict[str, float]
    plain_called: dict[str, float]

    def record(self) -> dict[str, object]:
        """Everything that was counted, for JSON."""
        return {
            "agreement": self.agreement.tolist(),
            "plain_agreement": self.plain_agreement.tolist(),
            "called": self.called,
            "plain_called": self.plain_called,
        }

    @property
    def none_called(self) -> float:
        """Share of all cohorts without groups in which none was reported."""
        return 1 - float(np.mean(list(self.called.values())))

    @property
    def plain_none_called(self) -> float:
        """The same of HDBSCAN alone."""
        return 1 - float(np.mean(list(self.plain_called.values())))


def find_case_groups(
    *,
    seeds: int = 20,
    cases: tuple[int, ...] = CASES,
    maps: tuple[int, ...] = MAPS,
    groups: tuple[int, ...] = GROUPS,
    draws: int = 99,
    first_seed: int = 0,
    progress: Progress = SILENT,
) -> FoundGroups:
    """Look for groups in simulated cohorts of every size, number of maps and number of groups."""
    from sklearn.metrics import adjusted_rand_score

    sizes = [(n, k) for n in cases for k in maps]
    kinds = get_args(Structureless)
    total, done = seeds * len(sizes) * (len(groups) + len(kinds)), 0
    agreement: list[float] = []
    plain_agreement: list[float] = []
    called = {kind: np.zeros(2) for kind in kinds}
    for seed in range(first_seed, first_seed + seeds):
        for n, k in sizes:
            for count in groups:
                pooled, truth = planted_cases(seed, cases=n, maps=k, groups=count)
                score = find_axes(pooled).score
                label = find_groups(score, np.arange(n), draws=draws, seed=seed).label
                agreement.append(adjusted_rand_score(truth, label))
                plain_agreement.append(adjusted_rand_score(truth, plain_labels(score)))
                done += 1
                progress.report(done, total, "cohorts with groups")
            for kind in kinds:
                pooled, patient = structureless_cases(seed, kind, cases=n, maps=k)
                score = find_axes(pooled).score
                label = find_groups(score, patient, draws=draws, seed=seed).label
                called[kind] += [label.max() >= 0, plain_labels(score).max() >= 0]
                done += 1
                progress.report(done, total, "cohorts without groups")
    runs = seeds * len(sizes)
    return FoundGroups(
        np.array(agreement),
        np.array(plain_agreement),
        {kind: float(both[0] / runs) for kind, both in called.items()},
        {kind: float(both[1] / runs) for kind, both in called.items()},
    )


def plain_labels(score: Float64) -> Int:
    """Ask HDBSCAN with its own defaults."""
    from sklearn.cluster import HDBSCAN

    return np.asarray(HDBSCAN(copy=True).fit_predict(score))
