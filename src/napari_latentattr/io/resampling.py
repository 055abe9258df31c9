"""Puts an image on the voxels of another one, by position in the patient."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from napari_latentattr.core.types import Bool, Grid
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


def bring_onto(
    data: npt.NDArray[Any], old: Grid, new: Grid, *, valid: Bool | None = None
) -> tuple[npt.NDArray[Any], Bool | None]:
    """Bring an image onto another grid (linear), and tell how far it reaches there.

    Parameters
    ----------
    data : (*S) float array
        On `old`.
    old, new : Grid
        As in `resample`.
    valid : (*S) bool array, optional
        Voxels that hold numbers; all where None.

    Returns
    -------
    data : (*S of `new`) array
        0 where it does not reach.
    reached : (*S of `new`) bool array or None
        Voxels of which all that they were interpolated from holds numbers; None when all do.
    """
    there = np.ones(old.shape) if valid is None else valid.astype(float)
    reached = resample(there, old, new) > 1 - 1e-6
    moved = np.where(reached, resample(data, old, new), 0)
    return moved, None if reached.all() else reached
