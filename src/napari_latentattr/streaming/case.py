"""One case and its latent maps. Refuses to know what is asked of them."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

import numpy as np

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.latent_grid import latents_inside
from napari_latentattr.core.types import Bool, Float32, Float64, Grid, ImageStack, LatentSpec


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
    image_means : (C,) float64 array
        Mean of each image over the body.
    sha256 : bytes
        Of the images.
    """

    index: int
    case: str
    grid: Grid
    maps: Float32
    inside: Bool
    image_means: Float64
    sha256: bytes


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
    body = stack.data.reshape(len(stack.data), -1)
    if stack.mask is not None:
        body = body[:, stack.mask.ravel()]
    means = body.mean(axis=1, dtype=np.float64)
    return EncodedCase(index, stack.case, stack.grid, maps, inside, means, digest)
