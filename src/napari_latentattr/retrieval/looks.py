"""What is kept of each case of a cohort for one map: a few numbers, and where the map is strong.

Memory does not grow with the number of cases beyond a row of numbers a case: maps are kept while
there is room for them, and those that are asked for later are made again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256

import numpy as np

from napari_latentattr.core.broken import Broken
from napari_latentattr.core.latent_grid import field_box, latent_grid
from napari_latentattr.core.map_statistics import MapStatistics
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.retrieval import CaseList, Pool
from napari_latentattr.core.types import CaseSource, Float32, Float64, Grid
from napari_latentattr.core.value_counts import ValueCounts
from napari_latentattr.streaming.encode import EncodedCase, Encoder, reduce_cases
from napari_latentattr.streaming.map_statistics import CountedCases, count_values
from napari_latentattr.streaming.streaming import HERE, Streaming

_ROOM = 64 * 2**20  # bytes of maps


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One case: `means` (K,) of its maps, and one `map` (*L), NaN outside the body."""

    index: int
    grid: Grid
    means: Float64
    map: Float32
    sha256: bytes


def look(case: EncodedCase, which: int) -> Look:
    """Keep of a case what is asked about map `which`."""
    means = case.maps[:, case.inside].mean(axis=1, dtype=np.float64)
    inside = np.where(case.inside, case.maps[which], np.float32(np.nan))
    return Look(case.index, case.grid, means, inside, case.sha256)


def first_look(case: EncodedCase, which: int) -> tuple[Look, ValueCounts]:
    """Keep the same, and the values of all maps."""
    return look(case, which), count_values(case)


@dataclass(slots=True, eq=False)
class Looks:
    """All cases that were looked at, in their order.

    Attributes
    ----------
    model, cohort, which, streaming
        What was looked at, and how.
    broken : list of Broken
        Cases that were left out.
    index : list of int
        Position of each case in the cohort.
    """

    model: Encoder
    cohort: CaseSource
    which: int
    streaming: Streaming = HERE
    broken: list[Broken] = field(default_factory=list)
    index: list[int] = field(default_factory=list)
    _rows: list[Float64] = field(default_factory=list)
    _peaks: list[float] = field(default_factory=list)
    _digests: list[bytes] = field(default_factory=list)
    _counted: CountedCases = field(default_factory=CountedCases)
    _kept: dict[int, Look] = field(default_factory=dict)
    _bytes: int = 0
    _total: Float64 | None = None
    _count: Float64 | None = None
    _alike: bool = True

    @classmethod
    def at(
        cls,
        model: Encoder,
        cohort: CaseSource,
        which: int,
        *,
        streaming: Streaming = HERE,
        progress: Progress = SILENT,
    ) -> Looks:
        """Look at every case once."""
        looks = cls(model, cohort, which, streaming)
        for found, values in reduce_cases(
            model,
            cohort,
            partial(first_look, which=which),
            streaming=streaming,
            broken=looks.broken,
            progress=progress,
        ):
            looks._add(found)
            looks._counted.add(values)
        return looks

    @property
    def means(self) -> Float64:
        """Mean of each map over the body of each case, (N, K)."""
        return np.stack(self._rows)

    @property
    def data_sha256(self) -> str:
        """Of the images of all cases."""
        return sha256(b"".join(self._digests)).hexdigest()

    def statistics(self) -> MapStatistics:
        """Values of all maps over all cases."""
        return self._counted.statistics(self.model.spec, self.broken, self.data_sha256)

    def names(self) -> list[str]:
        """Name of each case."""
        return [self.cohort.cases[i] for i in self.index]

    def units(self) -> list[str]:
        """Independent unit of each case."""
        units = self.cohort.units
        return [units[i] for i in self.index]

    def activation(self, pool: Pool) -> Float64:
        """Mean of the map over the body of each case, or its highest value, (N,)."""
        return self.means[:, self.which] if pool == "mean" else np.array(self._peaks)

    def fetch(self, positions: Sequence[int]) -> None:
        """Make again the maps of these cases that were not kept."""
        missing = [self.index[p] for p in positions if self.index[p] not in self._kept]
        again = reduce_cases(
            self.model,
            self.cohort,
            partial(look, which=self.which),
            which=list(dict.fromkeys(missing)),
            streaming=self.streaming,
        )
        for found in again:
            self._kept[found.index] = found

    def peak(self, position: int, *, lowest: bool = False, pool: Pool = "mean") -> tuple[int, ...]:
        """Latent in the body at which a case has most more (or less) than the cohort on average.

        Where cases differ in their latent grid, or the score is the peak itself, its highest
        (lowest) latent.
        """
        values = self._kept[self.index[position]].map.astype(np.float64)
        values = values if pool == "peak" else values - self._reference()
        return _place(values, lowest=lowest)

    def gap(self, high: int, low: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Latent at which two cases differ most; the own peak of each on different grids."""
        a, b = (self._kept[self.index[p]].map.astype(np.float64) for p in (high, low))
        if a.shape == b.shape and not np.isnan(a - b).all():
            place = _place(a - b, lowest=False)
            return place, place
        return _place(a, lowest=False), _place(b, lowest=False)

    def listed(
        self, positions: Sequence[int], scores: Float64, latents: Sequence[tuple[int, ...]]
    ) -> CaseList:
        """List cases with their scores (N,) and with the latent to look at in each."""
        spec, names, units = self.model.spec, self.names(), self.units()
        boxes, centres = [], []
        for position, latent in zip(positions, latents, strict=True):
            seen = self._kept[self.index[position]]
            boxes.append(field_box(latent, spec, seen.grid.shape))
            affine = latent_grid(seen.grid, spec, seen.map.shape).affine
            centres.append((affine @ [*latent, 1.0])[:-1])
        return CaseList(
            cases=tuple(names[p] for p in positions),
            units=tuple(units[p] for p in positions),
            index=np.array([self.index[p] for p in positions], dtype=np.int64),
            scores=scores[list(positions)],
            boxes=np.array(boxes, dtype=np.int64).reshape(-1, spec.ndim, 2),
            latents=np.array(latents, dtype=np.int64).reshape(-1, spec.ndim),
            centres=np.array(centres, dtype=np.float64).reshape(-1, spec.ndim),
        )

    def _add(self, found: Look) -> None:
        self.index.append(found.index)
        self._rows.append(found.means)
        self._peaks.append(float(np.nanmax(found.map)))
        self._digests.append(found.sha256)
        if self._bytes + found.map.nbytes <= _ROOM:
            self._bytes += found.map.nbytes
            self._kept[found.index] = found
        counted = ~np.isnan(found.map)
        value = np.where(counted, found.map, 0).astype(np.float64)
        if self._total is None or self._count is None:
            self._total, self._count = np.zeros_like(value), np.zeros(value.shape)
        self._alike = self._alike and value.shape == self._total.shape
        if self._alike:
            self._total += value
            self._count += counted

    def _reference(self) -> Float64 | float:
        """Mean of the map over the cases at each latent (*L)."""
        if not self._alike or self._total is None or self._count is None:
            return 0.0
        return self._total / np.maximum(self._count, 1)


def _place(values: Float64, *, lowest: bool) -> tuple[int, ...]:
    flat = int(np.nanargmin(values) if lowest else np.nanargmax(values))
    return tuple(int(i) for i in np.unravel_index(flat, values.shape))
