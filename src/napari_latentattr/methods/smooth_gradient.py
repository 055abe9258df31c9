"""Registered method: the gradient of one latent map, averaged over noise."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from napari_latentattr.core.progress import SILENT, Part, Progress
from napari_latentattr.core.types import Attribution, Bool, Float32, ImageStack, MapRef
from napari_latentattr.methods._parameters import Bounds
from napari_latentattr.methods._registry import register
from napari_latentattr.methods.gradients import (
    SLOPE,
    Share,
    root_mean_square,
    shares_of_mean,
    summed_gradient,
)
from napari_latentattr.methods.results import Question
from napari_latentattr.methods.voxel_noise import VoxelNoise
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel

_TEXT = "averaging the gradient over noise"


@register(
    "smooth_gradient",
    title="Gradient averaged over noise",
    source="Smilkov et al., arXiv 1706.03825, 2017 (SmoothGrad)",
    claims={"ignores_unused_channel"},
)
def smooth_gradient(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    target: MapRef,
    *,
    latents: Bool | None = None,
    samples: Annotated[int, Bounds(1, 256, "samples", step=1)] = 25,
    noise: Annotated[float, Bounds(0, 2, "standard deviations", step=0.05)] = 0.15,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Attribution:
    """Show how steeply the mean of the map rises with each voxel of each image.

    The gradient is averaged over copies of the case with noise. It says what a small change of a
    voxel would do, not what the voxel contributed, and its signs are kept. The score is its root
    mean square inside the mask.

    Parameters
    ----------
    samples : int
        Noisy copies that the gradient is averaged over.
    noise : float
        Width of the noise, as a share of the standard deviation of each image inside the mask.

    References
    ----------
    Smilkov, Thorat, Kim, Viegas, Wattenberg: SmoothGrad: removing noise by adding noise, 2017.
    """
    params = {"samples": samples, "noise": noise}
    asked = Question("smooth_gradient", model, stack, target, params, seed)
    thin = model.axis if isinstance(model, SlicewiseModel) else None
    drawn = VoxelNoise(stack.grid.shape, noise * _spread(stack), seed, thin=thin)
    weights = np.full(samples, 1 / samples)
    volume = np.zeros(stack.data.shape, dtype=np.float32)
    with model.differentiable():
        shares = shares_of_mean(model, stack, target.index, latents)
        for i, share in enumerate(shares):
            x = share.tensor(stack.data[share.where])
            noisy = partial(_noisy, share, x, drawn)
            told = Part(progress, i, len(shares))
            share.add(summed_gradient(share, noisy, weights, told, _TEXT), volume)
    progress.report(samples, samples, _TEXT)
    return asked.answer(volume, root_mean_square(volume, stack), unit=SLOPE)


def _noisy(share: Share, x: Tensor, drawn: VoxelNoise, samples: range) -> Tensor:
    """Noisy copies (n, C, *s) of images (1, C, *s) at the place of a share."""
    return x + torch.cat([share.tensor(drawn.at(share.where, sample)) for sample in samples])


def _spread(stack: ImageStack) -> Float32:
    """Return the standard deviation of each image inside the mask, as (C, 1, ...)."""
    spread = np.empty((len(stack.data), *[1] * stack.grid.ndim), dtype=np.float32)
    for width, image in zip(spread, stack.data, strict=True):
        inside = image.ravel() if stack.mask is None else image[stack.mask]
        apart = image - inside.mean(dtype=np.float64).astype(np.float32)
        width[:] = root_mean_square(apart[None], stack)[0]
    return spread
