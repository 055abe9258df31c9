"""The mean of one map over the latents that count, as a function of images; for its gradients.

Refuses to know how gradients are turned into a picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
import torch
from torch import Tensor

from napari_latentattr.core.progress import Progress
from napari_latentattr.core.stopping import stop_if_asked
from napari_latentattr.core.types import Bool, Float32, Float64, ImageStack
from napari_latentattr.methods.latents import counted_latents
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.parts import check_fits, latent_shape, pieces_of
from napari_latentattr.model.slicewise import SlicewiseModel
from napari_latentattr.model.way import flat_model

# Of images in one batch; activations with their gradients take 50 times as much.
BATCH_BYTES = 4 * 2**20

# The unit of a gradient.
SLOPE = "latent units per unit of intensity"


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """What some of the latents add to the mean of a map, as a function of the voxels they see.

    Attributes
    ----------
    where : tuple of slice
        These voxels, of images (C, *S).
    kept : tuple of slice
        Those among them whose gradient is asked for.
    of : callable
        Images (n, C, *s) of them to what is added, (n,).
    together : int
        Images that are worth giving at once.
    """

    where: tuple[slice, ...]
    kept: tuple[slice, ...]
    of: Callable[[Tensor], Tensor]
    together: int
    _model: LatentModel | SlicewiseModel

    def tensor(self, values: Float32) -> Tensor:
        """Images (1, C, *s) of values at `where`, as a new tensor on the device of the model."""
        made = image_tensor(values, self._model)
        return self._model.fold(made) if isinstance(self._model, SlicewiseModel) else made

    def add(self, found: Tensor, volume: Float32) -> None:
        """Add what was found at `where` (1, C, *s) to a volume (C, *S) at `kept`, in place."""
        if isinstance(self._model, SlicewiseModel):
            found = self._model.unfold(found, 1)
        sides = zip(self.where[1:], self.kept[1:], strict=True)
        inner = [slice(k.start - w.start, k.stop - w.start) for w, k in sides]
        for image, own in zip(volume, found.detach()[0].float().cpu().numpy(), strict=True):
            stop_if_asked()  # memory that is touched for the first time takes long
            image[self.kept[1:]] += own[*inner]


def shares_of_mean(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    which: int,
    latents: Bool | None,
    *,
    around: bool = False,
) -> list[Share]:
    """Mean of a map over the latents that count, as a sum over parts of a case.

    A volume is one part, or tiles where it is large; a 2D model sees slices. Parts without a
    latent that counts are left out.

    Parameters
    ----------
    latents : (*L) bool array or None
        Those that count; the ones of the body when None.
    around : bool
        As of `pieces_of`: no sum, but every part has all latents that see what it keeps.

    Raises
    ------
    ModelError
        When a layer forbids tiles and an image does not fit in memory.
    """
    weight, shape = _weight(model, stack, latents), list(stack.grid.shape)
    axis = model.axis if isinstance(model, SlicewiseModel) else None
    if isinstance(model, SlicewiseModel):
        weight = model.fold(weight)
        del shape[model.axis]
    pieces = pieces_of(flat_model(model), shape, around=around)
    fit = max(1, BATCH_BYTES // (4 * len(stack.data) * math.prod(shape)))
    found = []
    for i, piece in product(range(len(weight)), pieces):
        own = weight[i, None][piece.latents][:, 0]
        if own.any():
            where, kept = (_in_volume(part[1:], axis, i) for part in (piece.seen, piece.kept))
            of = partial(_share, piece.run, which, own)
            found.append(Share(where, kept, of, fit if piece.whole else 1, model))
    return found


def _in_volume(part: Sequence[slice], axis: int | None, i: int) -> tuple[slice, ...]:
    """Part of images (C, *S) that is this part of them, or of their i-th slices along an axis."""
    found = list(part)
    if axis is not None:
        found.insert(1 + axis, slice(i, i + 1))
    return tuple(found)


def summed_gradient(
    share: Share,
    points: Callable[[range], Tensor],
    weights: Float64,
    progress: Progress,
    text: str,
) -> Tensor:
    """Sum of the gradients of a share at n points, each times its weight, (1, C, *s).

    Parameters
    ----------
    points : callable
        Some of the n points, as images (m, C, *s).
    weights : (n,) float64 array
    """
    n, found = len(weights), torch.zeros(())
    for done in range(0, n, share.together):
        progress.report(done, n, text)
        some = range(done, min(done + share.together, n))
        given = points(some).requires_grad_()
        value = share.of(given)
        weight = torch.from_numpy(weights[some.start : some.stop]).to(value)
        (slope,) = torch.autograd.grad(value @ weight, given)
        found = found.to(slope.device) + slope.double().sum(0, keepdim=True)
    return found.float()


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
        found.extend(
            explain(
                images.requires_grad_(), partial(_share, flat.encode_whole, which, own)
            ).detach()
        )
    progress.report(len(x), len(x), "following the gradient back")
    return torch.stack(found)


def _share(run: Callable[[Tensor], Tensor], which: int, weight: Tensor, images: Tensor) -> Tensor:
    """Return what images (n, C, *S) add to the mean of a map with weights (n, *L): (n,)."""
    return (run(images)[:, which] * weight).flatten(1).sum(1)


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
        stop_if_asked()
        part = volume[:, row]
        inside = part.reshape(len(part), -1) if stack.mask is None else part[:, stack.mask[row]]
        total += np.square(inside, dtype=np.float64).sum(axis=1)
    n = volume[0].size if stack.mask is None else stack.mask.sum()
    return np.asarray(np.sqrt(total / n))
