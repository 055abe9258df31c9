"""Whether a map is called alike an image by chance, and whether true likeness is found.

Each map shows one smooth image of a case and hides another, to which it answers only where the
first is that of the mean case. Its response to the hidden image alone is strong, smooth and shares
the anatomy of all cases with the map, yet owes nothing to the same case.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import asdict, dataclass

import numpy as np
import torch
from scipy import ndimage, stats
from torch import Tensor, nn

from napari_latentattr.benchmarks.calibration import Rate
from napari_latentattr.benchmarks.populations import smooth_fields
from napari_latentattr.benchmarks.timing import one_thread
from napari_latentattr.cohort.cohort import Cohort
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Float32
from napari_latentattr.methods.pattern_likeness import pattern_likeness
from napari_latentattr.model.latent import LatentModel

LEVEL = 0.05
# In a wider gate some voxels of every case show the hidden image, and the test finds that: a gate
# of 0.01 was called in 9 % of 1,000 cohorts.
_GATE = 1e-4
_CHANNELS = ("shown", "hidden")


class Shy(nn.Module):
    """Shows the first image; adds the second only where the first is nearly its mean."""

    def __init__(self, mean: Float32) -> None:
        super().__init__()
        self.mean: Tensor
        self.register_buffer("mean", torch.from_numpy(mean))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 2, *S) to (N, 1, *S)."""
        gap = x[:, :1] - self.mean
        return x[:, :1] + x[:, 1:] * torch.exp(-((gap / _GATE) ** 2))


@dataclass(frozen=True, slots=True)
class LikenessRates:
    """How often the 5 % test calls a map alike an image.

    Attributes
    ----------
    cohorts, n_cases : int
    hidden : Rate
        Of the image that the map does not show: about 5 % where the test keeps its promise.
    shown : Rate
        Of the image that it shows: the power.
    naive : Rate
        Of the hidden image by the usual p value of a rank correlation in one case: the control
        that must fail.
    """

    cohorts: int
    n_cases: int
    hidden: Rate
    shown: Rate
    naive: Rate

    def record(self) -> dict[str, object]:
        """Return the rates as plain values for a JSON file."""
        return {"kind": "benchmark likeness", "version": 1, **asdict(self)}


def likeness_rates(
    *,
    cohorts: int = 400,
    n_cases: int = 24,
    size: int = 32,
    draws: int = 199,
    first_seed: int = 0,
    progress: Progress = SILENT,
) -> LikenessRates:
    """Simulate cohorts of independent smooth images on a shared anatomy and count calls.

    Parameters
    ----------
    size : int
        Voxels along each of two axes.
    first_seed : int
        Of the first cohort; the others follow.
    """
    calls = np.empty((cohorts, 3), dtype=bool)
    with one_thread():
        for number in range(cohorts):
            progress.report(number, cohorts, "simulating patterns")
            calls[number] = _calls(first_seed + number, n_cases, size, draws)
    progress.report(cohorts, cohorts, "simulating patterns")
    hidden, shown, naive = (_rate(int(column.sum()), cohorts) for column in calls.T)
    return LikenessRates(cohorts, n_cases, hidden, shown, naive)


def draw_images(seed: int, n_cases: int, size: int) -> Float32:
    """Draw independent smooth images (N, 2, *S) on one anatomy, scaled and moved a little."""
    rng = np.random.default_rng((seed, 7))
    shape = (size, size)
    anatomy = 2 * smooth_fields(rng, 2, shape, size / 16)
    own = smooth_fields(rng, 2 * n_cases, shape, size / 12).reshape(n_cases, 2, *shape)
    moved = [ndimage.shift(anatomy, (0, *rng.normal(0, 0.4, 2)), mode="wrap") for _ in own]
    bright = 1 + 0.3 * rng.standard_normal((n_cases, 2, 1, 1))
    return np.asarray(bright * np.stack(moved) + own, dtype=np.float32)


def shy_model(x: Float32) -> LatentModel:
    """Return a model whose one map shows image 0 of the cases `x` and hides image 1."""
    encoder = Shy(x[:, 0].mean(axis=0))
    module = nn.Sequential(OrderedDict(encoder=encoder, decoder=nn.Conv2d(1, 2, 1)))
    return LatentModel.from_module(module, latent="encoder", n_channels=2, ndim=2)


def _calls(seed: int, n_cases: int, size: int, draws: int) -> list[bool]:
    x = draw_images(seed, n_cases, size)
    cohort = Cohort.from_arrays(x, channels=_CHANNELS)
    found = pattern_likeness(shy_model(x), cohort, draws=draws, seed=seed)
    mean = x.mean(axis=0)
    whole, alone = x[0, 0] - mean[0] - mean[1], x[0, 1] - mean[1]
    naive = stats.spearmanr(whole.ravel(), alone.ravel()).pvalue
    shown, hidden = found.p[0]
    return [bool(hidden <= LEVEL), bool(shown <= LEVEL), bool(naive <= LEVEL)]


def _rate(count: int, n: int) -> Rate:
    """Share with its exact interval (Clopper and Pearson, Biometrika, 1934)."""
    found = stats.binomtest(count, n).proportion_ci(method="exact")
    return Rate(count / n, float(found.low), float(found.high))
