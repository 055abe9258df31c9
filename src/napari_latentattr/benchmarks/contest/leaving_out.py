"""Contestants that set one image to zero, by hand and by captum."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import torch
from scipy import stats
from torch import Tensor, nn

from napari_latentattr.benchmarks.contest.calls import (
    Calls,
    body_of,
    by_share,
    encoder_of,
    images_of,
)
from napari_latentattr.benchmarks.contest.ours import TAU, Q
from napari_latentattr.cohort.cohort import Cohort
from napari_latentattr.core.inference import benjamini_hochberg
from napari_latentattr.core.types import Bool, Float64
from napari_latentattr.model.latent import LatentModel

Means: TypeAlias = Callable[[Tensor], Tensor]

ORDERS, STEPS = 25, 16  # captum's own number of orders; points on the way from zero


def leave_one_out(model: LatentModel, cohort: Cohort) -> dict[str, Calls]:
    """Call an image without which the map changes: by a bound, and by a test of no effect."""
    inside, images = body_of(model, cohort), images_of(cohort)
    code = model.encode(images)[:, :, inside].astype(np.float64)
    change = []
    for c in range(images.shape[1]):
        without = images.copy()
        without[:, c] = 0
        change.append(code - model.encode(without)[:, :, inside])
    moved = np.stack(change, axis=2)  # (N, K, C, V)
    ratio = (moved**2).mean(axis=(0, 3)) / 2 / code.var(axis=0, ddof=1).mean(axis=1)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        tested = stats.ttest_1samp(moved.mean(axis=3), 0.0, axis=0)
    return {
        "leave one out, change > tau": Calls(ratio > TAU, ratio),
        "leave one out, effect not 0, q < .05": Calls(
            np.nan_to_num(benjamini_hochberg(tested.pvalue), nan=1.0) < Q,
            np.abs(np.nan_to_num(tested.statistic)),
        ),
    }


def captum_ablation(model: LatentModel, cohort: Cohort) -> dict[str, Calls]:
    """Share of each image in the changes of the mean of a map."""
    from captum.attr import FeatureAblation

    return _captum_shares(FeatureAblation, "FeatureAblation", model, cohort)


def captum_shapley(model: LatentModel, cohort: Cohort) -> dict[str, Calls]:
    """Share of each image in the sampled Shapley values of the mean of a map."""
    from captum.attr import ShapleyValueSampling

    return _captum_shares(
        ShapleyValueSampling, "ShapleyValueSampling", model, cohort, n_samples=ORDERS
    )


def captum_gradients(model: LatentModel, cohort: Cohort) -> dict[str, Calls]:
    """Share of each image in the integrated gradients, without sign, of the mean of a map."""
    from captum.attr import NeuronIntegratedGradients

    inside, x = _inside(model, cohort), torch.from_numpy(images_of(cohort))
    whole = nn.Sequential(encoder_of(model))
    gradients = NeuronIntegratedGradients(whole, whole[0])
    size = []
    with torch.enable_grad():
        for k in range(model.spec.n_maps):
            found = gradients.attribute(
                x,
                neuron_selector=lambda code, k=k: code[:, k, inside].mean(-1),
                n_steps=STEPS,
                internal_batch_size=len(x) * STEPS,
            )
            size.append(found.detach().abs().flatten(2).sum(dim=(0, 2)).double().numpy())
    return _named("NeuronIntegratedGradients", np.stack(size))


def _captum_shares(
    kind: Callable[[Means], object],
    name: str,
    model: LatentModel,
    cohort: Cohort,
    **effort: int,
) -> dict[str, Calls]:
    inside, x = _inside(model, cohort), torch.from_numpy(images_of(cohort))
    encoder = encoder_of(model)
    images = torch.arange(x.shape[1]).view(1, -1, *[1] * (x.ndim - 2))
    way: object = kind(lambda case: encoder(case)[:, :, inside].mean(-1))
    attribute = getattr(way, "attribute")  # noqa: B009  (captum is untyped)
    with model.running(), torch.inference_mode(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        found = attribute(x, feature_mask=images, **effort)
    of_image = found.flatten(2 - x.ndim)[..., 0]  # the same at all its voxels
    size = of_image.reshape(len(x), -1, x.shape[1]).abs().mean(dim=0)
    return _named(name, size.double().numpy())


def _inside(model: LatentModel, cohort: Cohort) -> Tensor:
    inside: Bool = body_of(model, cohort)
    return torch.from_numpy(inside)


def _named(name: str, size: Float64) -> dict[str, Calls]:
    return by_share(size, f"captum {name}, share > 1/C")
