"""Puts an image on the voxels of another one, by position in the patient."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from napari_latentattr.core.types import Grid
from napari_latentattr.io.itk import array_of, image_of

Interpolation: TypeAlias = Literal["linear", "nearest"]
_ITK = {"linear": sitk.sitkLinear, "nearest": sitk.sitkNearestNeighbor}


def resample(
    data: npt.NDArray[Any], old: Grid, new: Grid, *, interpolation: Interpolation = "linear"
) -> npt.NDArray[Any]:
    """Look up an image at the voxels of another grid.

    Parameters
    ----------
    data : (*S) array
        On `old`; numbers, not bool.
    old, new : Grid
        Both with known orientation and as many axes.
    interpolation : {"linear", "nearest"}
        Nearest for labels and masks.

    Returns
    -------
    (*S of `new`) array of the same type
        0 where `old` does not reach.
    """
    wanted = image_of(np.zeros(new.shape, dtype=np.uint8), new)
    sampled = sitk.Resample(image_of(data, old), wanted, interpolator=_ITK[interpolation])
    return np.asarray(array_of(sampled))
