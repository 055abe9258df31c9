"""Latent maps of images that take more memory than they may: case by case, tile by tile.

Refuses to know how much memory there is; see `LatentModel.room`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import Tensor

from napari_latentattr.core.errors import ModelError
from napari_latentattr.model.boxes import Boxes
from napari_latentattr.model.device import free_bytes
from napari_latentattr.model.graph import UnreadableError
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.reading import read_encoder
from napari_latentattr.model.slicewise import SlicewiseModel
from napari_latentattr.model.tiles import Canvas, slices
from napari_latentattr.model.tilings import tiles_around, tiles_of

# Memory of all activations, over that of a pass that forgets them; about.
_KEPT = 4
# Of activations that a gradient goes through: with more, a layer takes long on the way back.
_MOST_KEPT_BYTES = 2**27


def encode_in_parts(model: LatentModel, x: Tensor) -> Tensor:
    """Latent maps (N, K, *L) of images (N, C, *S), with as little memory at a time as may be.

    Gradients go through: what a tile needs for its own is computed again.

    Raises
    ------
    ModelError
        When a layer forbids tiles and the whole does not fit in memory.
    """
    return torch.cat([_encode(model, case[None]) for case in x])


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A piece of an image, and latents that are computed from it alone.

    Attributes
    ----------
    seen : tuple of slice
        Which part of images (N, C, *S).
    kept : tuple of slice
        The part of that whose gradient is asked for.
    latents : tuple of slice
        Which part of latent maps (N, K, *L).
    run : callable
        Images (N, C, *s) of the piece to these latents (N, K, *l).
    whole : bool
        It is all of the image; else N must be 1.
    """

    seen: tuple[slice, ...]
    kept: tuple[slice, ...]
    latents: tuple[slice, ...]
    run: Callable[[Tensor], Tensor]
    whole: bool


def pieces_of(model: LatentModel, shape: Sequence[int], *, around: bool = False) -> list[Piece]:
    """Pieces of an image (*S), so small that gradients go through.

    Parameters
    ----------
    around : bool
        They hold every voxel once, and each has all latents that see its voxels: for what is no
        sum over the latents. Else they hold every latent once, and what is kept overlaps.

    Raises
    ------
    ModelError
        When the network forbids tiles and the whole does not fit in memory.
    """
    x = _blank(model, shape)
    every = tuple(slice(0, n) for n in x.shape)
    whole = Piece(every, every, (slice(None),) * x.ndim, model.encode_whole, True)
    try:
        canvas = Canvas(read_encoder(model), x)
    except UnreadableError as error:
        check_fits(model, x, f"cannot be run in parts: {error}", keeps=True)
        return [whole]
    limit = min(model.room, _MOST_KEPT_BYTES)
    if around:
        found = [_piece(canvas, boxes, own) for own, boxes in tiles_around(canvas, limit)]
    else:
        found = [_piece(canvas, boxes, boxes[0]) for boxes in tiles_of(canvas, limit)]
    if len(found) > 1 and 2 * max(_size(piece) for piece in found) < math.prod(shape):
        return found
    if len(found) > 1:
        check_fits(model, x, "are seen from afar, so that parts gain nothing", keeps=True)
    return [whole]


def _size(piece: Piece) -> int:
    """Voxels that a piece sees."""
    return math.prod(part.stop - part.start for part in piece.seen[2:])


def _piece(canvas: Canvas, boxes: list[Boxes], kept: Boxes) -> Piece:
    run = partial(canvas.latents, boxes=boxes)
    return Piece(slices(boxes[0]), slices(kept), slices(boxes[-1]), run, False)


def latent_shape(model: LatentModel | SlicewiseModel, shape: Sequence[int]) -> tuple[int, ...]:
    """Shape (*L) of the latent maps of an image (*S); of most networks, without running them."""
    if isinstance(model, SlicewiseModel):
        plane = [n for a, n in enumerate(shape) if a != model.axis]
        found = list(latent_shape(model.model, plane))
        found.insert(model.axis, shape[model.axis])
        return tuple(found)
    x = _blank(model, shape)
    try:
        return tuple(Canvas(read_encoder(model), x).images[-1].shape[2:])
    except UnreadableError:
        return tuple(model.encode_tensor(x.contiguous()).shape[2:])


def _blank(model: LatentModel, shape: Sequence[int]) -> Tensor:
    """Zeros (1, C, *S) that take no memory."""
    return torch.zeros((), device=model.spec.device).expand(1, model.spec.n_channels, *shape)


def _encode(model: LatentModel, x: Tensor) -> Tensor:
    if model.footprint(x) <= model.room:
        return model.encode_whole(x)
    try:
        canvas = Canvas(read_encoder(model), x)
    except UnreadableError as error:
        check_fits(model, x, f"cannot be run in parts: {error}")
        return model.encode_whole(x)
    tiles = partial(tiles_of, canvas, model.room)
    if not torch.is_grad_enabled():
        return _run(x, canvas, tiles)
    found: Tensor = _InTiles.apply(x, canvas, tiles)  # type: ignore[no-untyped-call]
    return found


_Tiles: TypeAlias = Callable[[], Iterator[list[Boxes]]]


def _run(x: Tensor, canvas: Canvas, tiles: _Tiles) -> Tensor:
    found = x.new_empty(canvas.images[-1].shape)
    for boxes in tiles():
        found[slices(boxes[-1])] = canvas.latents(x[slices(boxes[0])], boxes)
    return found


class _InTiles(torch.autograd.Function):
    """Latents tile by tile; on the way back every tile is run once more, for its gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, canvas: Canvas, tiles: _Tiles) -> Tensor:
        ctx.save_for_backward(x)
        ctx.canvas, ctx.tiles = canvas, tiles
        return _run(x, canvas, tiles)

    @staticmethod
    def backward(ctx: Any, *slope: Tensor) -> tuple[Tensor, None, None]:
        (x,) = ctx.saved_tensors
        found = torch.zeros_like(x)
        for boxes in ctx.tiles():
            part = x[slices(boxes[0])].detach().requires_grad_()
            with torch.enable_grad():
                latents = ctx.canvas.latents(part, boxes)
            (own,) = torch.autograd.grad(latents, part, slope[0][slices(boxes[-1])])
            found[slices(boxes[0])] += own
        return found, None, None


def check_fits(model: LatentModel, x: Tensor, why: str, *, keeps: bool = False) -> None:
    """Refuse images (N, C, *S) that take more memory than there is.

    Parameters
    ----------
    why : str
        Why they are not run in parts, after "they".
    keeps : bool
        All activations are kept, as for a gradient.

    Raises
    ------
    ModelError
    """
    takes, free = model.footprint(x), free_bytes(model.spec.device)
    takes *= _KEPT if keeps else 1
    if takes > free:
        size = "x".join(map(str, x.shape[1:]))
        fit = x[0, 0].numel() * free // takes
        raise ModelError(
            f"images of {size} take {takes / 2**30:.1f} GiB in this network, {free / 2**30:.1f} "
            f"GiB are free, and they {why}; crop or resample them to {fit:,} voxels or fewer"
        )
