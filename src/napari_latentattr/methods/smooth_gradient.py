"""Registered method: the gradient of one latent map, averaged over noise."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch

from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Attribution, Bool, Float32, ImageStack, MapRef
from napari_latentattr.methods._parameters import Bounds
from napari_latentattr.methods._registry import register
from napari_latentattr.methods.gradients import (
    BATCH_BYTES,
    SLOPE,
    image_tensor,
    map_mean,
    root_mean_square,
)
from napari_latentattr.methods.results import Question
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel


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
    width = noise * _spread(stack)
    rng = np.random.default_rng(seed)
    batch = max(1, BATCH_BYTES // stack.data.nbytes)
    with model.differentiable():
        x = image_tensor(stack.data, model)
        mean = map_mean(model, stack, target.index, latents)
        total = torch.zeros_like(x[0], dtype=torch.float64)
        for done in range(0, samples, batch):
            progress.report(done, samples, "averaging the gradient over noise")
            n = min(batch, samples - done)
            drawn = width * rng.standard_normal((n, *stack.data.shape), dtype=np.float32)
            noisy = (x + torch.from_numpy(drawn).to(x.device)).requires_grad_()
            (slope,) = torch.autograd.grad(mean(noisy).sum(), noisy)
            total += slope.double().sum(0)
    progress.report(samples, samples, "averaging the gradient over noise")
    volume = (total / samples).float().cpu().numpy()
    return asked.answer(volume, root_mean_square(volume, stack), unit=SLOPE)


def _spread(stack: ImageStack) -> Float32:
    """Return the standard deviation of each image inside the mask, as (C, 1, ...)."""
    inside = stack.data.reshape(len(stack.data), -1)
    if stack.mask is not None:
        inside = stack.data[:, stack.mask]
    spread: Float32 = inside.std(axis=1, dtype=np.float64).astype(np.float32)
    return spread.reshape(-1, *[1] * stack.grid.ndim)
