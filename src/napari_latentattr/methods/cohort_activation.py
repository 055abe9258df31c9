"""One map over a cohort: how excited it is by every case, and how well each case is drawn again.

Cases are read one at a time: once, and here once more where workers or a cache had their maps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import NamedTuple

import numpy as np

from napari_latentattr.core.broken import Broken
from napari_latentattr.core.latent_grid import latents_inside
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Bool, CaseSource, Float32, Float64, ImageStack
from napari_latentattr.methods.cohort_spectrum import CohortSpectrum, SpectrumSums
from napari_latentattr.methods.latents import single_latent
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel
from napari_latentattr.streaming.encode import EncodedCase, visit_cases
from napari_latentattr.streaming.streaming import HERE, Streaming


@dataclass(frozen=True, slots=True, eq=False)
class CohortActivation:
    """What a cohort says of one map.

    Attributes
    ----------
    index : tuple of int
        Positions of the N cases in the cohort; without those in `broken`.
    activation : (N,) float64 array
        Mean of the map over the latents in the body, or the one latent that was asked.
    error : (N,) float64 array
        Mean squared difference of a case and what the decoder draws of it, in the body; NaN where
        it draws on other voxels.
    spectrum : CohortSpectrum
    latents : (*L) bool array
        Those that count in a picture that has no mask of its own.
    broken : tuple of Broken
        Cases that were left out.
    data_sha256 : str
    """

    index: tuple[int, ...]
    activation: Float64
    error: Float64
    spectrum: CohortSpectrum
    latents: Bool
    broken: tuple[Broken, ...]
    data_sha256: str

    def strongest(self, units: Sequence[str], *, lowest: bool, most: int) -> list[int]:
        """Rows of the cases that excite the map most, or least, one a patient.

        `units` are the patients of all cases of the cohort, or what stands for them where there is
        but one.
        """
        order = np.argsort(self.activation if lowest else -self.activation, kind="stable")
        first: dict[str, int] = {}
        for i in order:
            first.setdefault(units[self.index[i]], int(i))
        return list(first.values())[:most]


class _Seen(NamedTuple):
    """What is kept of a case; `shape` (*L) is that of its maps."""

    position: int
    activation: float
    error: float
    shape: tuple[int, ...]
    sha256: bytes


def measure_activation(
    model: LatentModel | SlicewiseModel,
    cohort: CaseSource,
    which: int,
    *,
    voxel: Sequence[int] | None,
    streaming: Streaming = HERE,
    progress: Progress = SILENT,
) -> CohortActivation:
    """Look at every case; raises like `visit_cases`, and when cases differ in size."""
    sums, broken, seen = SpectrumSums(), list[Broken](), list[_Seen]()
    visit = partial(_see, which, None if voxel is None else tuple(voxel))
    for case in visit_cases(
        model, cohort, visit, streaming=streaming, broken=broken, progress=progress
    ):
        seen.append(case)
        sums.add(cohort[case.position])
    spectrum, shape = sums.spectrum(), seen[-1].shape
    if voxel is not None:
        counted = single_latent(voxel, shape)
    else:
        counted = latents_inside(spectrum.body, model.spec, shape)
    return CohortActivation(
        index=tuple(case.position for case in seen),
        activation=np.array([case.activation for case in seen]),
        error=np.array([case.error for case in seen]),
        spectrum=spectrum,
        latents=counted if counted.any() else np.ones(shape, dtype=bool),
        broken=tuple(broken),
        data_sha256=sha256(b"".join(case.sha256 for case in seen)).hexdigest(),
    )


def _see(
    which: int,
    voxel: Sequence[int] | None,
    model: LatentModel | SlicewiseModel,
    cohort: CaseSource,
    case: EncodedCase,
) -> _Seen:
    shape = case.maps.shape[1:]
    latents = case.inside if voxel is None else single_latent(voxel, shape)
    activation = float(case.maps[which][latents].mean(dtype=np.float64))
    error = _error_of(model, cohort[case.index], case.maps)
    return _Seen(case.index, activation, error, shape, case.sha256)


def drawing_error(drawn: Float32, images: Float32, body: Bool) -> float:
    """Mean squared difference of (C, *S) in the body; NaN where sizes differ."""
    if drawn.shape != images.shape:
        return float("nan")
    return float(np.square(drawn - images, dtype=np.float64)[:, body].mean())


def _error_of(model: LatentModel | SlicewiseModel, stack: ImageStack, maps: Float32) -> float:
    body = np.ones(stack.grid.shape, dtype=bool) if stack.mask is None else stack.mask
    return drawing_error(model.decode(maps[None])[0], stack.data, body)
