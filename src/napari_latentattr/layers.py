"""Turns images into layers for the viewer, as plain tuples; every layer lies in one place in mm.

A viewer draws scale and translation exactly and drops rotations, so layers get those two alone;
the exact affine travels in the metadata. This file refuses to import a viewer.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_latentattr.core.types import Grid, ImageStack
from napari_latentattr.io.study_file import read_study_file
from napari_latentattr.io.volumes import read_labels, read_stack
from napari_latentattr.samples.folders import sample_folder

Layer: TypeAlias = tuple[npt.NDArray[Any], dict[str, Any], Literal["image", "labels"]]

# Direction in which the index of each canonical axis grows: inferior, posterior, left
_DIRECTIONS = ("I", "P", "L")
_UNKNOWN = ("slice", "row", "column")
_KEY = "napari-latentattr"


def image_layers(stack: ImageStack) -> list[Layer]:
    """Layers of the images of one case; the first one is visible.

    Parameters
    ----------
    stack : ImageStack

    Returns
    -------
    list of (data, keyword arguments, "image")
        One a channel, data of shape (*S).
    """
    return [
        (
            image,
            {
                "name": channel,
                "colormap": "gray",
                "contrast_limits": _contrast(image),
                "visible": index == 0,
                **placement(stack.grid),
            },
            "image",
        )
        for index, (channel, image) in enumerate(zip(stack.channels, stack.data, strict=True))
    ]


def placement(grid: Grid) -> dict[str, Any]:
    """Keyword arguments that put an array on `grid` where it belongs in the viewer.

    Parameters
    ----------
    grid : Grid
        In canonical order.

    Returns
    -------
    dict
        Scale and translation in mm along (inferior, posterior, left); they keep the centre of an
        oblique grid in its place. The metadata keep `grid` with its exact affine. Axes are named
        by direction only where the file said how it is oriented.
    """
    scale = np.array(grid.spacing)
    middle = (np.array(grid.shape) - 1) / 2
    # The affine gives superior, anterior and right; the axes of the viewer run the other way.
    centre = -(grid.affine[:-1, :-1] @ middle + grid.affine[:-1, -1])
    return {
        "scale": tuple(scale.tolist()),
        "translate": tuple((centre - scale * middle).tolist()),
        "units": ("mm",) * grid.ndim,
        "axis_labels": (_DIRECTIONS if grid.known else _UNKNOWN)[-grid.ndim :],
        "metadata": {_KEY: {"grid": grid}},
    }


def dti_sample() -> list[Layer]:
    """Open the real images of one person that ship with the package.

    Returns
    -------
    list of layers
        Fractional anisotropy, its three directional parts and the labels of three bundles.
    """
    folder = sample_folder("dti")
    study = read_study_file(folder / "study_grouped.yaml")
    stack = read_stack([folder / "dti.nii.gz"], channels=study.channels, case="dti")
    labels = read_labels(folder / "labels.nii.gz", stack.grid, case=stack.case)
    names = study.labels or {}
    look = {
        "name": "labels",
        "opacity": 0.6,
        # Shown in the status bar under the pointer
        "features": {"index": [0, *names.values()], "name": ["", *names]},
        **placement(stack.grid),
    }
    return [*image_layers(stack), (labels, look, "labels")]


def _contrast(image: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Black at 0 or below, white at the 99.8th percentile; never an empty range."""
    low, high = min(0.0, float(image.min())), float(np.percentile(image, 99.8))
    return low, high if high > low else low + 1.0
