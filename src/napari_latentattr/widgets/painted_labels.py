"""Labels that are painted on an image lie where the image lies, exactly.

napari gives a new Labels layer the scale of the image and forgets its exact geometry.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Labels

from napari_latentattr.core.types import Grid
from napari_latentattr.layers import KEY


def adopt_grid(labels: Any, others: list[Any]) -> None:
    """Give new labels the grid of an image with the same voxels in the same place.

    Parameters
    ----------
    labels : layer
        Just added; anything but Labels without a grid is left alone.
    others : list of layer
    """
    if not isinstance(labels, Labels) or KEY in labels.metadata:
        return
    for layer in others:
        kept = layer.metadata.get(KEY)
        grid = kept.get("grid") if isinstance(kept, dict) else None
        if isinstance(grid, Grid) and _same_place(labels, layer, grid):
            labels.metadata = {**labels.metadata, KEY: {"grid": grid}}
            labels.units = layer.units
            labels.axis_labels = layer.axis_labels
            return


def _same_place(labels: Any, layer: Any, grid: Grid) -> bool:
    return bool(
        tuple(labels.data.shape) == grid.shape
        and labels.ndim == layer.ndim
        and np.allclose(labels.scale, layer.scale)
        and np.allclose(labels.translate, layer.translate)
    )
