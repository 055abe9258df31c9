"""All contestants in the same worlds: who finds the truth, and only the truth."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from scipy import stats

from napari_latentattr.benchmarks.calibration import Rate
from napari_latentattr.benchmarks.contest.calls import Contestant
from napari_latentattr.benchmarks.contest.controls import (
    decode_alone,
    encode_alone,
    phase_null,
    shift_null,
)
from napari_latentattr.benchmarks.contest.kinds import KINDS, Kind, truth_of
from napari_latentattr.benchmarks.contest.leaving_out import (
    captum_ablation,
    captum_gradients,
    captum_shapley,
    leave_one_out,
)
from napari_latentattr.benchmarks.contest.ours import TAU, dependence, likeness, shapley
from napari_latentattr.benchmarks.contest.scoring import FALSE_RATES, Score, score_calls
from napari_latentattr.benchmarks.timing import one_thread
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Float64

MEASURES = ("power", "false_positive", "false_discovery", "auroc", "top", "seconds")
CONTESTANTS: tuple[Contestant, ...] = (
    dependence,
    shapley,
    leave_one_out,
    encode_alone,
    decode_alone,
    shift_null,
    phase_null,
    captum_ablation,
    captum_shapley,
    captum_gradients,
)
WITH_MORE: tuple[Contestant, ...] = (dependence, likeness)
"""Who looks again where there are more cases; likeness has no p value below 20."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one rule did in all worlds of a kind.

    Attributes
    ----------
    kind, rule : str
    worlds, n_cases : int
        Worlds, seeds 0, 1, ..., and cases that the contestant sees in each.
    power, false_positive, false_discovery, auroc, top, seconds : Rate
        See `Score`; means over the worlds that have such pairs, with t intervals. NaN where none
        has.
    by_effect, roc : tuple of float
        Means over worlds; see `Score`.
    """

    kind: str
    rule: str
    worlds: int
    n_cases: int
    power: Rate
    false_positive: Rate
    false_discovery: Rate
    auroc: Rate
    top: Rate
    seconds: Rate
    by_effect: tuple[float, ...]
    roc: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Contest:
    """Standings of all rules in all kinds of worlds.

    Attributes
    ----------
    tau : float
    reference : int
        Cases behind the true ratios.
    standings : tuple of Standing
    """

    tau: float
    reference: int
    standings: tuple[Standing, ...]

    def find(self, kind: str, rule: str, n_cases: int = 12) -> Standing:
        """Return the standing of one rule in one kind of worlds."""
        asked = (kind, rule, n_cases)
        return next(s for s in self.standings if (s.kind, s.rule, s.n_cases) == asked)

    def record(self) -> dict[str, object]:
        """Return the standings as plain values for a JSON file."""
        return {
            "kind": "benchmark contest",
            "version": 1,
            "false_rates": FALSE_RATES.tolist(),
            **asdict(self),
        }


def hold_contest(
    *,
    worlds: int = 20,
    n_cases: Sequence[int] = (12, 24),
    kinds: Sequence[Kind] = KINDS,
    contestants: Sequence[Contestant] = CONTESTANTS,
    with_more: Sequence[Contestant] = WITH_MORE,
    reference: int = 200,
    progress: Progress = SILENT,
) -> Contest:
    """Let every contestant call in every world.

    Parameters
    ----------
    worlds : int
        Of each kind.
    n_cases : sequence of int
        Cases in each.
    contestants, with_more : sequence of Contestant
        Who calls with the first number of cases, and who with the others.
    reference : int
        Other cases, from which the true ratios are known.
    """
    standings = []
    steps = worlds * len(kinds)
    for row, kind in enumerate(kinds):
        scores: dict[tuple[int, str], list[Score]] = {}
        for seed in range(worlds):
            progress.report(row * worlds + seed, steps, f"contest: {kind.name}")
            for key, score in _one_world(kind, seed, n_cases, (contestants, with_more), reference):
                scores.setdefault(key, []).append(score)
        standings += [_standing(kind, n, rule, found) for (n, rule), found in scores.items()]
    progress.report(steps, steps, "contest")
    return Contest(TAU, reference, tuple(standings))


def _one_world(
    kind: Kind,
    seed: int,
    sizes: Sequence[int],
    rounds: tuple[Sequence[Contestant], Sequence[Contestant]],
    reference: int,
) -> list[tuple[tuple[int, str], Score]]:
    """Scores of every rule, by number of cases and name."""
    world = kind.make(sizes[0], seed=seed)
    truth = truth_of(kind, world, reference=reference, tau=TAU, seed=seed)
    found = []
    for number, n in enumerate(sizes):
        people = world.with_cases(n, seed=1000 * (1 + seed) + number)  # no two worlds share them
        model, cohort = people.model(), people.cohort()
        for contestant in rounds[min(number, 1)]:
            began = time.perf_counter()
            with one_thread():
                rules = contestant(model, cohort)
            seconds = time.perf_counter() - began
            found += [
                ((n, rule), score_calls(calls, truth, tau=TAU, seconds=seconds))
                for rule, calls in rules.items()
            ]
    return found


def _standing(kind: Kind, n_cases: int, rule: str, scores: list[Score]) -> Standing:
    rates = {name: mean_rate(np.array([getattr(s, name) for s in scores])) for name in MEASURES}
    by_effect, roc = (
        tuple(_means(np.stack([getattr(s, name) for s in scores]))) for name in ("by_effect", "roc")
    )
    return Standing(kind.name, rule, len(scores), n_cases, by_effect=by_effect, roc=roc, **rates)


def mean_rate(values: Float64) -> Rate:
    """Mean of some worlds with its 95 % t interval; NaN entries do not count."""
    counted = values[~np.isnan(values)]
    if not counted.size:
        return Rate(float("nan"), float("nan"), float("nan"))
    mean = float(counted.mean())
    if counted.size == 1:
        return Rate(mean, float("nan"), float("nan"))
    reach = float(stats.t.ppf(0.975, counted.size - 1) * counted.std(ddof=1) / counted.size**0.5)
    return Rate(mean, mean - reach, mean + reach)


def _means(rows: Float64) -> list[float]:
    return [mean_rate(column).value for column in rows.T]
