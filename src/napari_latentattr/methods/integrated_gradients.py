"""Registered method: integrated gradients of one latent map."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import numpy as np
import torch
from torch import Tensor

from napari_latentattr.core.progress import SILENT, Part, Progress
from napari_latentattr.core.types import (
    Attribution,
    Bool,
    CaseSource,
    Float32,
    Float64,
    ImageStack,
    MapRef,
)
from napari_latentattr.methods._parameters import Bounds
from napari_latentattr.methods._registry import register
from napari_latentattr.methods.cases import companions, mean_images
from napari_latentattr.methods.gradients import shares_of_mean, summed_gradient
from napari_latentattr.methods.results import Question
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel

_TEXT = "following the gradient"


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
    asked = Question(
        "integrated_gradients", model, stack, target, {"baseline": baseline, "steps": steps}
    )
    start: Float32 = np.broadcast_to(np.float32(0), stack.data.shape)
    if baseline == "mean":
        start = mean_images(
            model, stack, companions(cohort, "the mean image as a baseline"), progress
        )
    nodes, widths = np.polynomial.legendre.leggauss(steps)  # Gauss's rule from -1 to 1
    places, weights = (1 + nodes) / 2, widths / 2
    volume, change = np.zeros(stack.data.shape, dtype=np.float32), 0.0
    with model.differentiable():
        shares = shares_of_mean(model, stack, target.index, latents)
        for i, share in enumerate(shares):
            x, base = (share.tensor(data[share.where]) for data in (stack.data, start))
            on_the_way = partial(_on_the_way, x, base, places)
            told = Part(progress, i, len(shares))
            slope = summed_gradient(share, on_the_way, weights, told, _TEXT)
            share.add(slope * (x - base), volume)
            with torch.no_grad():
                change += float(share.of(x).double() - share.of(base).double())
    progress.report(steps, steps, _TEXT)
    score = volume.sum(axis=tuple(range(1, volume.ndim)), dtype=np.float64)
    return asked.answer(volume, score, unit="latent units", residual=float(score.sum() - change))


def _on_the_way(x: Tensor, base: Tensor, places: Float64, steps: range) -> Tensor:
    """Images (n, C, *s) between two, at some places from 0 to 1."""
    return torch.cat([torch.lerp(base, x, float(places[step])) for step in steps])
