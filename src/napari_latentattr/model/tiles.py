"""A network on a part of an image at a time: boxes of its steps, as if the whole had been run.

A tile is computed from all voxels that it sees. Only true edges of the image are padded, so that
tiles give what the whole gives, within float rounding, and no network need be cut to its stride.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor
from torch.nn.modules.conv import _ConvNd

from napari_latentattr.core.stopping import stop_if_asked
from napari_latentattr.model.blocks import boxed, placed, sum_scale
from napari_latentattr.model.boxes import Boxes, Int, axis_weights, gather, required
from napari_latentattr.model.graph import Graph, Step
from napari_latentattr.model.running import stop_on_the_way_back

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
        return [box([0] * (i.ndim - 2), i.shape[2:]) for i in self.images]

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
        """Whether activations in boxes take no more bytes than that."""
        sizes = zip(self.images, boxes, strict=True)
        numbers = sum(image.shape[1] * math.prod(box.size.tolist()) for image, box in sizes)
        # Once as they are, once more laid out for reading or with their edges.
        return bool(2 * numbers * self.images[0].element_size() <= limit)

    def products(self, boxes: Sequence[Boxes]) -> list[int]:
        """Products that each step forms in boxes, about."""
        return [
            sum(math.prod(boxes[k].size.tolist()) * products_of(step) for k in step.inputs)
            for step in self.graph.steps
        ]

    def _step(
        self, i: int, boxes: Sequence[Boxes], made: Sequence[Tensor] | Mapping[int, Tensor]
    ) -> Tensor:
        stop_if_asked()
        step = self.graph.steps[i]
        reach = required(step, boxes[i], self.images[step.inputs[0]])
        blocks = [_around(made[k], boxes[k], reach.block, step.edge) for k in step.inputs]
        scale = partial(self.scale, i, boxes[i])
        found = boxed(step, blocks, reach, _FIRST, free=False, scale=scale)
        stop_on_the_way_back(found)
        return found


def products_of(step: Step) -> int:
    """Products that a convolution forms for a voxel of its input."""
    if step.window is None or not isinstance(step.module, _ConvNd):
        return 0
    per_output = step.module.weight.numel()
    return per_output // (1 if step.kind == "conv_transpose" else math.prod(step.window.stride))


def box(origin: Sequence[int], size: Sequence[int]) -> Boxes:
    """One box."""
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
