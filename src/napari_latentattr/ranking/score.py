"""How well predictions order the outcome: one half is chance, 1 is perfect, whatever its kind."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from napari_latentattr.core.types import Float64
from napari_latentattr.ranking.units import Int


def score_name(classes: tuple[str, ...]) -> str:
    """Name what `score` gives for an outcome of these classes; none mean numbers."""
    if not classes:
        return "concordance"
    return "AUC" if len(classes) == 2 else "macro AUC"


def score(predicted: Float64, outcome: Int | Float64) -> Float64:
    """Score predictions by `macro_auc` for classes (integers), by `concordance` for numbers.

    Parameters
    ----------
    predicted : (..., R, number of classes or 1) float64 array
    outcome : (R,) int64 or float64 array
        At least two different values.

    Returns
    -------
    (...) float64 array
    """
    if np.issubdtype(outcome.dtype, np.floating):
        return concordance(predicted[..., 0], outcome.astype(np.float64))
    return macro_auc(predicted, outcome.astype(np.int64))


def concordance(predicted: Float64, outcome: Float64) -> Float64:
    """Share of pairs with different outcomes whose predictions stand in the same order.

    Equal predictions count one half. For an outcome of two values it is the area under the ROC
    curve; 2 C - 1 is Somers' D.

    Parameters
    ----------
    predicted : (..., R) float64 array
    outcome : (R,) float64 array
        At least two different values.

    Returns
    -------
    (...) float64 array

    References
    ----------
    Harrell et al., JAMA, 1982.
    """
    high, low = np.nonzero(outcome[:, None] > outcome)
    flat = predicted.reshape(-1, outcome.size)
    agree = [np.mean(0.5 + 0.5 * np.sign(one[high] - one[low])) for one in flat]
    return np.array(agree, dtype=np.float64).reshape(predicted.shape[:-1])


def macro_auc(shares: Float64, label: Int) -> Float64:
    """Area under the ROC curve, each class against the rest, averaged over the classes present.

    Parameters
    ----------
    shares : (..., R, number of classes) float64 array
        Predicted for R rows.
    label : (R,) int64 array
        At least two different classes.

    Returns
    -------
    (...) float64 array

    References
    ----------
    Hand and Till, Machine Learning, 2001; the area is the Mann-Whitney statistic.
    """
    rank = rankdata(shares, axis=-2)
    areas = []
    for one in np.unique(label):
        ones = label == one
        n = int(ones.sum())
        total = rank[..., ones, one].sum(axis=-1)
        areas.append((total - n * (n + 1) / 2) / (n * (label.size - n)))
    return np.asarray(np.mean(areas, axis=0))
