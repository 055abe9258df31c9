"""Whether the tool finds the planted truth, and nothing else.

In a world without leak a map cannot see the channels outside its plan. Those must come out as
``no dependence found``, without exception; channels inside that matter must come out as ``drives``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from napari_latentattr.benchmarks.reference import reference_ratio
from napari_latentattr.benchmarks.worlds import make_world
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Bool, Float64, Text
from napari_latentattr.core.verdict_words import DRIVES, NO_DEPENDENCE
from napari_latentattr.methods.channel_dependence import channel_dependence

_COUNTED = ("outside", "outside_unseen", "inside", "inside_driving", "weak", "weak_unseen")


@dataclass(frozen=True, slots=True)
class Miss:
    """A pair of map and channel that did not come out as planted."""

    world: int
    map: int
    channel: int
    planted: bool
    ratio: float
    verdict: str


@dataclass(frozen=True, slots=True)
class PlantedTruth:
    """How many planted pairs of map and channel came out as they must.

    Attributes
    ----------
    worlds, n_cases : int
        Simulated worlds, and cases in each.
    tau : float
    outside, outside_unseen : int
        Pairs outside the plans; those with ``no dependence found``.
    inside, inside_driving : int
        Pairs inside with a true ratio of at least 2 tau; those that come out as ``drives``.
    weak, weak_unseen : int
        Pairs inside with a smaller ratio, of which nothing is promised but that they are not
        called unseen; those with ``no dependence found``.
    misses : tuple of Miss
        Every pair that came out otherwise.
    """

    worlds: int
    n_cases: int
    tau: float
    outside: int
    outside_unseen: int
    inside: int
    inside_driving: int
    weak: int
    weak_unseen: int
    misses: tuple[Miss, ...]

    def record(self) -> dict[str, object]:
        """Return the counts as plain values for a JSON file."""
        return {"kind": "benchmark planted", "version": 1, **asdict(self)}


def find_planted(
    *,
    worlds: int = 10,
    n_cases: int = 12,
    tau: float = 0.03,
    reference: int = 500,
    progress: Progress = SILENT,
) -> PlantedTruth:
    """Ask for the channel dependence of zero-leak worlds and count what comes out.

    Parameters
    ----------
    worlds : int
        Simulated worlds, seeds 0, 1, ...
    n_cases : int
        Cases that the tool sees.
    reference : int
        Cases from which the true ratio is known.
    """
    counts, misses = np.zeros(len(_COUNTED), dtype=int), []
    for seed in range(worlds):
        progress.report(seed, worlds, "looking for planted channels")
        world = make_world(n_cases, seed=seed)
        ratio = np.exp(reference_ratio(world, reference, seed=seed, donors=1).log_ratio)
        verdict = channel_dependence(world.model(), world.cohort(), tau=tau).verdict
        strong = world.plan & (ratio >= 2 * tau)
        weak = world.plan & ~strong
        unseen, driving = verdict == NO_DEPENDENCE, verdict == DRIVES
        asked = (~world.plan, ~world.plan & unseen, strong, strong & driving, weak, weak & unseen)
        counts += [np.count_nonzero(pairs) for pairs in asked]
        wrong = (~world.plan & ~unseen) | (strong & ~driving) | (weak & unseen)
        misses += _list_misses(seed, wrong, world.plan, ratio, verdict)
    progress.report(worlds, worlds, "looking for planted channels")
    numbers = dict(zip(_COUNTED, counts.tolist(), strict=True))
    return PlantedTruth(worlds, n_cases, tau, misses=tuple(misses), **numbers)


def _list_misses(world: int, wrong: Bool, plan: Bool, ratio: Float64, verdict: Text) -> list[Miss]:
    return [
        Miss(world, int(k), int(c), bool(plan[k, c]), float(ratio[k, c]), str(verdict[k, c]))
        for k, c in np.argwhere(wrong)
    ]
