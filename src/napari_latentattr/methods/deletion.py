"""Exchange the voxels that a picture marks most, and see how far the map moves.

Refuses to know how the picture was made, and makes no claim.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from torch import Tensor

from napari_latentattr.core.progress import Progress
from napari_latentattr.core.sanity import Curve
from napari_latentattr.core.types import Bool, Float32, Float64, ImageStack
from napari_latentattr.methods.gradients import image_tensor
from napari_latentattr.methods.latents import counted_latents
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel

Order: TypeAlias = npt.NDArray[np.int64]

# Most is decided early, so shares double.
SHARES = np.array([0, 1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1])
# Fewer could not tell a picture from chance at a level of 5 %.
ORDERS = 19


def exchange_curve(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    which: int,
    picture: Float32,
    *,
    start: Float32,
    end: Float32,
    latents: Bool | None,
    seed: int,
    progress: Progress,
) -> Curve:
    """Exchange voxels of `start` for those of `end`, by falling size of the picture.

    Parameters
    ----------
    picture : (C, *S) or (1, *S) float32 array
        Its size ranks the voxels of all images inside the mask; equal ones in random order.
    start, end : (C, *S) float32 array
    latents : (*L) bool array or None
        Those that count; the ones of the body when None.
    """
    rng = np.random.default_rng(seed)
    voxels = np.flatnonzero(np.broadcast_to(_inside(stack), start.shape))
    size = np.abs(np.broadcast_to(picture, start.shape).ravel()[voxels])
    orders = [np.lexsort((rng.random(size.size), -size))]
    orders += [rng.permutation(size.size) for _ in range(ORDERS)]
    old, new = start.ravel(), end.ravel()

    def read(order: Order, share: float) -> Float64:
        """Latents (*L) of the map with this share of the voxels exchanged."""
        first = voxels[order[: round(share * len(order))]]
        images = old.copy()
        images[first] = new[first]  # `flat` takes ten times as long, and holds up all threads
        z: Tensor = model.encode_tensor(image_tensor(images.reshape(start.shape), model))[0, which]
        found: Float64 = z.double().cpu().numpy()
        return found

    values, moved = np.empty((2, len(orders), len(SHARES)))
    with model.running():
        first, last = read(orders[0], 0.0), read(orders[0], 1.0)
        counted = counted_latents(latents, stack, model.spec, first.shape)
        for row, order in enumerate(orders):
            progress.report(row, len(orders), "exchanging marked voxels")
            between = [read(order, share) for share in SHARES[1:-1]]
            path = np.stack([first, *between, last])[:, counted]
            values[row] = path.mean(axis=1)
            moved[row] = np.sqrt(((path - path[0]) ** 2).mean(axis=1))
    progress.report(len(orders), len(orders), "exchanging marked voxels")
    return Curve(SHARES.copy(), values[0], moved[0], moved[1:])


def _inside(stack: ImageStack) -> Bool:
    return np.ones(stack.grid.shape, dtype=bool) if stack.mask is None else stack.mask
