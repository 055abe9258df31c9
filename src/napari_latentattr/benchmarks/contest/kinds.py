"""The kinds of worlds of the contest, each with its truth.

Same kind and seed, same bits. Every world has shared anatomy, groups that look alike, inverted
channels and lesions. Refuses to know any contestant.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from napari_latentattr.benchmarks.reference import reference_ratio
from napari_latentattr.benchmarks.worlds import Leak, World, make_world
from napari_latentattr.core.types import Bool, Float32, Float64
from napari_latentattr.model.architectures import ConvAutoencoder

_PEOPLE, _STEPS, _BATCH, _RATE = 32, 200, 8, 3e-3  # that an autoencoder is trained on, and how
_TRAINING = 500_009  # seed of these people; no study draws from it


@dataclass(frozen=True, slots=True)
class Kind:
    """How worlds are made.

    Attributes
    ----------
    leak : float or "graded"
        Of planted encoders; see `planted_encoder`.
    trained : {"", "masked", "dense"}
        An autoencoder is trained instead; masked, map k sees image ``k mod C`` alone.
    shape : tuple of int
        (Y, X) or (Z, Y, X).
    misaligned, noise : float
        See `make_population`.
    """

    name: str
    leak: Leak = 0.0
    trained: str = ""
    shape: tuple[int, ...] = (40, 40)
    n_channels: int = 8
    n_maps: int = 8
    misaligned: float = 0.0
    noise: float = 0.0

    @property
    def exact(self) -> bool:
        """Whether maps cannot see the images outside their plan: those weights are zero."""
        return self.trained == "masked" if self.trained else self.leak == 0.0

    def make(self, n_cases: int, *, seed: int) -> World:
        """Invent a population, an autoencoder and cases."""
        world = make_world(
            n_cases,
            n_channels=self.n_channels,
            n_maps=self.n_maps,
            shape=self.shape,
            leak=self.leak,
            seed=seed,
            misaligned=self.misaligned,
            noise=self.noise,
        )
        return (
            _trained(world, masked=self.trained == "masked", seed=seed) if self.trained else world
        )


KINDS = (
    Kind("zero leak"),
    Kind("leak 10 %", leak=0.1),
    Kind("leak 30 %", leak=0.3),
    Kind("graded leak", leak="graded"),
    Kind("trained, masked", trained="masked"),
    Kind("trained, dense", trained="dense"),
    Kind("graded leak, misaligned and noisy", leak="graded", misaligned=1.0, noise=0.5),
    Kind("graded leak, 32 images", leak="graded", n_channels=32),
    Kind("zero leak, 3D", shape=(16, 16, 16)),
)
QUICK_KINDS = KINDS[:4]


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What is known of the pairs (K, C) of a world.

    Attributes
    ----------
    ratio : (K, C) float64 array
        From hundreds of other people; exactly 0 where nothing can be seen.
    used : (K, C) bool array
        The ratio is above tau.
    unused : (K, C) bool array
        Where some weights are zero, those pairs, whatever the ratios of the others; elsewhere
        the ratio is at most tau.
    """

    ratio: Float64
    used: Bool
    unused: Bool


def truth_of(kind: Kind, world: World, *, reference: int, tau: float, seed: int = 0) -> Truth:
    """Take the ratios of `reference` other people for true."""
    ratio = np.exp(reference_ratio(world, reference, seed=seed, donors=1).log_ratio)
    if kind.exact:
        ratio = np.where(world.plan, ratio, 0.0)  # but for rounding, these are
    return Truth(ratio, ratio > tau, ~world.plan if kind.exact else ratio <= tau)


def _trained(world: World, *, masked: bool, seed: int) -> World:
    """Put a trained autoencoder in place of the planted one."""
    n_maps, n_channels = world.plan.shape
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = ConvAutoencoder(
            n_channels, n_maps, world.mask.ndim, "grouped" if masked else "dense", width=8
        )
        _train(module, world.population.draw(_PEOPLE, seed=_TRAINING), seed)
    plan = np.ones_like(world.plan)
    if masked:
        plan = np.arange(n_maps)[:, None] % n_channels == np.arange(n_channels)
    return replace(world, module=module.eval(), plan=plan)


def _train(module: nn.Module, people: Float32, seed: int) -> None:
    rng = np.random.default_rng((seed, 7))
    x = torch.from_numpy(people)
    optimiser = torch.optim.Adam(module.parameters(), lr=_RATE)
    for _ in range(_STEPS):
        batch = x[torch.from_numpy(rng.choice(len(x), _BATCH, replace=False))]
        optimiser.zero_grad()
        torch.autograd.backward(nn.functional.mse_loss(module(batch), batch))
        optimiser.step()
