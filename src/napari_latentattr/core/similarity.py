"""How alike two pictures are, whatever their scale; knows no verdict."""

from __future__ import annotations

import numpy as np
from scipy import stats

from napari_latentattr.core.types import Bool, Float32, Float64


def rank_correlation(a: Float32, b: Float32, mask: Bool | None) -> Float64:
    """Correlate the ranks of two pictures inside the mask, image by image.

    Parameters
    ----------
    a, b : (C, *S) float32 array
    mask : (*S) bool array or None

    Returns
    -------
    (C,) float64 array
        Spearman's coefficient, ties at their mean rank. 0 where one of the two is the same
        everywhere, so that nothing is alike; NaN where both are.
    """
    rows = [standard_ranks(volume, mask) for volume in (a, b)]
    flat = [~row.any(axis=1) for row in rows]
    found = np.asarray((rows[0] * rows[1]).sum(axis=1), dtype=np.float64)
    found[flat[0] & flat[1]] = np.nan
    return found


def standard_ranks(volume: Float32, mask: Bool | None) -> Float64:
    """Ranks (C, V) with mean 0 and norm 1; all 0 where a picture is the same everywhere."""
    inside = volume.reshape(len(volume), -1) if mask is None else volume[:, mask]
    ranks = stats.rankdata(inside, axis=1)
    ranks = ranks - ranks.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(ranks, axis=1, keepdims=True)
    return np.asarray(ranks / np.where(norm > 0, norm, 1.0))
