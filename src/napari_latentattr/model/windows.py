"""Where windows of an input lie in the activations of a graph, laid out for fast reading.

Shapes and places only: the same for every case of one size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from napari_latentattr.model.boxes import Boxes, Int, Reach, follow
from napari_latentattr.model.graph import Graph

_MOST_VOXELS = 2**22  # looked at in one go


@dataclass(frozen=True, slots=True, eq=False)
class Cutout:
    """Where the boxes of all windows lie in an image whose voxels stand in one row.

    Attributes
    ----------
    first : (W,) tensor
        Place of the first voxel of each box.
    within : (P,) tensor
        Places of all voxels of a box after its first.
    size : tuple of int
    edges : tuple of (int, int)
        Voxels that the image needs around it, per axis.
    """

    first: Tensor
    within: Tensor
    size: tuple[int, ...]
    edges: tuple[tuple[int, int], ...]

    def laid_out(self, image: Tensor, value: float = 0.0) -> Tensor:
        """Voxels (V, F) of an image (1, F, *S), with edges of one value."""
        if any(low or high for low, high in self.edges):
            around = [e for edge in reversed(self.edges) for e in edge]
            image = functional.pad(image, around, value=value)
        return image[0].movedim(0, -1).flatten(0, -2).contiguous()

    def cut(self, voxels: Tensor, rows: Tensor) -> Tensor:
        """Boxes (B, F, *size) of some windows, features side by side in memory."""
        places = (self.first[rows, None] + self.within).flatten()
        boxes = voxels.index_select(0, places)
        return boxes.view(len(rows), *self.size, -1).movedim(-1, 1)


def cutout(boxes: Boxes, shape: Sequence[int]) -> Cutout:
    """Cut boxes out of images of a shape."""
    end = (boxes.origin + boxes.size).max(axis=0)
    low = np.maximum(0, -boxes.origin.min(axis=0))
    high = np.maximum(0, end - np.asarray(shape))
    padded = tuple(int(n) for n in np.asarray(shape) + low + high)
    size = tuple(int(n) for n in boxes.size)
    first = np.ravel_multi_index(tuple((boxes.origin + low).T), padded)
    within = np.ravel_multi_index(tuple(np.indices(size).reshape(len(size), -1)), padded)
    edges = tuple((int(a), int(b)) for a, b in zip(low, high, strict=True))
    return Cutout(torch.from_numpy(first), torch.from_numpy(within), size, edges)


class Windows:
    """Windows of one size, and what they reach at every step of a graph.

    Attributes
    ----------
    starts : (W, d) int array
        First voxel of each, in an order in which neighbours can run together.
    size : tuple of int
    place : (W,) int array
        Position of each among the windows as they were given.
    """

    def __init__(
        self, graph: Graph, activations: Sequence[Tensor], starts: Int, size: Sequence[int]
    ) -> None:
        shapes = [a.shape[2:] for a in activations]
        reaches = follow(graph, activations, starts, size)
        inputs = [[reaches[i].out.origin for i in step.inputs] for step in graph.steps]
        offsets = [
            [o - r.block.origin for o in given] for r, given in zip(reaches, inputs, strict=True)
        ]
        kinds = np.concatenate(
            [o for given in offsets for o in given] + [r.crop for r in reaches], 1
        )
        self.place = np.lexsort(kinds.T)
        self.starts, self.size = starts[self.place], tuple(size)
        self.reaches = [_sorted(r, self.place) for r in reaches]
        self.offsets = [[o[self.place] for o in given] for given in offsets]
        self.blocks = [
            [cutout(r.block, shapes[i]) for i in step.inputs]
            for step, r in zip(graph.steps, self.reaches, strict=True)
        ]
        self.outs = [cutout(r.out, s) for r, s in zip(self.reaches, shapes, strict=True)]
        self.direct = [
            [_same(self.reaches[i].out, r.block) for i in step.inputs]
            for step, r in zip(graph.steps, self.reaches, strict=True)
        ]

    def __len__(self) -> int:
        return len(self.starts)

    def touched(self, difference: Tensor) -> Tensor:
        """Positions (W',) of the windows in which an image (1, F, *S) is not zero throughout."""
        there = self.outs[0].laid_out((difference != 0).any(dim=1, keepdim=True))
        every = torch.split(torch.arange(len(self)), max(1, _MOST_VOXELS // math.prod(self.size)))
        found = [self.outs[0].cut(there, rows).flatten(1).any(dim=1) for rows in every]
        return torch.cat(found).nonzero().flatten()


def _sorted(reach: Reach, order: Int) -> Reach:
    boxes = [Boxes(b.origin[order], b.size) for b in (reach.out, reach.block)]
    return Reach(boxes[0], boxes[1], reach.crop[order], tuple(m[order] for m in reach.maps))


def _same(a: Boxes, b: Boxes) -> bool:
    return np.array_equal(a.size, b.size) and np.array_equal(a.origin, b.origin)
