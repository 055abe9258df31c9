"""One row a case: mean of each map, and of each image, over the body."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

import numpy as np

from napari_latentattr.core.broken import Broken
from napari_latentattr.core.progress import Progress
from napari_latentattr.core.types import CaseSource, Float64
from napari_latentattr.streaming.encode import EncodedCase, Encoder, reduce_cases
from napari_latentattr.streaming.streaming import Streaming


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """Means of the maps and of the images.

    Attributes
    ----------
    maps : (N, K) float64 array
    images : (N, C) float64 array
    index : tuple of int
        Positions in the cohort; without the cases in `broken`.
    broken : tuple of Broken
    sha256 : str
        Of all images.
    """

    maps: Float64
    images: Float64
    index: tuple[int, ...]
    broken: tuple[Broken, ...]
    sha256: str


class _Row(NamedTuple):
    position: int
    maps: Float64
    images: Float64
    sha256: bytes


def pool_maps(
    model: Encoder, cohort: CaseSource, *, streaming: Streaming, progress: Progress
) -> Pooled:
    """Encode each case and keep the mean of each map and image over its body."""
    broken: list[Broken] = []
    rows = list(
        reduce_cases(model, cohort, _row, streaming=streaming, broken=broken, progress=progress)
    )
    return Pooled(
        maps=np.stack([row.maps for row in rows]),
        images=np.stack([row.images for row in rows]),
        index=tuple(row.position for row in rows),
        broken=tuple(broken),
        sha256=sha256(b"".join(row.sha256 for row in rows)).hexdigest(),
    )


def _row(case: EncodedCase) -> _Row:
    means = case.maps[:, case.inside].mean(axis=1, dtype=np.float64)
    return _Row(case.index, means, case.image_means, case.sha256)
