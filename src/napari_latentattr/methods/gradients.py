"""The mean of one map over the latents that count, as a function of images; for its gradients.

Refuses to know how gradients are turned into a picture.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from napari_latentattr.core.progress import Progress
from napari_latentattr.core.types import Bool, Float32, Float64, ImageStack
from napari_latentattr.methods.latents import counted_latents
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.parts import check_fits, latent_shape
from napari_latentattr.model.slicewise import SlicewiseModel
from napari_latentattr.model.way import flat_model

# Of images in one batch; activations with their gradients take 50 times as much.
BATCH_BYTES = 4 * 2**20

# The unit of a gradient.
SLOPE = "latent units per unit of intensity"


def map_mean(
    model: LatentModel | SlicewiseModel, stack: ImageStack, which: int, latents: Bool | None
) -> Callable[[Tensor], Tensor]:
    """Mean of a map over the latents that count: (N, C, *S) to (N,).

    Parameters
    ----------
    stack : ImageStack
        Its size and mask are those of all images to come.
    latents : (*L) bool array or None
        Those that count; the ones of the body when None.
    """
    weight = _weight(model, stack, latents).flatten()
    return lambda images: model.encode_tensor(images)[:, which].flatten(1) @ weight


def over_whole_passes(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    which: int,
    latents: Bool | None,
    explain: Callable[[Tensor, Callable[[Tensor], Tensor]], Tensor],
    progress: Progress,
) -> Tensor:
    """Explain the mean of a map where captum has to watch the layers as they run.

    Parameters
    ----------
    latents : (*L) bool array or None
        As of `map_mean`.
    explain : callable
        Takes images (n, C, *S) and what each adds to the mean, as a function of them: to (n,).
        Returns (n, F, *T). A volume is one image; a 2D model gets a few slices at a time.

    Returns
    -------
    (N, F, *T) tensor
        Of the volume, N = 1, or of all its slices.

    Raises
    ------
    ModelError
        When an image does not fit in memory.
    """
    flat = flat_model(model)
    x, weight = image_tensor(stack.data, model), _weight(model, stack, latents)
    if isinstance(model, SlicewiseModel):
        x, weight = model.fold(x), model.fold(weight)
    step = max(1, BATCH_BYTES // (x[0].numel() * x.element_size()))
    found: list[Tensor] = []
    for images, own in zip(torch.split(x, step), torch.split(weight[:, 0], step), strict=True):
        progress.report(len(found), len(x), "following the gradient back")
        check_fits(flat, images, "cannot be run in parts by this method", keeps=True)
        found.extend(explain(images.requires_grad_(), partial(_share, flat, which, own)).detach())
    progress.report(len(x), len(x), "following the gradient back")
    return torch.stack(found)


def _share(model: LatentModel, which: int, weight: Tensor, images: Tensor) -> Tensor:
    """Return what images (n, C, *S) add to the mean of a map with weights (n, *L): (n,)."""
    return (model.encode_whole(images)[:, which] * weight).flatten(1).sum(1)


def _weight(model: LatentModel | SlicewiseModel, stack: ImageStack, latents: Bool | None) -> Tensor:
    """Weight (1, 1, *L) of each latent in the mean over those that count."""
    shape = latent_shape(model, stack.grid.shape)
    inside = counted_latents(latents, stack, model.spec, shape)
    return torch.from_numpy(inside[None, None] / inside.sum()).float().to(model.spec.device)


def image_tensor(data: Float32, model: LatentModel | SlicewiseModel) -> Tensor:
    """Images (C, *S) as a new tensor (1, C, *S) on the device of the model."""
    return torch.from_numpy(data[None].copy()).to(model.spec.device)


def root_mean_square(volume: Float32, stack: ImageStack) -> Float64:
    """Root mean square (C,) of (C, *S) over the voxels of the mask."""
    total = np.zeros(len(volume))
    for row in range(volume.shape[1]):  # a volume in float64 is another two gigabytes
        part = volume[:, row]
        inside = part.reshape(len(part), -1) if stack.mask is None else part[:, stack.mask[row]]
        total += np.square(inside, dtype=np.float64).sum(axis=1)
    n = volume[0].size if stack.mask is None else stack.mask.sum()
    return np.asarray(np.sqrt(total / n))
