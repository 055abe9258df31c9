"""How fast channel dependence is, next to raw encoder forwards on the same machine.

Two seeded workloads, 2D and 3D. The work is the public function on images in memory, with
everything it does: swaps, statistics, verdicts.
"""

from __future__ import annotations

import statistics
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from napari_latentattr.benchmarks.timing import (
    Ratio,
    allocator,
    compare_with_raw,
    describe_machine,
    keep_freed_memory,
    one_thread,
    peak_memory_gb,
)
from napari_latentattr.cohort.cohort import Cohort
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.methods.channel_dependence import channel_dependence
from napari_latentattr.model.latent import LatentModel

DONORS = 4
MEMORY_GB = 2.0


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
        Time of a pass, in raw forwards, that should not be exceeded.
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


WORKLOADS = (
    Workload("W1", 24, (16, 32, 64, 64), (256, 256), target=0.72),
    Workload("W2", 12, (4, 16, 32, 64), (96, 96, 96), target=0.90),
)


@dataclass(frozen=True, slots=True)
class Timed:
    """A workload and what it took.

    Attributes
    ----------
    workload : Workload
    ratio : Ratio
        Of a pass to a raw forward.
    peak_gb : float
        Most memory the process held until then: Python, torch, images and all.
    """

    workload: Workload
    ratio: Ratio
    peak_gb: float


@dataclass(frozen=True, slots=True)
class Speed:
    """Timings of all workloads with what is needed to compare them."""

    timed: tuple[Timed, ...]
    threads: int
    allocator: str
    machine: dict[str, object]

    def record(self) -> dict[str, object]:
        """Return the timings as plain values for a JSON file."""
        return {"kind": "benchmark speed", "version": 1, **asdict(self)}

    def markdown(self) -> str:
        """Return the timings as a table for people."""
        head = [
            "| work | passes | raw forward | a pass, in raw forwards | CPU | target | memory |",
            "|---|---|---|---|---|---|---|",
        ]
        rows = [_row(timed) for timed in self.timed]
        where = f"{self.machine['processor']}, torch {torch.__version__}"
        return "\n".join([*head, *rows, "", f"{where}, {self.threads} thread, {self.allocator}."])


def _row(timed: Timed) -> str:
    work, ratio = timed.workload, timed.ratio
    size = " x ".join(map(str, work.shape))
    low, high = ratio.spread
    return (
        f"| {work.name}: {work.n_cases} cases, {work.features[0]} images of {size}, "
        f"{work.features[-1]} maps | {work.passes:,} | {ratio.raw_ms:.1f} ms "
        f"| {ratio.median:.2f} ({low:.2f}-{high:.2f}, {len(ratio.wall)} repeats) "
        f"| {statistics.median(ratio.cpu):.2f} | {work.target:.2f} | {timed.peak_gb:.2f} GB |"
    )


def speed(
    repeats: int = 5,
    *,
    workloads: tuple[Workload, ...] = WORKLOADS,
    raws: int = 60,
    keep_memory: bool = False,
    progress: Progress = SILENT,
) -> Speed:
    """Time channel dependence on one thread, as a ratio to raw forwards taken in turns.

    Parameters
    ----------
    repeats : int
        Of each workload, after one that is not timed.
    raws : int
        Raw forwards around each repeat.
    keep_memory : bool
        Tell glibc to keep freed blocks for the rest of this process; the raw forwards profit too.
    """
    memory = keep_freed_memory() if keep_memory else allocator()
    with one_thread():
        timed = tuple(_time(work, repeats, raws, progress) for work in workloads)
    return Speed(timed, threads=1, allocator=memory, machine=describe_machine())


def _time(work: Workload, repeats: int, raws: int, progress: Progress) -> Timed:
    module, images = build_workload(work)
    n_channels, ndim = work.features[0], len(work.shape)
    model = LatentModel.from_module(module, latent="encoder", n_channels=n_channels, ndim=ndim)
    cohort = Cohort.from_arrays(images.numpy(), channels=[f"image {c}" for c in range(n_channels)])

    def dependence() -> object:
        return channel_dependence(model, cohort, donors=DONORS)

    forward = _forward(module, images[:1])
    ratio = compare_with_raw(
        dependence, forward, passes=work.passes, repeats=repeats, raws=raws, progress=progress
    )
    return Timed(work, ratio, peak_memory_gb())


def _forward(module: nn.Module, image: Tensor) -> Callable[[], object]:
    encoder = module.get_submodule("encoder")

    @torch.inference_mode()
    def forward() -> object:
        return encoder(image)

    return forward


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
