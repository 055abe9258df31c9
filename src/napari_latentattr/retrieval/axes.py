"""Where cases lie: standardised maps and their principal axes. Knows no groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.types import Bool, Float64

# Groups are sought along as many axes; along more, chance pulls the cases of a small cohort apart.
MOST_AXES = 5
_STILL = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Axes:
    """Positions of the cases.

    Attributes
    ----------
    standard : (N, V) float64 array
        The maps that vary, each with mean 0 and standard deviation 1.
    varying : (K,) bool array
        Which maps these are.
    score : (N, A) float64 array
        Along the principal axes, widest first.
    explained : (A,) float64 array
        Share of the variance of `standard` along each of them.
    """

    standard: Float64
    varying: Bool
    score: Float64
    explained: Float64


def find_axes(pooled: Float64) -> Axes:
    """Standardise pooled maps (N, K) and turn them to their principal axes.

    The sign of an axis is that of its largest loading, so that equal cases give equal pictures.

    Raises
    ------
    InputError
        When no map varies between cases.
    """
    spread = pooled.std(axis=0)
    varying = spread > _STILL * np.maximum(np.abs(pooled).max(axis=0), _STILL)
    if not varying.any():
        raise InputError(
            "no latent map varies between the cases, so they form no groups; check that the cases "
            "differ and that the model was trained"
        )
    standard = (pooled[:, varying] - pooled[:, varying].mean(axis=0)) / spread[varying]
    left, length, right = np.linalg.svd(standard, full_matrices=False)
    sign = np.sign(right[np.arange(len(right)), np.abs(right).argmax(axis=1)])
    count = min(MOST_AXES, int((length > _STILL * length[0]).sum()))
    return Axes(
        standard=standard,
        varying=varying,
        score=(left * length * sign)[:, :count],
        explained=(length**2 / (length**2).sum())[:count],
    )
