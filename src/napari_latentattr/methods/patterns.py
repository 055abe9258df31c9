"""How every map answers to a case and to each of its images alone, and how alike the two are.

The measurement behind pattern likeness; it makes no claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from napari_latentattr.core.broken import Broken
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Bool, CaseSource, Float32, Float64, ImageStack
from napari_latentattr.methods.common_ground import CommonGround, find_common_ground
from napari_latentattr.methods.donors import SurrogateDonors
from napari_latentattr.methods.image_responses import Question, image_responses
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel
from napari_latentattr.streaming.streaming import HERE, Streaming

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
    broken : tuple of Broken
        Cases that were left out.
    data_sha256 : str
    """

    alike: Float64
    share: Float64
    moves: Bool
    units: tuple[str, ...]
    latents: int
    border: str
    broken: tuple[Broken, ...]
    data_sha256: str


def measure_patterns(
    model: LatentModel | SlicewiseModel,
    cohort: CaseSource,
    asked: Sequence[int],
    *,
    seed: int = 0,
    streaming: Streaming = HERE,
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
    ground = find_common_ground(model, cohort, skip=streaming.skip_broken, progress=progress)
    cases, which, mean = cohort, ground.index, ground.mean
    if len(cohort) == 1:
        cases, mean = SurrogateDonors(cohort, _SURROGATES, seed), _flat_images(cohort[0])
        which = tuple(range(len(cases)))
    rows = len(which) * len(asked) * (len(cohort.channels) + 1)
    step = max(1, -(-int(ground.inside.sum()) * rows // _MOST_NUMBERS))
    kept = np.arange(0, ground.inside.sum(), step, dtype=np.int64)
    question = Question(model, cases, tuple(asked), mean, ground.inside, kept)
    return _measure(question, which, ground, streaming, progress)


def _measure(
    question: Question,
    which: Sequence[int],
    ground: CommonGround,
    streaming: Streaming,
    progress: Progress,
) -> Patterns:
    """Rank the responses of all cases, then correlate all with all; surrogates have no whole."""
    n, whole = len(which), len(ground.index)
    shape = (len(question.cases.channels) + 1, len(question.asked))
    ranks = np.empty((n, *shape, question.kept.size), dtype=np.float32)
    energy, largest, digest = np.zeros(shape), np.zeros(shape[1]), sha256()
    progress.report(0, n, _TEXT)
    for i, case in enumerate(image_responses(question, which, streaming=streaming)):
        ranks[i] = case.ranks
        if i < whole:
            digest.update(case.sha256)
            energy += case.energy
            largest = np.maximum(largest, case.largest)
        progress.report(i + 1, n, _TEXT)
    silent = energy <= whole * question.inside.sum() * (1e-6 * largest) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(silent[0], np.nan, energy[1:] / energy[0])
    return Patterns(
        alike=_correlate(ranks, whole),
        share=np.where(silent[1:] & ~silent[0], 0.0, share).T,
        moves=~(silent[1:] | silent[0]).T,
        units=tuple(question.cases.units[i] for i in ground.index),
        latents=question.kept.size,
        border=ground.border,
        broken=ground.broken,
        data_sha256=digest.hexdigest(),
    )


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
