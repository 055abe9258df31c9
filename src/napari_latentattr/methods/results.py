"""From a volume to an Attribution with its provenance; the one place where it is put together."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256

import numpy as np

from napari_latentattr.core.stopping import stop_if_asked
from napari_latentattr.core.types import (
    Attribution,
    Float32,
    Float64,
    Grid,
    ImageStack,
    MapRef,
    Provenance,
)
from napari_latentattr.core.versions import installed_versions
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What was asked of which model and case, and when.

    Attributes
    ----------
    method : str
        Its key.
    target : MapRef or None
        None for all maps.
    params : mapping of str to a JSON scalar
    """

    method: str
    model: LatentModel | SlicewiseModel
    stack: ImageStack
    target: MapRef | None
    params: Mapping[str, object] = field(default_factory=dict)
    seed: int = 0
    began: float = field(default_factory=time.perf_counter)

    def about(self, targets: Sequence[MapRef]) -> list[Question]:
        """Ask the same of several maps of the same images."""
        return [replace(self, target=target) for target in targets]

    def answer(
        self,
        volume: Float32 | Callable[[], Float32],
        score: Float64,
        *,
        unit: str,
        residual: float = float("nan"),
        numbers: Mapping[str, float] | None = None,
        arrays: Mapping[str, Float32 | Float64] | None = None,
        grid: Grid | None = None,
    ) -> Attribution:
        """Attribution with this volume, or how to make it; by default on the stack's grid."""
        return Attribution(
            target=self.target,
            score=score,
            picture=volume,
            unit=unit,
            residual=residual,
            grid=grid or self.stack.grid,
            provenance=self.provenance(),
            numbers=dict(numbers or {}),
            arrays=dict(arrays or {}),
        )

    def provenance(self) -> Provenance:
        """Record of the question, with the seconds since it was asked."""
        which = {} if self.target is None else {"map": self.target.index}
        return Provenance(
            method=self.method,
            params={**which, "case": self.stack.case, **self.params},
            seed=self.seed,
            model_sha256=self.model.spec.sha256,
            data_sha256=_digest(self.stack),
            versions=installed_versions(self.model.spec.device),
            seconds=round(time.perf_counter() - self.began, 3),
        )


@lru_cache(maxsize=2)  # the same case is asked about again and again; its images never change
def _digest(stack: ImageStack) -> str:
    digest = sha256()
    for row in stack.data.reshape(-1, *stack.data.shape[2:]):
        stop_if_asked()
        digest.update(np.ascontiguousarray(row).data)
    return digest.hexdigest()
