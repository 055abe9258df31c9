"""The true ratios of a simulated world, from far more people than any study has."""

from __future__ import annotations

from napari_latentattr.benchmarks.timing import one_thread
from napari_latentattr.benchmarks.worlds import World
from napari_latentattr.core.inference import RatioEstimate, two_way_jackknife
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.methods.donors import pair_cases
from napari_latentattr.methods.swaps import Swaps, measure_swaps

_SEED = 1_000_003  # of the reference people of the first world; no study draws from these


def swap_channels(world: World, *, donors: int, seed: int, progress: Progress = SILENT) -> Swaps:
    """Exchange each channel between the cases of a world, everything inside its body mask."""
    cohort = world.cohort()
    with one_thread():  # passes this small only wait for each other on more
        return measure_swaps(
            world.model(),
            cohort,
            [(c,) for c in range(len(cohort.channels))],
            pairs=pair_cases(cohort.units, donors=donors, seed=seed),
            progress=progress,
        )


def reference_ratio(
    world: World, n_cases: int, *, seed: int, donors: int = 4, progress: Progress = SILENT
) -> RatioEstimate:
    """Estimate the ratio of every map and channel, (K, C), from `n_cases` people of their own.

    Its standard error says how far the reference itself can be trusted. Worlds that are counted
    together need a `seed` of their own, or all would have the error of the same people.
    """
    people = world.with_cases(n_cases, seed=_SEED + seed)
    swaps = swap_channels(people, donors=donors, seed=0, progress=progress)
    return two_way_jackknife(swaps.change, swaps.spread, swaps.recipient, swaps.donor)
