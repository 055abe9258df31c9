"""Which images lie side by side, and in which order; knows no layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_latentattr.core.results import Picture
from napari_latentattr.core.types import Float64

# More cells than this are too small to be read; then the strongest few are shown.
MOST_CELLS, STRONGEST = 8, 6


def cell_order(
    channels: Sequence[str],
    picture: Picture | None,
    ratio: Float64 | None = None,
    *,
    every: bool = False,
) -> list[str]:
    """Images in the order of their cells: the one that drives the map most first.

    Parameters
    ----------
    channels : sequence of str
    picture : Picture or None
        Tells the order by its strength where the drivers were not measured; without one the
        images keep theirs.
    ratio : (C,) float64 array, optional
        How far each image moves the map.
    every : bool
        Show all images, however small their cells get.

    Returns
    -------
    list of str
        All images, or the `STRONGEST` where there are more than `MOST_CELLS`.
    """
    order = list(channels)
    if ratio is not None and not np.isnan(ratio).all():
        strength = np.nan_to_num(ratio, nan=-np.inf)
    elif picture is not None:
        strength = np.square(picture.volume, dtype=np.float64).reshape(len(order), -1).sum(axis=1)
    else:
        strength = np.zeros(len(order))
    order = [channels[i] for i in np.argsort(-strength, kind="stable")]
    return order if every or len(order) <= MOST_CELLS else order[:STRONGEST]
