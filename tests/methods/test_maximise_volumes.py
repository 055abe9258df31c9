"""Pictures made up in 3D, for an encoder that looks for a pattern that is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor, nn

from napari_latentattr import Cohort, LatentModel, maximise

BOX = (slice(None), slice(4, 8), slice(8, 12), slice(4, 8))  # the receptive field of latent 1,2,1
LATENT = (1, 2, 1)


def patterns() -> np.ndarray:
    """What the two maps look for, (2, C, 4, 4, 4): a wall and layers, and noise at right angles."""
    z, y, x = np.meshgrid(*[np.arange(4) - 1.5] * 3, indexing="ij")
    wanted = np.stack([np.where(x + y > 0, 1.0, -1.0) * np.exp(-(z**2) / 4), np.sin(1.6 * z)])
    wanted -= wanted.mean(axis=(1, 2, 3), keepdims=True)
    wanted /= np.linalg.norm(wanted)
    other = np.random.default_rng(9).standard_normal(wanted.shape)
    other -= (other * wanted).sum() * wanted
    return np.stack([wanted, other / np.linalg.norm(other)])


class Planted(nn.Module):
    """Each latent is how much of the pattern of its map lies in its box."""

    def __init__(self) -> None:
        super().__init__()
        seek, self.decoder = nn.Conv3d(2, 2, 4, stride=4), nn.ConvTranspose3d(2, 2, 4, stride=4)
        weight = torch.from_numpy(patterns().astype(np.float32))
        for layer in (seek, self.decoder):
            layer.weight.data = weight.clone()
            layer.bias.data.zero_()
        self.encoder = nn.Sequential(seek, nn.LeakyReLU(0.1))

    def forward(self, x: Tensor) -> Tensor:
        drawn: Tensor = self.decoder(self.encoder(x))
        return drawn


def cases(seed: int, n: int = 24) -> Cohort:
    """Smooth noise, with more or less of the first pattern, or of its negative, in one box."""
    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.standard_normal((n, 2, 16, 16, 16)), (0, 0, 1, 1, 1))
    x = noise / noise.std()
    x[:, *BOX] += rng.normal(0, 8, (n, 1, 1, 1, 1)) * patterns()[0]
    return Cohort.from_arrays(x.astype(np.float32), channels=["T1", "T2"])


def alike(picture: np.ndarray, which: int) -> float:
    """Correlation of the box with a pattern."""
    return float(np.corrcoef(picture[BOX].ravel(), patterns()[which].ravel())[0, 1])


@pytest.mark.parametrize("seed", range(3))
def test_the_level_is_reached_by_the_pattern_that_the_map_looks_for(seed: int) -> None:
    model = LatentModel.from_module(Planted(), latent="encoder", n_channels=2, ndim=3)
    found = maximise(model, 0, cohort=cases(seed), voxel=LATENT, seeds=1, seed=seed)

    def shows_it(picture: np.ndarray) -> bool:
        answer = float(model.encode(picture[None])[0, 0, *LATENT])
        met = abs(answer - found.level) <= 0.05 * (found.level - found.usual)
        return met and alike(picture, 0) > 0.5

    assert shows_it(found.picture)
    assert not shows_it(found.start)
    assert abs(alike(found.picture, 1)) < 0.3
    assert alike(found.picture - found.start, 0) > 0.85
