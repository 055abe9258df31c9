"""Two seeded workloads, 2D and 3D: an encoder, and cases in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from napari_latentattr.cohort.cohort import Cohort
from napari_latentattr.model.latent import LatentModel

DONORS = 4


@dataclass(frozen=True, slots=True)
class Workload:
    """Cases and an encoder of three convolutions of stride 2 with ReLU.

    Attributes
    ----------
    name : str
    n_cases : int
    features : tuple of int
        Channels of the images, then of each layer; the last are the maps.
    shape : tuple of int
        Voxels of an image.
    target : float
        Time of a swapped pass, in raw forwards, that should not be exceeded.
    """

    name: str
    n_cases: int
    features: tuple[int, ...]
    shape: tuple[int, ...]
    target: float

    @property
    def passes(self) -> int:
        """Swapped stacks to encode."""
        return self.n_cases * self.features[0] * DONORS

    def __str__(self) -> str:
        size = " x ".join(map(str, self.shape))
        return f"{self.features[0]} images of {size}, {self.features[-1]} maps"


WORKLOADS = (
    Workload("W1", 24, (16, 32, 64, 64), (256, 256), target=0.72),
    Workload("W2", 12, (4, 16, 32, 64), (96, 96, 96), target=0.90),
)


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """A workload in memory.

    Attributes
    ----------
    model : LatentModel
    cohort : Cohort
    forward : callable
        One raw forward of the encoder on the first case.
    """

    model: LatentModel
    cohort: Cohort
    forward: Callable[[], object]


def build(work: Workload) -> Built:
    """Make what a work is timed on."""
    module, images = build_workload(work)
    n, encoder = work.features[0], module.get_submodule("encoder")

    @torch.inference_mode()
    def forward() -> object:
        return encoder(images[:1])

    return Built(
        LatentModel.from_module(module, latent="encoder", n_channels=n, ndim=len(work.shape)),
        Cohort.from_arrays(images.numpy(), channels=[f"image {c}" for c in range(n)]),
        forward,
    )


def build_workload(work: Workload, *, seed: int = 0) -> tuple[nn.Module, Tensor]:
    """Make the autoencoder and the images (N, C, *S) of a workload; same seed, same bits."""
    conv = nn.Conv2d if len(work.shape) == 2 else nn.Conv3d
    up = nn.ConvTranspose2d if len(work.shape) == 2 else nn.ConvTranspose3d
    pairs = list(zip(work.features, work.features[1:], strict=False))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        down = [layer for a, b in pairs for layer in (conv(a, b, 3, 2, 1), nn.ReLU())]
        back = [layer for a, b in reversed(pairs) for layer in (up(b, a, 4, 2, 1), nn.ReLU())]
        images = torch.cat([_smooth_noise(work) for _ in range(work.n_cases)])
    halves: dict[str, nn.Module] = {"encoder": nn.Sequential(*down)}
    halves["decoder"] = nn.Sequential(*back[:-1])
    return nn.Sequential(OrderedDict(halves)).eval().requires_grad_(False), images


def _smooth_noise(work: Workload) -> Tensor:
    """One case (1, C, *S) of noise blurred twice, unit variance."""
    blur = nn.AvgPool2d(5, 1, 2) if len(work.shape) == 2 else nn.AvgPool3d(5, 1, 2)
    image: Tensor = blur(blur(torch.randn(1, work.features[0], *work.shape)))
    return image / image.std()
