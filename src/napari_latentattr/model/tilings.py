"""How an image is shared out among tiles that take little memory and soon let work be stopped.

Refuses to know what is done with them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise, product
from typing import TypeAlias

from napari_latentattr.model.boxes import Boxes, follow
from napari_latentattr.model.tiles import Canvas, box

# Of a layer of a tile, so that work can be stopped in between: 0.03 s here, and no more than 0.3 s
# on a slow machine.
_MOST_PRODUCTS = 10**9
# Times the products of all layers of the whole: for the sake of stopping soon, and of memory.
_SOON, _SMALL = 1.5, 16.0

_Tiling: TypeAlias = Callable[[Canvas, Boxes], list[Boxes]]


def tiles_of(canvas: Canvas, limit: int) -> Iterator[list[Boxes]]:
    """Boxes of tiles that together hold every latent once; each takes at most `limit` bytes.

    They are smaller yet where a layer takes long, while neighbours compute little twice.
    """
    for own in _shared_out(canvas, limit, -1, _from):
        yield _from(canvas, own)


def tiles_around(canvas: Canvas, limit: int) -> Iterator[tuple[Boxes, list[Boxes]]]:
    """Likewise boxes that together hold every voxel of the input once, each with a tile.

    The tile has all latents that see the box, and all that these are computed from.
    """
    for own in _shared_out(canvas, limit, 0, _around):
        yield own, _around(canvas, own)


def _from(canvas: Canvas, latents: Boxes) -> list[Boxes]:
    """Tile of what some latents are computed from."""
    return canvas.needed([*[None] * (len(canvas.images) - 1), latents])


def _around(canvas: Canvas, voxels: Boxes) -> list[Boxes]:
    sizes = voxels.size.tolist()
    return _from(canvas, follow(canvas.graph, canvas.images, voxels.origin, sizes)[-1].out)


def _shared_out(canvas: Canvas, limit: int, step: int, tiling: _Tiling) -> Iterator[Boxes]:
    """Boxes that share a step's output out, as large as their tiles may be.

    Tiles of a network that sees far hold little of their own, so that smaller ones would never end.
    """
    shape = canvas.images[step].shape[2:]
    size = list(shape)

    def middle(size: Sequence[int]) -> list[Boxes]:
        origin = [(n - s) // 2 for n, s in zip(shape, size, strict=True)]
        return tiling(canvas, box(origin, size))

    def repeats(size: Sequence[int]) -> float:
        """All products of all tiles, over those of the whole."""
        tiles = math.prod(-(-n // s) for n, s in zip(shape, size, strict=True))
        return tiles * sum(canvas.products(middle(size))) / max(1, all_products)

    all_products = sum(canvas.products(canvas.whole()))
    conditions: list[tuple[float, Callable[[list[Boxes]], bool]]] = [
        (_SMALL, lambda tile: canvas.fits(tile, limit)),
        (_SOON, lambda tile: max(canvas.products(tile)) <= _MOST_PRODUCTS),
    ]
    for most, met in conditions:
        while max(size) > 1 and not met(middle(size)):
            smaller = _halved(canvas, size, shape)
            if repeats(smaller) > most:
                break
            size = smaller
    edges = [[*range(0, n, s), n] for n, s in zip(shape, size, strict=True)]
    for sides in product(*map(pairwise, edges)):
        yield box([a for a, _ in sides], [b - a for a, b in sides])


def _halved(canvas: Canvas, size: Sequence[int], shape: Sequence[int]) -> list[int]:
    """Size of a box in a shape, half as long along the axis on which it holds most of the input."""
    sides = zip(size, canvas.images[0].shape[2:], shape, strict=True)
    held = [own * voxels / n if own > 1 else 0 for own, voxels, n in sides]
    longest = held.index(max(held))
    return [-(-n // 2) if axis == longest else n for axis, n in enumerate(size)]
