"""What is answered about images that are copies of each other.

In worlds with a plan, one image is overwritten with a copy of another, exact or with noise. Maps
that were built to listen to both must answer with a tie; maps that listen to one of them must name
that one, never the other, and say of the other that it carries the same pattern.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from napari_latentattr.benchmarks.populations import smooth_fields
from napari_latentattr.benchmarks.timing import one_thread
from napari_latentattr.benchmarks.worlds import World, make_world
from napari_latentattr.core.dependence import ChannelDependence
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Bool, Float32
from napari_latentattr.core.verdict_words import answer_parts, tied_part
from napari_latentattr.methods.channel_dependence import channel_dependence

Counts: TypeAlias = npt.NDArray[np.int64]

LIKENESS = (1.0, 0.99, 0.8)
_NOTES = ("carries the same pattern", "(r 0.")  # copies, and noisy copies of a driver


@dataclass(frozen=True, slots=True)
class CopiesFound:
    """Answers about copies that correlate at `likeness` in their differences between cases.

    Attributes
    ----------
    likeness : float
        What was asked for, of the differences between cases.
    worlds, n_cases : int
    measured : float
        Mean over the worlds of what it came to.
    both, both_tied, both_named : int
        Maps that listen to both copies; those answered with a tie of the two; those that name both.
    one, one_named, one_noted, other_named : int
        Maps that listen to one of them; those that name it alone of the two; those whose sentence
        says so of the other; those that name the other, which would be wrong.
    """

    likeness: float
    worlds: int
    n_cases: int
    measured: float
    both: int
    both_tied: int
    both_named: int
    one: int
    one_named: int
    one_noted: int
    other_named: int

    def record(self) -> dict[str, object]:
        """Return the counts as plain values for a JSON file."""
        return {"kind": "benchmark copies", "version": 1, **asdict(self)}


def find_copies(
    likeness: float,
    *,
    worlds: int = 20,
    n_cases: int = 16,
    first_seed: int = 0,
    progress: Progress = SILENT,
) -> CopiesFound:
    """Ask for the channel dependence of worlds in which two images are copies.

    Parameters
    ----------
    likeness : float
        Correlation of the two images' differences between cases, 0 to 1.
    worlds : int
        Simulated worlds, seeds `first_seed` and on.
    """
    counts, measured = np.zeros(7, dtype=int), []
    with one_thread():
        for number in range(worlds):
            progress.report(number, worlds, "asking about copies")
            seed = first_seed + number
            world = make_world(n_cases, n_channels=5, n_maps=8, shape=(48, 48), seed=seed)
            pair = _pair_of(world.plan)
            world = with_copy(world, pair, likeness, seed=seed)
            found = channel_dependence(world.model(), world.cohort(), donors=4, seed=seed)
            measured.append(copy_likeness(world.data, pair, world.mask))
            counts += _count(found, world.plan, pair)
    progress.report(worlds, worlds, "asking about copies")
    return CopiesFound(likeness, worlds, n_cases, float(np.mean(measured)), *counts.tolist())


def with_copy(world: World, pair: Sequence[int], likeness: float, *, seed: int) -> World:
    """Overwrite the second image of a pair with a copy of the first; the autoencoder stays."""
    rng = np.random.default_rng((seed, 11))
    data = world.data.copy()
    source = data[:, pair[0]]
    spread = float((source - source.mean(axis=0))[:, world.mask].std())
    noise = smooth_fields(rng, len(data), world.mask.shape, 2.0) * world.mask
    size = spread * np.sqrt(1 / likeness**2 - 1)
    data[:, pair[1]] = source + np.asarray(size * noise, dtype=np.float32)
    return replace(world, data=data)


def copy_likeness(data: Float32, pair: Sequence[int], mask: Bool) -> float:
    """Correlation of the differences of two images between neighbouring cases."""
    gaps = [(data[1:, c] - data[:-1, c])[:, mask].ravel() for c in pair]
    return float(np.corrcoef(gaps)[0, 1])


def _pair_of(plan: Bool) -> tuple[int, int]:
    """Take the two images to which most maps listen together."""
    together = np.triu(plan.T.astype(int) @ plan.astype(int), 1)
    first, second = np.unravel_index(together.argmax(), together.shape)
    return int(first), int(second)


def _count(found: ChannelDependence, plan: Bool, pair: tuple[int, int]) -> Counts:
    names = [found.channels[c] for c in pair]
    counts: Counts = np.zeros(7, dtype=np.int64)
    for k, uses in enumerate(plan[:, list(pair)]):
        answer = str(found.answer[k])
        parts = answer_parts(answer)
        named = [any(name in part for part in parts) for name in names]
        if uses.all():
            at = tied_part(answer)
            tied = at >= 0 and set(parts[at]) == set(names)
            counts[:3] += [1, tied, all(named)]
        elif uses.any():
            used, other = (0, 1) if uses[0] else (1, 0)
            said = found.sentence(k)
            noted = any(f"{names[other]} {word}" in said for word in _NOTES)
            counts[3:] += [1, named[used] and not named[other], noted, named[other]]
    return counts
