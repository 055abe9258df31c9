"""Maps that rise and fall together, which the data cannot tell apart."""

from __future__ import annotations

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from napari_latentattr.core.types import Float64
from napari_latentattr.ranking.rows import Rows
from napari_latentattr.ranking.units import Int

_MOST_ROWS = 20_000


def cluster_maps(rows: Rows, *, least: float = 0.7, seed: int = 0) -> Int:
    """Cluster number of every map (K,), counted from 0 in the order of the maps.

    Average linkage on ``1 - |r|``, cut so that the mean |r| of what is joined is at least `least`.
    r is taken where the outcome differs: between latents when it varies within a case, between
    cases when it does not (then noise within a case says nothing about telling maps apart).
    """
    profile = map_profiles(rows, np.random.default_rng((seed, 4)))
    if profile.shape[1] == 1:
        return np.zeros(1, dtype=np.int64)
    distance = 1 - np.abs(correlate(profile))
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), method="average")
    number = fcluster(tree, 1 - least + 1e-9, criterion="distance")
    _, first, member = np.unique(number, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[member].astype(np.int64)


def map_profiles(rows: Rows, rng: np.random.Generator) -> Float64:
    """Values of the maps (R, K) whose correlation says whether they can be told apart."""
    first = np.unique(rows.map_of, return_index=True)[1]
    weight = rows.inside / np.maximum(rows.inside.sum(axis=1, keepdims=True), 1)
    mean_label = (weight * rows.label).sum(axis=1, keepdims=True)
    if np.any(rows.inside & (np.abs(rows.label - mean_label) > 1e-9)):
        case, place = np.nonzero(rows.inside)
        pick = rng.permutation(case.size)[:_MOST_ROWS]
        return rows.values[case[pick], place[pick]][:, first].astype(np.float64)
    means = np.einsum("np,npk->nk", weight, rows.values[:, :, first].astype(np.float64))
    return np.asarray(means)


def correlate(profile: Float64) -> Float64:
    """Pearson correlation of the columns (K, K); 0 for a column that does not vary."""
    centred = profile - profile.mean(axis=0)
    length = np.linalg.norm(centred, axis=0)
    unit = centred / np.where(length > 0, length, 1.0)
    return np.asarray(np.clip(unit.T @ unit, -1.0, 1.0))
