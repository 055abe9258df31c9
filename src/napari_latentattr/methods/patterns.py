"""How every map answers to a case and to each of its images alone, and how alike the two are.

The measurement behind pattern likeness; it makes no claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import torch
from torch import Tensor

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.latent_grid import latents_inside, latents_off_border
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.similarity import standard_ranks
from napari_latentattr.core.types import Bool, CaseSource, Float32, Float64, ImageStack
from napari_latentattr.methods.cases import mean_images
from napari_latentattr.methods.donors import SurrogateDonors
from napari_latentattr.model.engine import SwapEncoder
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel

FEWEST_LATENTS = 5  # a rank correlation of fewer is one of few values
_MOST_NUMBERS = 2**27  # ranks kept, half a gigabyte; beyond, every second, third, ... latent
_SURROGATES = 20
_TEXT = "encoding each image alone"


@dataclass(frozen=True, slots=True, eq=False)
class Patterns:
    """Likeness of responses, for K maps, C images and N cases.

    Attributes
    ----------
    alike : (K, C, N, M) float64 array
        Rank correlation of the whole response of case i and the response to the image of case j
        alone; M = N, or the one case followed by its surrogates.
    share : (K, C) float64 array
        Energy of the response to the image alone over that of the whole; NaN where that is none.
    moves : (K, C) bool array
        Both responses are more than rounding.
    units : tuple of str
        Of the N cases.
    latents : int
    border : str
    data_sha256 : str
    """

    alike: Float64
    share: Float64
    moves: Bool
    units: tuple[str, ...]
    latents: int
    border: str
    data_sha256: str


def measure_patterns(
    model: LatentModel | SlicewiseModel,
    cohort: CaseSource,
    asked: Sequence[int],
    *,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Patterns:
    """Encode every case, and the mean case with one image of each case in turn.

    Parameters
    ----------
    asked : sequence of int
        The K maps.
    seed : int
        Of the surrogates where there is one case.
    """
    single = len(cohort) == 1
    cases: CaseSource = SurrogateDonors(cohort, _SURROGATES, seed) if single else cohort
    first = cases[0]
    mean = _flat_images(first) if single else mean_images(model, first, cohort, progress)
    with model.running():
        return _Measurement(model, cases, mean, list(asked), 1 if single else len(cases)).run(
            progress
        )


class _Measurement:
    """One walk over the cases; keeps the ranks of their responses alone."""

    def __init__(
        self,
        model: LatentModel | SlicewiseModel,
        cases: CaseSource,
        mean: Float32,
        asked: list[int],
        whole: int,
    ) -> None:
        self.model, self.cases, self.asked, self.whole = model, cases, asked, whole
        self.encoder = SwapEncoder(model)
        self.mean = self.encoder.prepare(self._tensor(mean))
        self.origin = self.encoder.latents(self.mean)
        self.shape = tuple(self.origin.shape[2:])
        self.border = "dropped"

    def run(self, progress: Progress) -> Patterns:
        """Rank the responses of all cases, then correlate all with all."""
        n, c, k = len(self.cases), len(self.cases.channels), len(self.asked)
        kept = self._kept(n * k * (c + 1))
        ranks = np.empty((n, c + 1, k, kept.size), dtype=np.float32)
        energy, largest = np.zeros((c + 1, k)), np.zeros(k)
        digest = sha256()
        for i in range(n):
            progress.report(i, n, _TEXT)
            stack = self.cases[i]
            responses, size = self._responses(stack)
            ranks[i] = standard_ranks(
                responses.reshape(-1, responses.shape[-1])[:, kept], None
            ).reshape(c + 1, k, -1)
            if i < self.whole:
                digest.update(sha256(np.ascontiguousarray(stack.data).data).digest())
                energy += (responses.astype(np.float64) ** 2).sum(axis=-1)
                largest = np.maximum(largest, size)
        progress.report(n, n, _TEXT)
        silent = energy <= self.whole * self.inside.sum() * (1e-6 * largest) ** 2
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(silent[0], np.nan, energy[1:] / energy[0])
        return Patterns(
            alike=_correlate(ranks, self.whole),
            share=np.where(silent[1:] & ~silent[0], 0.0, share).T,
            moves=~(silent[1:] | silent[0]).T,
            units=self.cases.units[: self.whole],
            latents=kept.size,
            border=self.border,
            data_sha256=digest.hexdigest(),
        )

    def _responses(self, stack: ImageStack) -> tuple[Float32, Float64]:
        """Whole response and those to each image alone, (1 + C, K, V); largest latents (K,)."""
        case = self.encoder.prepare(self._tensor(stack.data))
        whole = self.encoder.latents(case)
        codes = [whole]
        for c in range(len(self.cases.channels)):
            codes.append(self.encoder.swap(self.mean, [case], [c]))
        moved = (torch.cat(codes) - self.origin)[:, self.asked].cpu().numpy()
        size = whole[0, self.asked].abs().flatten(1).amax(1).double().cpu().numpy()
        return moved[..., self.inside], size

    def _kept(self, rows: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Choose among the latents that all cases have in their masks, the border dropped."""
        common = np.ones(self.shape, dtype=bool)
        for i in range(self.whole):
            mask = self.cases[i].mask
            if mask is not None:
                common &= latents_inside(mask, self.model.spec, self.shape)
        inner = common & latents_off_border(self.model.spec, self.shape, self.mean.x.shape[2:])
        if inner.sum() < FEWEST_LATENTS:
            inner, self.border = common, "kept, all receptive fields cross it"
        if inner.sum() < FEWEST_LATENTS:
            raise InputError(
                f"the cases have {inner.sum()} latents in common inside their masks, and a pattern "
                f"needs at least {FEWEST_LATENTS}; check the masks, or take a layer with more "
                "latents"
            )
        self.inside = inner
        n = int(inner.sum())
        return np.arange(0, n, max(1, -(-n * rows // _MOST_NUMBERS)), dtype=np.int64)

    def _tensor(self, data: Float32) -> Tensor:
        return torch.from_numpy(np.array(data[None])).to(self.model.spec.device)


def _correlate(ranks: Float32, whole: int) -> Float64:
    """Correlate standard ranks (N, 1 + C, K, V), to (K, C, whole, N)."""
    n, c, k = len(ranks), ranks.shape[1] - 1, ranks.shape[2]
    alike = np.empty((k, c, whole, n))
    for row in range(k):
        for column in range(c):
            alike[row, column] = ranks[:whole, 0, row] @ ranks[:, 1 + column, row].T
    return alike


def _flat_images(stack: ImageStack) -> Float32:
    """Each image at its own mean inside the mask, for a case without others to take a mean of."""
    inside = np.ones(stack.grid.shape, dtype=bool) if stack.mask is None else stack.mask
    flat = stack.data.copy()
    for image in flat:
        image[inside] = image[inside].mean()
    return flat
