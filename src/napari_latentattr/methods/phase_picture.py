"""Pictures with the strength of waves of a cohort, and phases that can be chosen.

Refuses to know what the phases are chosen for.

References
----------
Fel et al.: Unlocking feature visualization for deeper networks with MAgnitude Constrained
Optimization, NeurIPS 2023 (MACO).
"""

from __future__ import annotations

import torch
from torch import Tensor

from napari_latentattr.methods.cohort_spectrum import CohortSpectrum, Complex64
from napari_latentattr.methods.phase_turn import Turn, Waves, unit

# Concentration of phases around their mean, in the cohort's own terms. Where it agrees on nothing,
# the mean still holds: pictures of different seeds would drift apart otherwise.
_LOOSEST, _TIGHTEST = 1.5, 100.0
# How far a magnitude may be raised to make up for what is lost outside the body.
_MOST_MADE_UP = 5.0


class PhasePictures:
    """All pictures with the spectrum of one cohort.

    Parameters
    ----------
    spectrum : CohortSpectrum
    towards : (C, *F) complex64 array
        Phases around which pictures are looked for, as numbers of size 1.
    spread : float
        Size of random numbers that are added to them: 0 none, 0.05 hardly any; where the cohort
        does not agree on a phase, 10 leaves nothing of it.
    seed : int
        Of those numbers.
    """

    def __init__(
        self, spectrum: CohortSpectrum, towards: Complex64, *, spread: float, seed: int, device: str
    ) -> None:
        self._shape = spectrum.mean.shape[1:]
        self._axes = tuple(range(1, spectrum.mean.ndim))
        one = (-1, *[1] * len(self._axes))
        self.magnitude = torch.from_numpy(spectrum.magnitude).to(device)
        self._spread = torch.from_numpy(spectrum.spread).to(device)
        self._mean = torch.from_numpy(spectrum.mean).to(device)
        self._still = torch.from_numpy(spectrum.still).to(device)
        self._low = torch.from_numpy(spectrum.low).view(one).to(device)
        self._high = torch.from_numpy(spectrum.high).view(one).to(device)
        self._twice = self._counts()
        own = torch.from_numpy(towards).to(device)
        self._pull = _concentration(torch.from_numpy(spectrum.alike).to(device)) * own
        if spread:
            noise = torch.randn(self._mean.shape, generator=torch.Generator().manual_seed(seed))
            self._pull = self._pull + spread * unit(self.transform(noise.to(device)))
        self._signs = self._without_phase()
        self._pull = torch.where(self._signs, own, self._pull)

    def start(self) -> Waves:
        """Return the picture that nothing was asked of."""
        ones = torch.ones_like(self.magnitude)
        return Waves(unit(self._pull), ones, ones)

    def draw(self, waves: Waves) -> Tensor:
        """Picture (C, *S), not confined."""
        whole = self.magnitude * waves.size * waves.phase
        x: Tensor = torch.fft.irfftn(whole, s=self._shape, dim=self._axes)
        return x

    def confine(self, x: Tensor) -> Tensor:
        """Keep a picture (C, *S) within the cohort's intensities and its background."""
        inside = torch.minimum(torch.maximum(x, self._low), self._high)
        return torch.where(self._still, self._mean, inside)

    def transform(self, x: Tensor) -> Tensor:
        """Waves (C, *F) of a picture (C, *S)."""
        waves: Tensor = torch.fft.rfftn(x, dim=self._axes)
        return waves

    def turn(self, waves: Waves, push: Tensor, *, free: bool) -> Turn:
        """Pictures that a push leads away from `waves` to, by its strength.

        Parameters
        ----------
        push : (C, *F) complex64 tensor
            Gradient of what is looked for, times magnitude.
        free : bool
            Whether magnitudes move too, as far as they vary between cases.
        """
        steer = push.masked_fill(self._signs, 0)
        return Turn(self._pull, steer, push, waves.made_up, self._spread if free else None)

    def made_up(self, waves: Waves, confined: Tensor) -> Waves:
        """Raise magnitudes by what confining took from them, and lower what it added to."""
        floor = 1e-12 * self.magnitude.amax()
        ratio = self.magnitude * waves.moved / confined.abs().clamp_min(floor)
        made_up = (waves.made_up * ratio.clamp(0.7, 1.4)).clamp(1 / _MOST_MADE_UP, _MOST_MADE_UP)
        return Waves(waves.phase, made_up, waves.moved)

    def weigh(self, slope: Tensor) -> Tensor:
        """Return what a wave of relative size 1 adds to what has this gradient (C, *F).

        Such that real parts of ``conj(weight) * wave``, summed, are its change to first order.
        """
        return slope * (self.magnitude * self._twice / self._mean[0].numel())

    def _without_phase(self) -> Tensor:
        """Waves (*F) that have no phase but a sign, which would jump: they keep that of the mean.

        Those of frequency zero, or half the number of voxels, along every axis.
        """
        signs = torch.ones((), dtype=torch.bool)
        for n, kept in zip(self._shape, self.magnitude.shape[1:], strict=True):
            k = torch.arange(kept)
            signs = signs[..., None] & ((k == 0) | (2 * k == n))
        return signs.to(self.magnitude.device)

    def _counts(self) -> Tensor:
        """How many waves of the full transform each of the half that is kept stands for."""
        n = self._shape[-1]
        counts = torch.full((self.magnitude.shape[-1],), 2.0, device=self.magnitude.device)
        counts[0] = 1
        if n % 2 == 0:
            counts[-1] = 1
        return counts


def _concentration(alike: Tensor) -> Tensor:
    """Concentration of a von Mises distribution with this mean length (Banerjee et al., 2005)."""
    square = alike.square().clamp_max(0.999)
    return (alike * (2 - square) / (1 - square)).clamp(_LOOSEST, _TIGHTEST)
