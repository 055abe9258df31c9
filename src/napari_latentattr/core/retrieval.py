"""Which cases have most and least of a latent map: the result. Refuses to know images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_latentattr.core.map_statistics import MapStatistics
from napari_latentattr.core.types import Float64, Gate, MapRef, Provenance

By: TypeAlias = Literal["activation", "relevance"]
Pool: TypeAlias = Literal["mean", "peak"]
Int: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class CaseList:
    """Some cases in a given order, and where to look in each.

    Attributes
    ----------
    cases, units : tuple of n str
        Names, and the independent unit of each: its patient, or a block of neighbouring slices.
    index : (n,) int64 array
        Positions in the cohort.
    scores : (n,) float64 array
        What `Retrieval.unit` says.
    boxes : (n, d, 2) int64 array
        Along each of the d axes of the images the first voxel of the box and the one after its
        last, inside the grid: ``data[:, z0:z1, y0:y1, x0:x1]`` is the crop. It is the receptive
        field of `latents`.
    latents : (n, d) int64 array
        Index in the latent map of the peak.
    centres : (n, d) float64 array
        Place of the peak in millimetres, in the order of the axes as `Grid.affine` has it: the
        superior, anterior and right coordinate of a volume.
    """

    cases: tuple[str, ...]
    units: tuple[str, ...]
    index: Int
    scores: Float64
    boxes: Int
    latents: Int
    centres: Float64

    def __len__(self) -> int:
        return len(self.cases)


@dataclass(frozen=True, slots=True, eq=False)
class Retrieval:
    """Cases that show what a latent map takes up, one of each patient.

    Attributes
    ----------
    target : MapRef
    by : {"activation", "relevance"}
    unit : str
        What a score is, in words.
    top, bottom : CaseList
        Cases with the most, falling, and with the least, rising; equal scores by name of the case.
    contrast : CaseList
        Pairs of different patients, one after the other, the one with more first: rows 0 and 1, 2
        and 3, ... A pair is far apart in this map and alike in the others; both are cropped where
        they differ most.
    gaps : (pairs,) float64 array
        By how many standard deviations the two of a pair are further apart in this map than, in
        root mean square, in all others.
    random : CaseList
        Drawn without a look at the scores: what any case looks like.
    mean, sd : float
        Of the scores of all cases that were seen.
    n, unit_name : int, str
        Independent units that were seen, and what they are.
    n_cases : int
        Cases that were seen.
    outcome : str
        Its name; empty unless `by` is relevance.
    gate : Gate or None
        Whether the maps predict this outcome at all; without it relevance is noise.
    provenance : Provenance
    statistics : MapStatistics or None
        Values of all maps over the latents of all cases; None where they were not counted.
    """

    target: MapRef
    by: By
    unit: str
    top: CaseList
    bottom: CaseList
    contrast: CaseList
    gaps: Float64
    random: CaseList
    mean: float
    sd: float
    n: int
    unit_name: str
    n_cases: int
    outcome: str
    gate: Gate | None
    provenance: Provenance
    statistics: MapStatistics | None = None

    @property
    def cases(self) -> tuple[str, ...]:
        """Names of the top cases."""
        return self.top.cases

    @property
    def scores(self) -> Float64:
        """Scores of the top cases (n,), never rising."""
        return self.top.scores

    @property
    def boxes(self) -> Int:
        """Where to look in the top cases, (n, d, 2); see `CaseList`."""
        return self.top.boxes

    def in_sd(self, name: str) -> Float64:
        """Scores of one list (n,) in standard deviations from the mean of all cases."""
        return (self.lists[name].scores - self.mean) / (self.sd if self.sd > 0 else 1.0)

    @property
    def lists(self) -> dict[str, CaseList]:
        """All four lists by name."""
        return {
            "top": self.top,
            "bottom": self.bottom,
            "contrast": self.contrast,
            "random": self.random,
        }
