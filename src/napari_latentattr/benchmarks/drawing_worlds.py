"""Decoders built by hand: every map draws in a region of two images that is known beforehand.

Without interaction a map changes nothing outside its region. With gates each map also brightens or
dims what the others draw, and a normalisation makes every voxel depend on all of them. Refuses to
know any method.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor, nn
from torch.nn import functional

from napari_latentattr.benchmarks.populations import smooth_fields
from napari_latentattr.cohort.cohort import Cohort
from napari_latentattr.core.types import Float32
from napari_latentattr.model.latent import LatentModel

FEATURES = 4  # of each map in the decoder
IMAGES = 2  # that each map draws in
SCALE = 4  # voxels from one latent to the next


@dataclass(frozen=True, slots=True)
class Interaction:
    """How maps change what other maps draw.

    Attributes
    ----------
    gates : float
        A map's picture is multiplied by 1 plus at most this, depending on all maps.
    normalised : bool
        Images are brought to mean 0 and deviation 1, two at a time.
    """

    gates: float = 0.0
    normalised: bool = False


class PlantedDecoder(nn.Module):
    """Enlarges its code and draws every map inside its region.

    Parameters
    ----------
    region : (K, C, *S) float32 array
        How far each map can reach each voxel, 0 to 1.
    """

    def __init__(self, region: Float32, interaction: Interaction, *, seed: int) -> None:
        super().__init__()
        rng = np.random.default_rng((seed, 5))
        n_maps, n_channels, *shape = region.shape
        self.interaction = interaction
        made = {
            "region": region,
            "kernel": 0.4 * rng.standard_normal((FEATURES * n_maps, 1, 3, 3)),
            "shift": 0.3 * rng.standard_normal(FEATURES * n_maps),
            "mix": 0.7 * rng.standard_normal((n_maps, FEATURES, 1, 1)),
            "steer": rng.standard_normal((n_maps, n_maps)) / np.sqrt(n_maps),
            "ground": 0.8 * smooth_fields(rng, n_channels, shape, 5.0),
        }
        for name, values in made.items():
            self.register_buffer(name, torch.from_numpy(values.astype(np.float32)))

    def alone(self, z: Tensor) -> Tensor:
        """Draw every map as if there were no others: (N, K, *L) to (N, K, C, *S)."""
        kernel, shift = self.get_buffer("kernel"), self.get_buffer("shift")
        features = functional.conv2d(_large(z), kernel, shift, padding=1, groups=z.shape[1])
        features = functional.leaky_relu(features, 0.2)
        features = features.reshape(len(z), -1, FEATURES, *features.shape[2:])
        strength = (features * self.get_buffer("mix")).sum(2)
        drawn: Tensor = strength.unsqueeze(2) * self.get_buffer("region")
        return drawn

    def forward(self, z: Tensor) -> Tensor:
        """Picture (N, C, *S) of a code."""
        steer = torch.einsum("nj...,jk->nk...", _large(z), self.get_buffer("steer"))
        gate = 1 + self.interaction.gates * torch.tanh(steer)
        picture = self.get_buffer("ground") + (self.alone(z) * gate.unsqueeze(2)).sum(1)
        return functional.group_norm(picture, 2) if self.interaction.normalised else picture


@dataclass(frozen=True, slots=True, eq=False)
class DrawingWorld:
    """Codes of simulated cases and where each map may draw.

    Attributes
    ----------
    code : (N, K, *L) float32 array
    region : (K, C, *S) float32 array
        How far each map can reach each voxel, 0 to 1.
    seed : int
    """

    code: Float32
    region: Float32
    seed: int

    def model(self, interaction: Interaction) -> LatentModel:
        """Autoencoder that reads the codes out of the images and draws with this interaction."""
        n_maps, n_channels = self.region.shape[:2]
        reader = nn.Conv2d(n_channels, n_maps, SCALE, stride=SCALE, bias=False)
        weight = torch.zeros(n_maps, n_channels, SCALE * SCALE)
        for k in range(n_maps):
            weight[k, k % n_channels, k // n_channels] = 1
        reader.weight.data = weight.reshape(n_maps, n_channels, SCALE, SCALE)
        drawer = PlantedDecoder(self.region, interaction, seed=self.seed)
        module = nn.Sequential(OrderedDict(encoder=reader, decoder=drawer)).eval()
        return LatentModel.from_module(module, latent="encoder", n_channels=n_channels, ndim=2)

    def cohort(self) -> Cohort:
        """Images that carry the codes: in every block of voxels, one voxel a map."""
        n, n_maps, *grid = self.code.shape
        n_channels = self.region.shape[1]
        held = np.zeros((n, n_channels, SCALE * SCALE, *grid), dtype=np.float32)
        for k in range(n_maps):
            held[:, k % n_channels, k // n_channels] = self.code[:, k]
        blocks = held.reshape(n, n_channels, SCALE, SCALE, *grid).transpose(0, 1, 4, 2, 5, 3)
        images = blocks.reshape(n, n_channels, *(SCALE * side for side in grid))
        return Cohort.from_arrays(images, channels=[f"image {c}" for c in range(n_channels)])


def make_drawing_world(
    n_cases: int, *, n_channels: int = 4, n_maps: int = 8, side: int = 16, seed: int = 0
) -> DrawingWorld:
    """Invent codes and regions; same seed, same bits.

    Parameters
    ----------
    side : int
        Latents along each of two axes; voxels are four times as many.
    """
    rng = np.random.default_rng((seed, 4))
    lead, grid = (n_cases, n_maps), (side, side)
    own = smooth_fields(rng, n_cases * n_maps, grid, 1.6).reshape(*lead, *grid)
    shared = smooth_fields(rng, n_cases, grid, 2.5)[:, None]
    level = rng.normal(0, 0.7, (*lead, 1, 1)) + rng.normal(0.6, 0.5, (1, n_maps, 1, 1))
    code = (0.8 * own + 0.5 * shared + level).astype(np.float32)
    return DrawingWorld(code, _draw_regions(n_maps, n_channels, SCALE * side, rng), seed)


def _draw_regions(n_maps: int, n_channels: int, side: int, rng: np.random.Generator) -> Float32:
    """Soft ellipses, each in two images, (K, C, Y, X) from 0 to 1."""
    region = np.zeros((n_maps, n_channels, side, side))
    at = np.indices((side, side))
    for place in region:
        images = rng.choice(n_channels, IMAGES, replace=False)
        centre, radius = rng.uniform(0.2, 0.8, 2) * side, rng.uniform(0.125, 0.25, 2) * side
        distance = np.hypot(*((x - c) / r for x, c, r in zip(at, centre, radius, strict=True)))
        place[images] = np.clip(1.5 - distance, 0, 1)
    blur = side / 32
    return np.asarray(ndimage.gaussian_filter(region, (0, 0, blur, blur)), dtype=np.float32)


def _large(z: Tensor) -> Tensor:
    return functional.interpolate(z, scale_factor=SCALE, mode="bilinear", align_corners=False)
