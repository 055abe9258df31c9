"""What every contestant answers, and what most of them look at first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from torch import nn

from napari_latentattr.cohort.cohort import Cohort
from napari_latentattr.core.types import Bool, Float32, Float64
from napari_latentattr.methods.cases import body_latents
from napari_latentattr.model.latent import LatentModel


@dataclass(frozen=True, slots=True, eq=False)
class Calls:
    """Which images one rule says that each map uses.

    Attributes
    ----------
    called : (K, C) bool array
    score : (K, C) float64 array
        The larger, the surer.
    """

    called: Bool
    score: Float64


Contestant: TypeAlias = Callable[[LatentModel, Cohort], Mapping[str, Calls]]
"""Looks once, then calls by one or several rules, each with its name."""


def images_of(cohort: Cohort) -> Float32:
    """Images of all cases, (N, C, *S)."""
    return np.stack([stack.data for stack in cohort])


def body_of(model: LatentModel, cohort: Cohort) -> Bool:
    """Latents (*L) inside the body; simulated cases share one."""
    first = cohort[0]
    return body_latents(first, model.spec, model.encode(first.data[None]).shape[2:])


def encoder_of(model: LatentModel) -> nn.Module:
    """Return the part of a simulated autoencoder that makes the maps."""
    return model.module.get_submodule(model.spec.layer)


def by_share(size: Float64, rule: str = "share > 1/C") -> dict[str, Calls]:
    """Call every image with more than an equal share of the sizes (K, C)."""
    total = size.sum(axis=1, keepdims=True)
    share = size / np.where(total > 0, total, 1.0)
    return {rule: Calls(share > 1 / size.shape[1], share)}
