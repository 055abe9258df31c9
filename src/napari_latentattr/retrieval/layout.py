"""Positions of cases in a picture; says nothing about groups."""

from __future__ import annotations

import numpy as np

from napari_latentattr.core.clusters import Layout
from napari_latentattr.core.types import Float64
from napari_latentattr.retrieval.axes import Axes

_PERPLEXITY = 30


def lay_out(axes: Axes, layout: Layout, seed: int) -> Float64:
    """Two numbers a case (N, 2): the first two principal axes, or t-SNE of all maps."""
    if layout == "pca":
        return np.pad(axes.score[:, :2], ((0, 0), (0, max(0, 2 - axes.score.shape[1]))))
    from sklearn.manifold import TSNE  # takes a second to import

    found = TSNE(
        perplexity=min(_PERPLEXITY, (len(axes.standard) - 1) / 3),
        init="pca" if axes.standard.shape[1] > 1 else "random",
        random_state=seed,
    ).fit_transform(axes.standard)
    return np.asarray(found, dtype=np.float64)
