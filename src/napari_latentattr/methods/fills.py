"""What a covered patch is filled with: images on the voxels of the case, one for each of its own.

Refuses to know where patches lie.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.progress import Progress
from napari_latentattr.core.stopping import stop_if_asked
from napari_latentattr.core.types import CaseSource, Float32, ImageStack
from napari_latentattr.methods.cases import companions, cut_of, mean_images, position_of
from napari_latentattr.methods.donors import with_donors
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel

Fill: TypeAlias = Literal["mean", "blur", "donor", "zero"]

OWN_MEAN = "the mean of each image itself, for want of a cohort"


def filled_images(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    fill: Fill,
    *,
    cohort: CaseSource | None,
    blur_mm: float,
    seed: int,
    progress: Progress,
) -> tuple[Float32, str]:
    """Images (C, *S) to fill with, read-only, and whose they are: a case, `OWN_MEAN`, or ``""``.

    Parameters
    ----------
    fill : {"mean", "blur", "donor", "zero"}
    blur_mm : float
        Standard deviation of the blur.

    Raises
    ------
    InputError
        When a donor lacks a cohort or has other voxels, or the cohort has one case alone.
    """
    if fill == "mean" and cohort is None:
        return _own_means(stack), OWN_MEAN
    if fill == "mean":
        others = companions(cohort, "the mean image to cover with")
        return mean_images(model, stack, others, progress), ""
    if fill == "blur":
        return _blurred(stack, blur_mm), ""
    if fill == "donor":
        donor = _donor(model, stack, cohort, seed)
        return donor.data, donor.case
    return np.broadcast_to(np.float32(0), stack.data.shape), ""


def _own_means(stack: ImageStack) -> Float32:
    """Each image as flat as its mean inside the mask."""
    means = np.empty((len(stack.data), *[1] * stack.grid.ndim), dtype=np.float32)
    for flat, source in zip(means, stack.data, strict=True):
        stop_if_asked()
        inside = source.ravel() if stack.mask is None else source[stack.mask]
        flat[:] = inside.mean(dtype=np.float64)
    return np.broadcast_to(means, stack.data.shape)


def _blurred(stack: ImageStack, blur_mm: float) -> Float32:
    from scipy import ndimage  # a quarter of a second that a window need not wait for

    sigma = [blur_mm / spacing for spacing in stack.grid.spacing]
    made = [ndimage.gaussian_filter(image, sigma, mode="nearest") for image in stack.data]
    return np.asarray(made, dtype=np.float32)


def _donor(
    model: LatentModel | SlicewiseModel, stack: ImageStack, cohort: CaseSource | None, seed: int
) -> ImageStack:
    """Case of another patient; of a cohort of one case, a surrogate of its own images."""
    if cohort is None:
        raise InputError(
            "patches of a donor come from another case, but no cohort was given; give the cohort "
            f"of case {stack.case}"
        )
    cut = cut_of(cohort)
    whole = cut.whole if cut is not None and isinstance(model, SlicewiseModel) else cohort
    case = position_of(stack, whole)
    cases, pairs = with_donors(whole, donors=1, seed=seed)
    donors = dict(pairs)[case]
    if not donors:
        raise InputError(f"case {stack.case}: the cohort has no case of another patient")
    donor = cases[donors[0]]
    if donor.data.shape != stack.data.shape:
        raise InputError(
            f"the donor {donor.case} has {_size(donor)} voxels and case {stack.case} has "
            f"{_size(stack)}; bring all cases onto the same voxels"
        )
    return donor


def _size(stack: ImageStack) -> str:
    return "x".join(map(str, stack.grid.shape))
