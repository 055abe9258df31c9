"""What the images of a cohort have in common as waves: how strong, how alike in phase, how wide.

One case is in memory at a time. Refuses to know models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.types import Bool, Float32, Float64, Grid, ImageStack

Complex64: TypeAlias = npt.NDArray[np.complex64]

# Of the range of an image: a voxel that varies less between cases is background.
_STILL = 1e-3
# Of the mean magnitude: what is below it is silence, whose logarithm means nothing.
_SILENCE = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class CohortSpectrum:
    """Fourier transforms of all cases (numpy's ``rfftn`` of each image, (C, *F)), put together.

    Attributes
    ----------
    phase : (C, *F) complex64 array
        Phase of the mean picture, as a number of size 1.
    alike : (C, *F) float32 array
        How far the phases of the cases agree there, from 0 (at random) to 1; free of the agreement
        that few cases show by chance.
    magnitude : (C, *F) float32 array
        Mean over the cases.
    spread : (C, *F) float32 array
        Standard deviation of the magnitude over cases, relative to its mean.
    mean : (C, *S) float32 array
        Mean picture, in the intensities that the model sees.
    low, high : (C,) float32 array
        Smallest and largest intensity in the cohort.
    still : (C, *S) bool array
        Voxels that are the same in all cases, such as an empty background.
    body : (*S) bool array
        Voxels that lie in the mask of at least half of the cases.
    grid : Grid
        Of the first case; all have its size.
    n_cases : int
    """

    phase: Complex64
    alike: Float32
    magnitude: Float32
    spread: Float32
    mean: Float32
    low: Float32
    high: Float32
    still: Bool
    body: Bool
    grid: Grid
    n_cases: int

    def distance(self, volume: Float32) -> float:
        """How far the spectrum of a picture (C, *S) lies from that of the cohort.

        Root mean square, over frequencies, of the difference of the logarithms of the magnitude,
        averaged over images; frequencies at which the cohort has nothing are left out.
        """
        ours = np.abs(transform(volume)).mean(axis=0)
        theirs = self.magnitude.mean(axis=0)
        floor = _SILENCE * theirs.mean()
        ratio = np.log(np.maximum(ours, floor)) - np.log(np.maximum(theirs, floor))
        return float(np.sqrt(np.mean(np.square(ratio, dtype=np.float64))))


class SpectrumSums:
    """Sums over cases, from which their spectrum follows."""

    def __init__(self) -> None:
        self._n = 0
        self._first: ImageStack | None = None

    def add(self, stack: ImageStack) -> None:
        """Take in one more case.

        Raises
        ------
        InputError
            When it has another size than the first one.
        """
        x = stack.data
        waves = transform(x)
        size = np.abs(waves)
        inside = np.ones(x.shape[1:], bool) if stack.mask is None else stack.mask
        if self._first is None:
            self._first = stack
            self._waves, self._size = waves.astype(np.complex128), size.astype(np.float64)
            self._square = size.astype(np.float64) ** 2
            self._sum, self._inside = x.astype(np.float64), inside.astype(np.int32)
            self._low, self._high = x.copy(), x.copy()
        else:
            self._check_size(stack)
            self._waves += waves
            self._size += size
            self._square += size.astype(np.float64) ** 2
            self._sum += x
            self._inside += inside
            np.minimum(self._low, x, out=self._low)
            np.maximum(self._high, x, out=self._high)
        self._n += 1

    def spectrum(self) -> CohortSpectrum:
        """Spectrum of the cases so far."""
        if self._first is None:
            raise ValueError("no case was added")
        n, axes = self._n, tuple(range(1, self._low.ndim))
        size = self._size / n
        there = np.maximum(size, np.finfo(np.float32).tiny)
        low, high = self._low.min(axis=axes), self._high.max(axis=axes)
        room = _STILL * (high - low).reshape(-1, *[1] * len(axes))
        body = self._inside >= n / 2
        return CohortSpectrum(
            phase=_unit(self._waves).astype(np.complex64),
            alike=_without_chance(np.abs(self._waves) / n / there, n).astype(np.float32),
            magnitude=size.astype(np.float32),
            spread=_relative(self._square / n - size**2, there),
            mean=(self._sum / n).astype(np.float32),
            low=low,
            high=high,
            still=self._high - self._low <= room,
            body=body if body.any() else self._inside > 0,
            grid=self._first.grid,
            n_cases=n,
        )

    def _check_size(self, stack: ImageStack) -> None:
        first = self._first
        if first is not None and stack.grid.shape != first.grid.shape:
            sizes = ["x".join(map(str, s.grid.shape)) for s in (stack, first)]
            raise InputError(
                f"case {stack.case} has {sizes[0]} voxels, case {first.case} has {sizes[1]}, so "
                "they have no common spectrum; bring all cases onto the same voxels"
            )


def transform(x: Float32) -> Complex64:
    """Fourier transform (C, *F) of each image of (C, *S)."""
    from scipy import fft  # unlike numpy's it stays in single precision

    waves: Complex64 = fft.rfftn(x, axes=tuple(range(1, x.ndim)))
    return waves


def _unit(waves: npt.NDArray[np.complex128]) -> npt.NDArray[np.complex128]:
    size = np.abs(waves)
    return np.where(size > 0, waves / np.where(size > 0, size, 1), 1)


def _without_chance(alike: Float64, n: int) -> Float64:
    """Agreement of n phases, less what n random phases agree on average."""
    return np.asarray(np.sqrt(np.clip((n * alike**2 - 1) / max(n - 1, 1), 0, 1)))


def _relative(variance: Float64, mean: Float64) -> Float32:
    return np.clip(np.sqrt(np.maximum(variance, 0)) / mean, 0, 1).astype(np.float32)
