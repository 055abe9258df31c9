"""The mean of one map over the latents that count, as a function of images; for its gradients.

Refuses to know how gradients are turned into a picture.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from napari_latentattr.core.types import Bool, Float32, Float64, ImageStack
from napari_latentattr.methods.latents import counted_latents
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel

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
    with torch.no_grad():
        shape = tuple(model.encode_tensor(image_tensor(stack.data, model)).shape[2:])
    inside = counted_latents(latents, stack, model.spec, shape)
    weight = torch.from_numpy(inside.ravel() / inside.sum()).float().to(model.spec.device)
    return lambda images: model.encode_tensor(images)[:, which].flatten(1) @ weight


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
