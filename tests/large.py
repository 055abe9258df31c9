"""Networks and cases for tests that stand in for large images by a small limit of memory."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import torch
from torch import nn

from napari_latentattr import ImageStack, LatentModel
from napari_latentattr.core.types import Grid
from napari_latentattr.model.architectures import ConvAutoencoder

SHAPES = {2: (61, 50), 3: (45, 18, 27)}


def model_of(encoder: nn.Module, n_channels: int, ndim: int) -> LatentModel:
    module = nn.Sequential(OrderedDict(encoder=encoder))
    return LatentModel.from_module(module, latent="encoder", n_channels=n_channels, ndim=ndim)


def residual(ndim: int) -> nn.Module:
    conv = nn.Conv2d if ndim == 2 else nn.Conv3d
    pool = nn.AvgPool2d if ndim == 2 else nn.AvgPool3d

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = conv(4, 4, 3, padding=2, dilation=2), conv(4, 4, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.second(torch.relu(self.first(x)))

    up = nn.Upsample(scale_factor=2, mode="nearest")
    return nn.Sequential(
        conv(2, 4, 3, 2, 1), Block(), pool(3, 2, 1), up, conv(4, 5, 3, 2, 1), nn.SiLU()
    )


def plain(ndim: int) -> nn.Module:
    return ConvAutoencoder(2, 5, ndim, width=4).encoder


def rectified(ndim: int) -> nn.Module:
    conv = nn.Conv2d if ndim == 2 else nn.Conv3d
    first, last = conv(2, 4, 3, 2, 1), conv(4, 5, 3, 1, 1)
    return nn.Sequential(first, nn.ReLU(), conv(4, 4, 3, 2, 1), nn.ReLU(), last)


def stack_of(shape: tuple[int, ...], *, n_channels: int = 2, masked: bool = False) -> ImageStack:
    rng = np.random.default_rng(1)
    data = rng.normal(size=(n_channels, *shape)).astype(np.float32)
    mask = None
    if masked:
        mask = np.zeros(shape, bool)
        mask[tuple(slice(n // 4, -n // 4) for n in shape)] = True
    grid = Grid.from_spacing(shape, (1.0,) * len(shape))
    return ImageStack("c", tuple("ab"[:n_channels]), data, grid, mask)
