"""A linear autoencoder whose answers are closed forms, and cases for it.

Three images A, B and C; four maps with one latent for every 2 x 2 voxels. Map 0 sees A and B with
the same weights and not C; it draws A and B alike and nothing in C. Both halves have biases, so
that whatever is read off from an empty input shows.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from napari_latentattr import Cohort, LatentModel

CHANNELS = ("A", "B", "C")
SIDE = 8


class LinearAutoencoder(nn.Module):
    """One convolution to the latent, one back; kernel 2, stride 2, nothing in between."""

    def __init__(self) -> None:
        super().__init__()
        rng = np.random.default_rng(0)
        self.encoder = nn.Conv2d(3, 4, 2, stride=2)
        self.decoder = nn.ConvTranspose2d(4, 3, 2, stride=2)
        for layer in (self.encoder, self.decoder):
            weight = rng.normal(size=(4, 3, 2, 2))
            weight[0, 1], weight[0, 2] = weight[0, 0], 0
            layer.weight.data = torch.tensor(weight, dtype=torch.float32)
            layer.bias.data = torch.tensor(rng.normal(size=layer.bias.shape), dtype=torch.float32)

    def forward(self, x: Tensor) -> Tensor:
        drawn: Tensor = self.decoder(self.encoder(x))
        return drawn


def linear_model() -> LatentModel:
    """The toy as a latent model."""
    return LatentModel.from_module(LinearAutoencoder(), latent="encoder", n_channels=3, ndim=2)


class SkippingAutoencoder(LinearAutoencoder):
    """The same, but what a first layer makes of the images also goes around the latent maps."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 3, 1)
        self.first.weight.data = 0.5 * torch.eye(3).view(3, 3, 1, 1)
        self.first.bias.data = torch.tensor([1.0, 2.0, 3.0])

    def forward(self, x: Tensor) -> Tensor:
        early = self.first(x)
        drawn: Tensor = self.decoder(self.encoder(early)) + early
        return drawn


def skipping_model() -> LatentModel:
    """A model like a U-Net."""
    return LatentModel.from_module(SkippingAutoencoder(), latent="encoder", n_channels=3, ndim=2)


class RectifiedAutoencoder(LinearAutoencoder):
    """The linear one with its latents cut off at zero; where none is below, nothing changes."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(self.encoder, nn.ReLU())


def rectified_model() -> LatentModel:
    """The rectified toy as a latent model."""
    return LatentModel.from_module(RectifiedAutoencoder(), latent="encoder", n_channels=3, ndim=2)


def planes(n: int = 6, *, seed: int = 1, twins: bool = False) -> np.ndarray:
    """Images (n, 3, 8, 8); with `twins` A and B are equal in every case."""
    x = np.random.default_rng(seed).normal(size=(n, 3, SIDE, SIDE)).astype(np.float32)
    if twins:
        x[:, 1] = x[:, 0]
    return x


def people(*, twins: bool = False) -> Cohort:
    """Six people with a 2D image each, and a body mask that leaves a border out."""
    x = planes(twins=twins)
    masks = np.zeros((len(x), SIDE, SIDE), dtype=bool)
    masks[:, :6, 2:] = True
    return Cohort.from_arrays(x, channels=CHANNELS, masks=masks)


def volumes(*, patients: bool, twins: bool = False) -> Cohort:
    """Volumes of five slices, the last one empty of body: of three people, or one person."""
    n = 3 if patients else 1
    x = np.stack([planes(5, seed=s, twins=twins) for s in range(n)]).swapaxes(1, 2)
    masks = np.zeros((n, 5, SIDE, SIDE), dtype=bool)
    masks[:, :4, :6, 2:] = True
    masks[:, 1, 4:] = False
    return Cohort.from_arrays(
        np.ascontiguousarray(x), channels=CHANNELS, patients=range(n), masks=masks
    )


def encoded(x: np.ndarray) -> np.ndarray:
    """Latents (N, 4, 4, 4) of images (N, 3, 8, 8), by plain sums in float64."""
    layer = LinearAutoencoder().encoder
    weight, bias = (p.detach().double().numpy() for p in (layer.weight, layer.bias))
    blocks = x.astype(np.float64).reshape(len(x), 3, SIDE // 2, 2, SIDE // 2, 2)
    return np.einsum("kcab,nciajb->nkij", weight, blocks) + bias[:, None, None]


def drawn(z: np.ndarray) -> np.ndarray:
    """Pictures (N, 3, 8, 8) of latents (N, 4, 4, 4) without the bias, in float64."""
    weight = LinearAutoencoder().decoder.weight.detach().double().numpy()
    blocks = np.einsum("kcab,nkij->nciajb", weight, z.astype(np.float64))
    return blocks.reshape(len(z), 3, SIDE, SIDE)
