"""Simulated patients on the real anatomy of one brain; the cause of every outcome is known.

Intensities follow the spin-echo signal equation. A lesion is bright in FLAIR alone, a decoy in PDw
alone, so a map that finds lesions must be driven by FLAIR. This file refuses to know files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from napari_latentattr.core.types import Bool, Float32, Float64

CHANNELS = ("T1w", "T2w", "FLAIR", "PDw")
# Fluid, grey, white matter: typical values at 1.5 T, rounded; ms, ms, relative to water
_T1_MS = np.array([4000.0, 950.0, 600.0])
_T2_MS = np.array([1800.0, 95.0, 75.0])
_DENSITY = np.array([1.0, 0.85, 0.70])
# Repetition, echo and inversion time in ms. Without inversion the signal recovers from zero, which
# the equation of inversion recovery gives when the inversion time is the repetition time.
_SEQUENCES = {
    "T1w": (500.0, 12.0, 500.0),
    "T2w": (4500.0, 100.0, 4500.0),
    "FLAIR": (9000.0, 110.0, 2400.0),
    "PDw": (3000.0, 15.0, 3000.0),
}
_GREY, _WHITE = 1, 2
_GREY_LEVEL = 0.6  # of the average patient, in every channel
_STEP = 1 / 1024  # intensities are multiples of it: files compress, and rounding noise is removed


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedPatient:
    """Images of one simulated patient and the truth about them.

    Attributes
    ----------
    data : (4, Z, Y, X) float32 array
        Intensities of `CHANNELS`; the average grey matter is 0.6; 0 outside the brain.
    brain : (Z, Y, X) bool array
    lesion, decoy : (Z, Y, X) bool array
        Where FLAIR and where PDw is raised by at least half of the full amount.
    """

    data: Float32
    brain: Bool
    lesion: Bool
    decoy: Bool

    @property
    def has_lesion(self) -> bool:
        """The outcome: whether the patient has a lesion."""
        return bool(self.lesion.any())


def simulate_patient(
    tissue: Float32,
    seed: int | Sequence[int],
    *,
    lesion: bool | None = None,
    decoy: bool | None = None,
    brightening: float = 0.8,
    radius: tuple[float, float] = (2.5, 4.5),
) -> SimulatedPatient:
    """Simulate the four images of one patient.

    Parameters
    ----------
    tissue : (3, Z, Y, X) float32 array
        Fractions of fluid, grey and white matter in the undeformed brain.
    seed : int or sequence of int
        The same seed gives the same patient.
    lesion, decoy : bool or None
        Whether there are any; None tosses a coin.
    brightening : float
        Of lesion and decoy, relative to white matter.
    radius : pair of float
        Smallest and largest semi-axis of a lesion or decoy in voxels.

    Returns
    -------
    SimulatedPatient
    """
    rng = np.random.default_rng(seed)
    has_lesion, has_decoy = rng.random(2) < 0.5
    has_lesion = has_lesion if lesion is None else lesion
    has_decoy = has_decoy if decoy is None else decoy
    fractions = _deform(tissue, rng)
    brain = fractions.sum(0) > 0.5
    within = ndimage.binary_erosion(fractions[_WHITE] > 0.7)
    spots = {
        "FLAIR": _spots(within, rng, radius) * (brain & has_lesion),
        "PDw": _spots(within, rng, radius) * (brain & has_decoy),
    }
    levels = _tissue_levels(rng)
    white = _tissue_levels(None)[:, _WHITE]
    data = np.einsum("ct,t...->c...", levels, fractions)
    for name, spot in spots.items():
        channel = CHANNELS.index(name)
        data[channel] += brightening * white[channel] * spot
    data = _acquire(data, rng) * (fractions.sum(0) > 0.3)
    return SimulatedPatient(
        data=np.asarray(np.round(_GREY_LEVEL * data / _STEP) * _STEP, dtype=np.float32),
        brain=brain,
        lesion=spots["FLAIR"] >= 0.5,
        decoy=spots["PDw"] >= 0.5,
    )


def _deform(tissue: Float32, rng: np.random.Generator) -> Float64:
    """Make another head: smooth displacements of about 1.6 voxels, sizes that differ by 3 %."""
    shape = tissue.shape[1:]
    size = 1 + 0.03 * rng.standard_normal(3)
    at = [
        (index - n / 2) * s + n / 2 + 1.6 * _smooth_field(shape, 12, rng)
        for index, n, s in zip(np.indices(shape), shape, size, strict=True)
    ]
    return np.stack([ndimage.map_coordinates(t, at, output=np.float64, order=1) for t in tissue])


def _smooth_field(shape: Sequence[int], step: int, rng: np.random.Generator) -> Float64:
    """Draw a random field that changes over `step` voxels, standard deviation below 1."""
    coarse = rng.standard_normal([n // step + 3 for n in shape])
    at = [(np.arange(n) + 0.5) / step + 0.5 for n in shape]
    return np.asarray(
        ndimage.map_coordinates(coarse, np.meshgrid(*at, indexing="ij"), order=2, mode="nearest")
    )


def _spots(within: Bool, rng: np.random.Generator, radius: tuple[float, float]) -> Float64:
    """Draw one to three ellipsoids with soft rims, centred in white matter; 1 inside, 0 outside."""
    centres = np.argwhere(within)
    index = np.indices(within.shape)
    amount = np.zeros(within.shape)
    for _ in range(rng.integers(1, 4)):
        centre = centres[rng.integers(len(centres))].reshape(3, 1, 1, 1)
        axes = rng.uniform(*radius, 3).reshape(3, 1, 1, 1)
        distance = np.sqrt((((index - centre) / axes) ** 2).sum(0))
        amount = np.maximum(amount, np.clip(1.5 - distance, 0, 1))
    return amount


def _tissue_levels(rng: np.random.Generator | None) -> Float64:
    """Signal of each tissue in each channel, (4, 3); average grey matter is 1.

    Without a generator it is that of the average person.
    """
    jitter = np.ones((3, 3))
    if rng is not None:
        # log standard deviations of relaxation times and density between people
        jitter = np.exp(np.array([[0.06], [0.06], [0.03]]) * rng.standard_normal((3, 3)))
    levels = _signal(_T1_MS * jitter[0], _T2_MS * jitter[1], _DENSITY * jitter[2])
    return np.asarray(levels / _signal(_T1_MS, _T2_MS, _DENSITY)[:, [_GREY]])


def _signal(t1: Float64, t2: Float64, density: Float64) -> Float64:
    """Spin-echo signal of the three tissues in each channel, (4, 3).

    References
    ----------
    Haacke et al., Magnetic Resonance Imaging, Wiley, 1999, chapter 8.
    """
    repetition, echo, inversion = (
        np.array([_SEQUENCES[name][i] for name in CHANNELS])[:, None] for i in range(3)
    )
    recovered = 1 + np.exp(-repetition / t1) - 2 * np.exp(-inversion / t1)
    return np.asarray(density * np.exp(-echo / t2) * np.abs(recovered))


def _acquire(data: Float64, rng: np.random.Generator) -> Float64:
    """Add coil sensitivity (8 %), scanner gain (5 %) and Rician noise (1.5 % of grey matter)."""
    seen = []
    for image in data:
        gain = 0.08 * _smooth_field(image.shape, 30, rng) + 0.05 * rng.standard_normal()
        real, imaginary = 0.015 * rng.standard_normal((2, *image.shape))
        seen.append(np.hypot(image * np.exp(gain) + real, imaginary))
    return np.stack(seen)
