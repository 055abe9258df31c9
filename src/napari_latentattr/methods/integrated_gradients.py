"""Registered method: integrated gradients of one latent map, by captum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import numpy as np
import torch
from torch import Tensor

from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import (
    Attribution,
    Bool,
    CaseSource,
    ImageStack,
    MapRef,
)
from napari_latentattr.methods._parameters import Bounds
from napari_latentattr.methods._registry import register
from napari_latentattr.methods.cases import companions, mean_images
from napari_latentattr.methods.gradients import BATCH_BYTES, image_tensor, map_mean
from napari_latentattr.methods.results import Question
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel


@register(
    "integrated_gradients",
    title="Integrated gradients",
    source="Sundararajan, Taly & Yan, ICML 2017",
    claims={"complete", "ignores_unused_channel", "symmetric"},
)
def integrated_gradients(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    target: MapRef,
    *,
    cohort: CaseSource | None = None,
    latents: Bool | None = None,
    baseline: Literal["mean", "zero"] = "mean",
    steps: Annotated[int, Bounds(8, 256, "steps", step=8)] = 32,
    progress: Progress = SILENT,
) -> Attribution:
    """Share the mean of the map among all voxels of all images; the shares add up.

    The change of the map's mean inside the mask, from a baseline to this case, is divided by
    following its gradient along a straight way. Shares have a sign. The residual says by how much
    they miss the change; more steps make it smaller.

    Parameters
    ----------
    baseline : {"mean", "zero"}
        What the images are compared with: their mean over the cohort, or zero.
    steps : int
        Points on the way from the baseline to the images.

    References
    ----------
    Sundararajan, Taly, Yan: Axiomatic attribution for deep networks, ICML 2017.
    """
    from captum.attr import IntegratedGradients  # half a second

    asked = Question(
        "integrated_gradients", model, stack, target, {"baseline": baseline, "steps": steps}
    )
    start = np.zeros_like(stack.data)
    if baseline == "mean":
        start = mean_images(
            model, stack, companions(cohort, "the mean image as a baseline"), progress
        )
    with model.differentiable():
        x, base = (image_tensor(data, model) for data in (stack.data, start))
        mean = map_mean(model, stack, target.index, latents)
        share = IntegratedGradients(_told(mean, steps, progress)).attribute(
            x.requires_grad_(),
            base,
            n_steps=steps,
            internal_batch_size=max(1, BATCH_BYTES // stack.data.nbytes),
        )
        progress.report(steps, steps, "following the gradient")
        with torch.no_grad():
            change = float(mean(x).double() - mean(base).double())
    volume = share.detach()[0].float().cpu().numpy()
    score = volume.sum(axis=tuple(range(1, volume.ndim)), dtype=np.float64)
    return asked.answer(volume, score, unit="latent units", residual=float(score.sum() - change))


def _told(
    run: Callable[[Tensor], Tensor], steps: int, progress: Progress
) -> Callable[[Tensor], Tensor]:
    """`run`, telling how many steps were taken before it."""
    done = 0

    def forward(images: Tensor) -> Tensor:
        nonlocal done
        progress.report(min(done, steps), steps, "following the gradient")
        done += len(images)
        return run(images)

    return forward
