"""Say what values each latent map takes over a cohort, in memory that does not grow with it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from napari_latentattr.core.broken import Broken, left_out
from napari_latentattr.core.map_statistics import MapStatistics
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import CaseSource, LatentSpec, MapRef, Provenance
from napari_latentattr.core.value_counts import ValueCounts
from napari_latentattr.core.versions import installed_versions
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel, over_volumes
from napari_latentattr.streaming.case import EncodedCase
from napari_latentattr.streaming.encode import reduce_cases
from napari_latentattr.streaming.streaming import HERE, Streaming

_WAITING = 16  # parts that are put together at once


class CountedCases:
    """Counts of the cases so far; the order in which they come changes no bit."""

    def __init__(self) -> None:
        self.n_cases = 0
        self._parts: list[ValueCounts] = []

    def add(self, counted: ValueCounts) -> None:
        """Take in one more case."""
        self.n_cases += 1
        self._parts.append(counted)
        if len(self._parts) == _WAITING:
            self._parts = [ValueCounts.together(self._parts)]

    def statistics(
        self, spec: LatentSpec, broken: Sequence[Broken], data_sha256: str, *, seconds: float = 0.0
    ) -> MapStatistics:
        """Statistics of all maps of a model; of at least one case."""
        return MapStatistics(
            maps=tuple(MapRef(spec.layer, k) for k in range(spec.n_maps)),
            values=ValueCounts.together(self._parts),
            n_cases=self.n_cases,
            provenance=Provenance(
                method="map_statistics",
                params=dict(left_out(broken)),
                model_sha256=spec.sha256,
                data_sha256=data_sha256,
                versions=installed_versions(spec.device),
                seconds=round(seconds, 3),
            ),
        )


def count_values(case: EncodedCase) -> ValueCounts:
    """Count the values of all maps in the body of one case."""
    return ValueCounts.of(case.maps[:, case.inside])


def map_statistics(
    model: LatentModel | SlicewiseModel,
    cohort: CaseSource,
    *,
    streaming: Streaming = HERE,
    progress: Progress = SILENT,
) -> MapStatistics:
    """Say what values each latent map takes: mean, spread, range, quantiles and a histogram.

    Counts, mean and spread are exact, and the same bits for every order of the cases and every
    number of workers; quantiles are within 0.4 %. Cases are read and encoded one at a time.

    Parameters
    ----------
    model : LatentModel
    cohort : CaseSource
    streaming : Streaming, optional
        As in `rank_maps`.

    Returns
    -------
    MapStatistics

    Raises
    ------
    InputError
        When a case cannot be used.
    ModelError
        When model and cohort do not fit.
    """
    began = time.perf_counter()
    fitted = over_volumes(model, cohort)
    counted, digest, broken = CountedCases(), sha256(), list[Broken]()
    for case in reduce_cases(
        fitted, cohort, _counted, streaming=streaming, broken=broken, progress=progress
    ):
        counted.add(case.values)
        digest.update(case.sha256)
    seconds = time.perf_counter() - began
    return counted.statistics(fitted.spec, broken, digest.hexdigest(), seconds=seconds)


class _Counted(NamedTuple):
    values: ValueCounts
    sha256: bytes


def _counted(case: EncodedCase) -> _Counted:
    return _Counted(count_values(case), case.sha256)
