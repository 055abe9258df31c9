"""Cases of a cohort, one after another, with their latent maps.

Refuses to know what is asked of the maps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol, TypeVar

import numpy as np

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.latent_grid import latents_inside
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Bool, CaseSource, Float32, Grid, ImageStack, LatentSpec

T = TypeVar("T")


class Encoder(Protocol):
    """What is asked of a model here: (N, C, *S) to (N, K, *L)."""

    @property
    def spec(self) -> LatentSpec: ...  # noqa: D102

    def encode(self, x: Float32, /) -> Float32: ...  # noqa: D102


@dataclass(frozen=True, slots=True, eq=False)
class EncodedCase:
    """One case and its latent maps.

    Attributes
    ----------
    index : int
        Position in the cohort.
    case : str
    grid : Grid
        Of its images.
    maps : (K, *L) float32 array
    inside : (*L) bool array
        Latents whose receptive field is centred in the body.
    sha256 : bytes
        Of the images.
    """

    index: int
    case: str
    grid: Grid
    maps: Float32
    inside: Bool
    sha256: bytes


def encode_cases(
    model: Encoder,
    cohort: CaseSource,
    *,
    which: Sequence[int] | None = None,
    progress: Progress = SILENT,
) -> Iterator[EncodedCase]:
    """Read, check and encode one case after the other, as `reduce_cases` with nothing left out."""
    return reduce_cases(model, cohort, _whole, which=which, progress=progress)


def reduce_cases(
    model: Encoder,
    cohort: CaseSource,
    reduce: Callable[[EncodedCase], T],
    *,
    which: Sequence[int] | None = None,
    progress: Progress = SILENT,
) -> Iterator[T]:
    """Read, check and encode one case after the other, and keep of each what `reduce` gives.

    Parameters
    ----------
    which : sequence of int, optional
        Positions in the cohort, in the order asked for; all when None.

    Raises
    ------
    InputError
        When a case cannot be read, no latent lies in its mask, or its maps are not finite.
    ModelError
        When model and cohort do not fit.
    """
    order = range(len(cohort)) if which is None else which
    for done, i in enumerate(order, start=1):
        yield reduce(encode_case(model, cohort[i], i))
        progress.report(done, len(order), "encoding cases")


def _whole(case: EncodedCase) -> EncodedCase:
    return case


def encode_case(model: Encoder, stack: ImageStack, index: int) -> EncodedCase:
    """Encode one case of a cohort and check what comes out, as `encode_cases` does."""
    maps = model.encode(stack.data[None])[0]
    inside = np.ones(maps.shape[1:], dtype=bool)
    if stack.mask is not None:
        inside = latents_inside(stack.mask, model.spec, maps.shape[1:])
    if not inside.any():
        raise InputError(f"case {stack.case}: no latent lies in its mask; check the mask")
    if not np.isfinite(maps).all():
        raise InputError(
            f"case {stack.case}: the latent maps are not finite; look for NaN or infinite values "
            "in its images"
        )
    digest = sha256(np.ascontiguousarray(stack.data).data).digest()
    return EncodedCase(index, stack.case, stack.grid, maps, inside, digest)
