"""How much held-out prediction is lost when one map comes from another patient."""

from __future__ import annotations

import numpy as np
from scipy.stats import t

from napari_latentattr.core.types import Float64
from napari_latentattr.ranking.exchange import donor_cases
from napari_latentattr.ranking.held_out import HeldOut
from napari_latentattr.ranking.rows import Rows
from napari_latentattr.ranking.score import score

_FLOATS = 4_000_000  # 16 MiB of float32 at a time


def loss_of_auc(rows: Rows, fit: HeldOut, rng: np.random.Generator, *, swaps: int) -> Float64:
    """Fall of the held-out score for each map (K,), mean over `swaps` donors a case.

    Parameters
    ----------
    fit : HeldOut
        The forest is not trained again; only its test rows change.
    """
    own = fit.test.values(rows)
    at_once = max(1, _FLOATS // own.size)
    auc = np.zeros(rows.n_maps)
    for _ in range(swaps):
        other = fit.test.values(rows, donor_cases(rows.units, rng))
        for first in range(0, rows.n_maps, at_once):
            maps = np.arange(first, min(first + at_once, rows.n_maps))
            taken = rows.map_of == maps[:, None]
            batch = np.where(taken[:, None, :], other, own)
            shares = fit.forest.predict(batch.reshape(-1, own.shape[1]))
            shares = shares.reshape(len(maps), len(own), -1)
            auc[maps] += score(shares, fit.test.label) / swaps
    return fit.auc - auc


def interval_over_folds(loss: Float64, ratio: float) -> tuple[Float64, Float64]:
    """95 % interval of the mean over folds and repeats that share training cases.

    Parameters
    ----------
    loss : (J, K) float64 array
        One row a fold and repeat.
    ratio : float
        Test units over training units; widens the interval for the overlap.

    Returns
    -------
    low, high : (K,) float64 arrays
        NaN for fewer than three rows.

    References
    ----------
    Nadeau and Bengio, Machine Learning, 2003.
    """
    n = len(loss)
    mean = loss.mean(axis=0)
    if n < 3:
        return np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    half = t.ppf(0.975, n - 1) * np.sqrt((1 / n + ratio) * loss.var(axis=0, ddof=1))
    return mean - half, mean + half
