"""A network on a part of an image at a time: boxes of its steps, as if the whole had been run.

A tile is computed from all voxels that it sees. Only true edges of the image are padded, so that
tiles give what the whole gives, within float rounding, and no network need be cut to its stride.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise, product
from typing import Any

import numpy as np
from torch import Tensor
from torch.nn.modules.conv import _ConvNd

from napari_latentattr.core.stopping import stop_if_asked
from napari_latentattr.model.blocks import boxed, placed, sum_scale
from napari_latentattr.model.boxes import Boxes, Int, axis_weights, gather, required
from napari_latentattr.model.graph import Graph, Step

# Of the convolutions of a tile, so that work can be stopped in between.
_MOST_PRODUCTS = 10**9
_FIRST: Int = np.zeros(1, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """Activations of a part of an image.

    Attributes
    ----------
    boxes : sequence of Boxes
        One a step, of one box each.
    activations : sequence of (1, F, *s) tensor
    """

    boxes: Sequence[Boxes]
    activations: Sequence[Tensor]


class Canvas:
    """A graph on images of one size.

    Parameters
    ----------
    graph : Graph
    x : (1, C, *S) tensor
        An image like those to come; its values do not matter.

    Attributes
    ----------
    graph : Graph
    images : list of (1, F, *S) tensor
        Zeros like what each step gives; they take no memory.
    """

    def __init__(self, graph: Graph, x: Tensor) -> None:
        self.graph = graph
        self.images = [_blank(x, x.shape[1], x.shape[2:])]
        for step in graph.steps[1:]:
            given = [self.images[i] for i in step.inputs]
            self.images.append(_blank(x, _features(step, given), _space(step, given[0])))
        self._scales: dict[int, Tensor] = {}

    def whole(self) -> list[Boxes]:
        """All of every step's output."""
        return [_box([0] * (i.ndim - 2), i.shape[2:]) for i in self.images]

    def needed(self, wanted: Sequence[Boxes | None]) -> list[Boxes]:
        """Boxes that it takes to compute some of them, as of `gather`."""
        return gather(self.graph, self.images, wanted)

    def scale(self, i: int, box: Boxes) -> Tensor:
        """From sums to averages in a box of a pooling, (1, 1, *s)."""
        if i not in self._scales:
            step = self.graph.steps[i]
            self._scales[i] = sum_scale(step, self.images[step.inputs[0]])
        return self._scales[i][slices(box)]

    def tile(self, x: Tensor, boxes: Sequence[Boxes]) -> Tile:
        """Activations in boxes of every step, from the first of them, x (1, C, *s)."""
        found = [x]
        for i in range(1, len(boxes)):
            found.append(self._step(i, boxes, found))
        return Tile(boxes, found)

    def latents(self, x: Tensor, boxes: Sequence[Boxes]) -> Tensor:
        """Last activation of a tile; each of the others is forgotten when it was used."""
        last = {k: i for i, step in enumerate(self.graph.steps) for k in step.inputs}
        made = {0: x}
        for i in range(1, len(boxes)):
            made[i] = self._step(i, boxes, made)
            for k in set(self.graph.steps[i].inputs):
                if last[k] == i:
                    del made[k]
        return made[len(boxes) - 1]

    def fits(self, boxes: Sequence[Boxes], limit: int) -> bool:
        """Whether activations in boxes take no more bytes than that, and not too long."""
        sizes = zip(self.images, boxes, strict=True)
        numbers = [image.shape[1] * math.prod(box.size.tolist()) for image, box in sizes]
        products = sum(
            numbers[k] * products_of(step) // self.images[k].shape[1]
            for step in self.graph.steps
            for k in step.inputs
        )
        # Once as they are, once more laid out for reading or with their edges.
        memory = 2 * sum(numbers) * self.images[0].element_size()
        return bool(memory <= limit and products <= _MOST_PRODUCTS)

    def _step(
        self, i: int, boxes: Sequence[Boxes], made: Sequence[Tensor] | Mapping[int, Tensor]
    ) -> Tensor:
        stop_if_asked()
        step = self.graph.steps[i]
        reach = required(step, boxes[i], self.images[step.inputs[0]])
        blocks = [_around(made[k], boxes[k], reach.block, step.edge) for k in step.inputs]
        scale = partial(self.scale, i, boxes[i])
        return boxed(step, blocks, reach, _FIRST, free=False, scale=scale)


def tiles_of(canvas: Canvas, limit: int) -> Iterator[list[Boxes]]:
    """Boxes of tiles that together hold every latent once; each takes at most `limit` bytes."""
    shape = canvas.images[-1].shape[2:]
    stride = [n / m for n, m in zip(canvas.images[0].shape[2:], shape, strict=True)]
    size = list(shape)
    while max(size) > 1 and not canvas.fits(_middle(canvas, size), limit):
        axis = max(range(len(size)), key=lambda a: size[a] * stride[a] if size[a] > 1 else 0)
        size[axis] = -(-size[axis] // 2)
    edges = [[*range(0, n, s), n] for n, s in zip(shape, size, strict=True)]
    for sides in product(*map(pairwise, edges)):
        yield _tile(canvas, [a for a, _ in sides], [b - a for a, b in sides])


def products_of(step: Step) -> int:
    """Products that a convolution forms for a voxel of its input."""
    if step.window is None or not isinstance(step.module, _ConvNd):
        return 0
    per_output = step.module.weight.numel()
    return per_output // (1 if step.kind == "conv_transpose" else math.prod(step.window.stride))


def _middle(canvas: Canvas, size: Sequence[int]) -> list[Boxes]:
    shape = canvas.images[-1].shape[2:]
    return _tile(canvas, [(n - s) // 2 for n, s in zip(shape, size, strict=True)], size)


def _tile(canvas: Canvas, origin: Sequence[int], size: Sequence[int]) -> list[Boxes]:
    return canvas.needed([*[None] * (len(canvas.images) - 1), _box(origin, size)])


def _box(origin: Sequence[int], size: Sequence[int]) -> Boxes:
    return Boxes(np.asarray([origin], dtype=np.int64), np.asarray(size, dtype=np.int64))


def slices(box: Boxes) -> tuple[Any, ...]:
    """Index of a box in an image (1, F, *S)."""
    sides = zip(box.origin[0].tolist(), box.size.tolist(), strict=True)
    return (slice(None), slice(None), *(slice(a, a + n) for a, n in sides))


def _around(made: Tensor, box: Boxes, block: Boxes, edge: float) -> Tensor:
    """Cut a block out of what was made in a box; around the image it is padded."""
    offset = block.origin - box.origin
    if (offset >= 0).all() and (offset + block.size <= box.size).all():
        return made[slices(Boxes(offset, block.size))]
    padded = made.new_full((1, made.shape[1], *block.size.tolist()), edge)
    return placed(padded, made, -offset)


def _blank(like: Tensor, features: int, shape: Sequence[int]) -> Tensor:
    return like.new_zeros(()).expand(1, features, *shape)


def _features(step: Step, given: Sequence[Tensor]) -> int:
    if isinstance(step.module, _ConvNd):
        return step.module.out_channels
    return sum(i.shape[1] for i in given) if step.kind == "cat" else given[0].shape[1]


def _space(step: Step, given: Tensor) -> tuple[int, ...]:
    """Voxels of a step's output along each axis."""
    if step.kind == "resize":
        return tuple(len(axis_weights(step, axis, given)) for axis in range(given.ndim - 2))
    if step.window is None:
        return tuple(given.shape[2:])
    ceil = bool(getattr(step.module, "ceil_mode", False))
    window = step.window
    sides = zip(
        given.shape[2:], window.kernel, window.stride, window.dilation, window.padding, strict=True
    )
    if step.kind == "conv_transpose":
        return tuple((n - 1) * s + d * (k - 1) + 1 - sum(p) for n, k, s, d, p in sides)
    return tuple(_places(n, d * (k - 1) + 1, s, p, ceil=ceil) for n, k, s, d, p in sides)


def _places(n: int, wide: int, step: int, pads: tuple[int, int], *, ceil: bool) -> int:
    """Places of a window along an axis; of rounded-up ones, none begins behind the image."""
    room = n + sum(pads) - wide
    places = (-(-room // step) if ceil else room // step) + 1
    return places - 1 if ceil and (places - 1) * step >= n + pads[0] else places
