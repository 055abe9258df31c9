"""Swaps measured on the workers of a cluster: receipts come back, and nothing else.

Each task takes a few recipients that follow each other, because they share donors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari_latentattr.core.progress import Progress
from napari_latentattr.core.types import CaseSource
from napari_latentattr.methods.donors import Pair
from napari_latentattr.methods.swap_memory import ChannelSet, SwapMemory
from napari_latentattr.methods.swaps import Measurement, Region
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel
from napari_latentattr.streaming.distributed import spread
from napari_latentattr.streaming.streaming import Streaming

# Recipients a task: with four donors each case is encoded one and a half times.
_TOGETHER = 8


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What all tasks share."""

    model: LatentModel | SlicewiseModel
    cases: CaseSource
    region: Region | None
    skip: bool


def fill_elsewhere(
    question: Question,
    sets: Sequence[ChannelSet],
    pairs: Sequence[Pair],
    memory: SwapMemory,
    *,
    streaming: Streaming,
    progress: Progress,
) -> None:
    """Put the receipts that are missing into `memory`, measured by the workers."""
    sets = tuple(sets)
    missing = [pair for pair in pairs if (sets, pair[0]) not in memory.receipts]
    parts = [(sets, missing[i : i + _TOGETHER]) for i in range(0, len(missing), _TOGETHER)]
    done, steps = 0, len(missing) * len(sets)
    for part, found in zip(parts, spread(streaming.client, question, _measure, parts), strict=True):
        known = {one.index for one in memory.broken}
        memory.receipts.update(found.receipts)
        memory.hashes.update(found.hashes)
        memory.broken += [one for one in found.broken if one.index not in known]
        done += len(part[1]) * len(sets)
        progress.report(done, steps, "exchanging images between cases, on workers")


def _measure(question: Question, part: tuple[tuple[ChannelSet, ...], list[Pair]]) -> SwapMemory:
    """Receipts of a few recipients."""
    sets, pairs = part
    memory = SwapMemory()
    with question.model.running():
        Measurement(
            question.model,
            question.cases,
            sets,
            pairs,
            question.region,
            memory,
            skip=question.skip,
        ).fill()
    return memory
