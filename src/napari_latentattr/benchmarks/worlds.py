"""Simulated cohorts with encoders built by hand, so that every answer is known beforehand.

A map listens to the channels of its plan and, unless asked to leak, to no other: those weights are
exactly zero. Refuses to know any method.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from napari_latentattr.benchmarks.populations import Population, make_population
from napari_latentattr.cohort.cohort import Cohort
from napari_latentattr.core.types import Bool, Float32, Float64
from napari_latentattr.model.latent import LatentModel

Leak: TypeAlias = float | Literal["graded"]

HIDDEN = 6  # features a map has to itself


class Gate(nn.Module):
    """Every second feature opens or closes the one before it."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, 2K, *L) to (N, K, *L)."""
        return x[:, 0::2] * (1 + 0.6 * torch.tanh(x[:, 1::2]))


class PlantedEncoder(nn.Sequential):
    """Two convolutions of stride 2; map k listens to the channels in ``plan[k]``."""

    def __init__(self, plan: Bool, *layers: nn.Module) -> None:
        super().__init__(*layers)
        self.plan = plan


def planted_encoder(
    n_channels: int, n_maps: int, seed: int, *, leak: Leak = 0.0, ndim: int = 2
) -> PlantedEncoder:
    """Build an encoder in which every map depends on one to three known channels.

    Parameters
    ----------
    leak : float or "graded"
        Gain of the channels outside the plan; inside it is 0.6 to 1.2. 0 makes their weights
        exactly zero, "graded" spreads the gains between 0.01 and 0.35.
    ndim : int
        Spatial axes, 2 or 3.

    Returns
    -------
    PlantedEncoder
        (N, C, *S) to (N, K, *S / 4); its ``plan`` is a (K, C) bool array.
    """
    rng = np.random.default_rng((seed, 2))
    plan = _draw_plan(n_channels, n_maps, rng)
    gains = _draw_gains(plan, leak, rng)
    kernel, taps = (3,) * ndim, 3**ndim
    lead = (n_maps, HIDDEN, n_channels)
    edges, means = rng.standard_normal((*lead, *kernel)), rng.standard_normal((*lead, *[1] * ndim))
    first = (0.5 * edges + 0.6 * means) * gains.reshape(n_maps, 1, n_channels, *[1] * ndim)
    second = rng.standard_normal((2 * n_maps, HIDDEN, *kernel)) * 1.8 / np.sqrt(HIDDEN * taps)
    shifts = rng.normal(0, 0.6, n_maps * HIDDEN), rng.normal(0, 0.3, 2 * n_maps)
    first = first.reshape(n_maps * HIDDEN, n_channels, *kernel) / np.sqrt(taps)
    return PlantedEncoder(
        plan,
        _convolution(first, shifts[0], stride=2),
        nn.LeakyReLU(0.1),
        _convolution(second, shifts[1], stride=2, groups=n_maps),
        Gate(),
    )


def _draw_plan(n_channels: int, n_maps: int, rng: np.random.Generator) -> Bool:
    """One to three channels for every map, (K, C)."""
    plan = np.zeros((n_maps, n_channels), dtype=bool)
    for row in plan:
        size = rng.integers(1, min(3, n_channels) + 1)
        row[rng.choice(n_channels, size, replace=False)] = True
    return plan


def _draw_gains(plan: Bool, leak: Leak, rng: np.random.Generator) -> Float64:
    """How loudly each channel speaks to each map, (K, C)."""
    inside = rng.uniform(0.6, 1.2, plan.shape)
    graded = np.exp(rng.uniform(np.log(0.01), np.log(0.35), plan.shape))
    return np.where(plan, inside, graded if leak == "graded" else leak)


def _convolution(
    weight: Float64, bias: Float64, *, stride: int = 1, groups: int = 1
) -> nn.Conv2d | nn.Conv3d:
    """Convolution with the given weights; draws nothing from torch's global generator."""
    kind = nn.Conv2d if weight.ndim == 4 else nn.Conv3d
    made = kind(
        weight.shape[1] * groups,
        weight.shape[0],
        weight.shape[2],
        stride=stride,
        padding=1,
        groups=groups,
        device="meta",
    ).to_empty(device="cpu")
    made.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})
    return made


def _draw_decoder(encoder: PlantedEncoder, ndim: int, rng: np.random.Generator) -> nn.Sequential:
    """Enlarge four times, then one convolution: the smallest decoder there is."""
    n_maps, n_channels = encoder.plan.shape
    weight = rng.standard_normal((n_channels, n_maps, *[3] * ndim)) / np.sqrt(n_maps * 3**ndim)
    return nn.Sequential(nn.Upsample(scale_factor=4), _convolution(weight, np.zeros(n_channels)))


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """A cohort and an autoencoder of which it is known what each map depends on.

    Attributes
    ----------
    population : Population
    module : Module
        Has an ``encoder`` and a decoder behind it.
    plan : (K, C) bool array
        Which channels each map was built to listen to; trained maps without a mask, to all.
    data : (N, C, *S) float32 array
    """

    population: Population
    module: nn.Module
    plan: Bool
    data: Float32

    @property
    def mask(self) -> Bool:
        """The body, (*S)."""
        return self.population.mask

    def with_cases(self, n_cases: int, *, seed: int) -> World:
        """Draw other people of the same population; the autoencoder stays."""
        return replace(self, data=self.population.draw(n_cases, seed=seed))

    def model(self) -> LatentModel:
        """Return the autoencoder as methods take it."""
        return LatentModel.from_module(
            self.module, latent="encoder", n_channels=self.data.shape[1], ndim=self.mask.ndim
        )

    def cohort(self) -> Cohort:
        """Return the cases as methods take them, one patient each."""
        n, n_channels = self.data.shape[:2]
        return Cohort.from_arrays(
            self.data,
            channels=[f"image {c}" for c in range(n_channels)],
            masks=np.broadcast_to(self.mask, (n, *self.mask.shape)),
        )


def make_world(
    n_cases: int,
    *,
    n_channels: int = 8,
    n_maps: int = 8,
    shape: Sequence[int] = (64, 64),
    leak: Leak = 0.0,
    seed: int = 0,
    misaligned: float = 0.0,
    noise: float = 0.0,
) -> World:
    """Invent a population, an autoencoder with a plan, and cases; same seed, same bits.

    Parameters
    ----------
    shape : sequence of int
        (Y, X) or (Z, Y, X) in voxels, divisible by 4.
    leak : float or "graded"
        See `planted_encoder`.
    misaligned, noise : float
        See `make_population`.
    """
    population = make_population(n_channels, shape, seed=seed, misaligned=misaligned, noise=noise)
    encoder = planted_encoder(n_channels, n_maps, seed, leak=leak, ndim=len(shape))
    decoder = _draw_decoder(encoder, len(shape), np.random.default_rng((seed, 3)))
    module = nn.Sequential(OrderedDict(encoder=encoder, decoder=decoder)).eval()
    return World(population, module, encoder.plan, population.draw(n_cases, seed=seed))
