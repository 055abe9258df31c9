"""How every map answers to a case, and to each image of it alone beside the images of a mean case.

Runs here or on the workers of a cluster; makes no claim.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from napari_latentattr.core.similarity import standard_ranks
from napari_latentattr.core.types import Bool, CaseSource, Float32, Float64
from napari_latentattr.model.engine import SwapEncoder
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel
from napari_latentattr.streaming.distributed import spread
from napari_latentattr.streaming.streaming import Streaming

Int: TypeAlias = npt.NDArray[np.int64]

# Cases a task: the mean case is encoded once for all of them.
_TOGETHER = 8


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What all cases share.

    Attributes
    ----------
    asked : tuple of int
        The K maps.
    mean : (C, *S) float32 array
    inside : (*L) bool array
        The V latents that count.
    kept : int64 array
        Which of the V are ranked.
    """

    model: LatentModel | SlicewiseModel
    cases: CaseSource
    asked: tuple[int, ...]
    mean: Float32
    inside: Bool
    kept: Int


class Responses(NamedTuple):
    """Of one case: the whole response in the first row, those to its C images below.

    Attributes
    ----------
    ranks : (1 + C, K, kept) float32 array
        Standard ranks over the kept latents.
    energy : (1 + C, K) float64 array
        Sum of squares over the V latents.
    largest : (K,) float64 array
        Largest latent of the case, so that rounding can be told from an answer.
    sha256 : bytes
        Of the images.
    """

    ranks: Float32
    energy: Float64
    largest: Float64
    sha256: bytes


def image_responses(
    question: Question, which: Sequence[int], *, streaming: Streaming
) -> Iterator[Responses]:
    """Give the responses of one case after the other, in the order asked for."""
    if streaming.client is None:
        with question.model.running():
            yield from _walk(question, which)
        return
    parts = [which[i : i + _TOGETHER] for i in range(0, len(which), _TOGETHER)]
    for part in spread(streaming.client, question, _on_worker, parts):
        yield from part


def _on_worker(question: Question, which: Sequence[int]) -> list[Responses]:
    with question.model.running():
        return list(_walk(question, which))


def _walk(question: Question, which: Sequence[int]) -> Iterator[Responses]:
    encoder = SwapEncoder(question.model)
    mean = encoder.prepare(_tensor(question, question.mean))
    origin, asked = encoder.latents(mean), list(question.asked)
    for i in which:
        images = question.cases[i].data
        case = encoder.prepare(_tensor(question, images))
        whole = encoder.latents(case)
        alone = [encoder.swap(mean, [case], [c]) for c in range(len(images))]
        moved = (torch.cat([whole, *alone]) - origin)[:, asked].cpu().numpy()
        counted = moved[..., question.inside]
        rows = counted.reshape(-1, counted.shape[-1])[:, question.kept]
        yield Responses(
            ranks=standard_ranks(rows, None)
            .astype(np.float32)
            .reshape(*counted.shape[:2], question.kept.size),
            energy=(counted.astype(np.float64) ** 2).sum(axis=-1),
            largest=whole[0, asked].abs().flatten(1).amax(1).double().cpu().numpy(),
            sha256=sha256(np.ascontiguousarray(images).data).digest(),
        )


def _tensor(question: Question, data: Float32) -> Tensor:
    return torch.from_numpy(np.array(data[None])).to(question.model.spec.device)
