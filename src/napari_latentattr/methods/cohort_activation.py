"""One map over a cohort: how excited it is by every case, and how well each case is drawn again.

Cases are read once and one at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from napari_latentattr.core.latent_grid import latents_inside
from napari_latentattr.core.progress import Progress
from napari_latentattr.core.types import Bool, CaseSource, Float32, Float64, ImageStack
from napari_latentattr.methods.cohort_spectrum import CohortSpectrum, SpectrumSums
from napari_latentattr.methods.latents import single_latent
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel
from napari_latentattr.streaming.encode import encode_cases


@dataclass(frozen=True, slots=True, eq=False)
class CohortActivation:
    """What a cohort says of one map.

    Attributes
    ----------
    activation : (N,) float64 array
        Mean of the map over the latents in the body, or the one latent that was asked.
    error : (N,) float64 array
        Mean squared difference of a case and what the decoder draws of it, in the body; NaN where
        it draws on other voxels.
    spectrum : CohortSpectrum
    latents : (*L) bool array
        Those that count in a picture that has no mask of its own.
    data_sha256 : str
    """

    activation: Float64
    error: Float64
    spectrum: CohortSpectrum
    latents: Bool
    data_sha256: str

    def strongest(self, units: Sequence[str], *, lowest: bool, most: int) -> list[int]:
        """Positions of the cases that excite the map most, or least, one a patient.

        `units` are the patients, or what stands for them where there is but one.
        """
        order = np.argsort(self.activation if lowest else -self.activation, kind="stable")
        first: dict[str, int] = {}
        for i in order:
            first.setdefault(units[i], int(i))
        return list(first.values())[:most]


def measure_activation(
    model: LatentModel | SlicewiseModel,
    cohort: CaseSource,
    which: int,
    *,
    voxel: Sequence[int] | None,
    progress: Progress,
) -> CohortActivation:
    """Read every case once; raises like `encode_cases`, and when cases differ in size."""
    sums, digest = SpectrumSums(), sha256()
    activation, error = [], []
    shape: tuple[int, ...] = ()
    for case in encode_cases(model, cohort, progress=progress):
        shape = case.maps.shape[1:]
        latents = case.inside if voxel is None else single_latent(voxel, shape)
        activation.append(float(case.maps[which][latents].mean(dtype=np.float64)))
        stack = cohort[case.index]  # just read, so still in memory
        error.append(_error_of(model, stack, case.maps))
        sums.add(stack)
        digest.update(case.sha256)
    spectrum = sums.spectrum()
    if voxel is not None:
        counted = single_latent(voxel, shape)
    else:
        counted = latents_inside(spectrum.body, model.spec, shape)
    return CohortActivation(
        activation=np.array(activation),
        error=np.array(error),
        spectrum=spectrum,
        latents=counted if counted.any() else np.ones(shape, dtype=bool),
        data_sha256=digest.hexdigest(),
    )


def drawing_error(drawn: Float32, images: Float32, body: Bool) -> float:
    """Mean squared difference of (C, *S) in the body; NaN where sizes differ."""
    if drawn.shape != images.shape:
        return float("nan")
    return float(np.square(drawn - images, dtype=np.float64)[:, body].mean())


def _error_of(model: LatentModel | SlicewiseModel, stack: ImageStack, maps: Float32) -> float:
    body = np.ones(stack.grid.shape, dtype=bool) if stack.mask is None else stack.mask
    return drawing_error(model.decode(maps[None])[0], stack.data, body)
