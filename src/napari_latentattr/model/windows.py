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

from napari_latentattr.core.types import Bool
from napari_latentattr.model.boxes import Boxes, Int, Reach, follow, hull
from napari_latentattr.model.tiles import Canvas

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


def cutout(boxes: Boxes, part: Boxes, like: Tensor) -> Cutout:
    """Cut boxes out of the part of an image (1, F, *S) that one box holds."""
    shape, starts = part.size, boxes.origin - part.origin
    end = (starts + boxes.size).max(axis=0)
    low = np.maximum(0, -starts.min(axis=0))
    high = np.maximum(0, end - shape)
    padded = tuple(int(n) for n in shape + low + high)
    size = tuple(int(n) for n in boxes.size)
    first = np.ravel_multi_index(tuple((starts + low).T), padded)
    within = np.ravel_multi_index(tuple(np.indices(size).reshape(len(size), -1)), padded)
    edges = tuple((int(a), int(b)) for a, b in zip(low, high, strict=True))
    start, inner = (torch.from_numpy(a).to(like.device) for a in (first, within))
    return Cutout(start, inner, size, edges)


class Windows:
    """Windows of one size, and what they reach at every step of a graph.

    Parameters
    ----------
    canvas : Canvas
    starts : (W, d) int array
        First voxel of each.
    size : sequence of int
        Voxels of a window along each axis.
    whole : bool
        Whether they are looked up in activations of all of the image, or of the part that they
        need.

    Attributes
    ----------
    canvas : Canvas
    boxes : list of Boxes
        The part of every activation in which they are looked up.
    place : (W,) int array
        Number of each among the windows as they were given; they stand in an order in which
        neighbours can run together.
    reaches : list of Reach
        One a step, as are all that follow.
    offsets : list of lists of (W, d) int arrays
        Where the changed box of each input lies in the block that the step needs of it.
    direct : list of lists of bool
        Whether the two are the same, for all windows.
    blocks : list of lists of Cutout
        The blocks in the step's inputs.
    outs : list of Cutout
        The changed boxes in its output.
    """

    def __init__(
        self, canvas: Canvas, starts: Int, size: Sequence[int], *, whole: bool = True
    ) -> None:
        graph, images = canvas.graph, canvas.images
        reaches = follow(graph, images, starts, size)
        offsets = [
            [reaches[i].out.origin - reach.block.origin for i in step.inputs]
            for step, reach in zip(graph.steps, reaches, strict=True)
        ]
        kinds = [*(o for given in offsets for o in given), *(reach.crop for reach in reaches)]
        self.place = np.lexsort(np.concatenate(kinds, axis=1).T)
        self.reaches = [_sorted(reach, self.place) for reach in reaches]
        self.offsets = [[o[self.place] for o in given] for given in offsets]
        self.canvas = canvas
        self.boxes = parts = canvas.whole() if whole else _parts(canvas, self.reaches)
        self.blocks = [
            [cutout(r.block, parts[i], images[i]) for i in step.inputs]
            for step, r in zip(graph.steps, self.reaches, strict=True)
        ]
        outs = zip(self.reaches, parts, images, strict=True)
        self.outs = [cutout(r.out, part, image) for r, part, image in outs]
        self.direct = [
            [_same(self.reaches[i].out, r.block) for i in step.inputs]
            for step, r in zip(graph.steps, self.reaches, strict=True)
        ]

    def touched(self, difference: Tensor, wanted: Bool) -> Tensor:
        """Positions of the wanted windows in which an image (1, F, *S) is not zero throughout."""
        there = self.outs[0].laid_out((difference != 0).any(dim=1, keepdim=True))
        asked = torch.from_numpy(np.flatnonzero(wanted[self.place])).to(there.device)
        every = torch.split(asked, max(1, _MOST_VOXELS // math.prod(self.outs[0].size)))
        found = [self.outs[0].cut(there, rows).flatten(1).any(dim=1) for rows in every]
        return asked[torch.cat(found)]


def window_parts(canvas: Canvas, starts: Int, size: Sequence[int], limit: int) -> list[Int]:
    """Windows that are neighbours, part by part, so that a part takes at most `limit` bytes.

    A single window is a part of its own, however large.

    Returns
    -------
    list of (P,) int arrays
        Numbers of the windows. One part where all of the image is within the limit.
    """
    numbers = sum(image[0].numel() for image in canvas.images)
    if 2 * numbers * canvas.images[0].element_size() <= limit:
        return [np.arange(len(starts))]
    found, left = [], [np.arange(len(starts))]
    while left:
        part = left.pop()
        low, high = starts[part].min(axis=0), starts[part].max(axis=0)
        around = follow(canvas.graph, canvas.images, low[None], (high - low + size).tolist())
        if len(part) == 1 or canvas.fits(_parts(canvas, around), limit):
            found.append(part)
            continue
        axis = int((high - low).argmax())
        far = starts[part, axis] > (low[axis] + high[axis]) // 2
        left += [part[far], part[~far]]
    return found


def _parts(canvas: Canvas, reaches: Sequence[Reach]) -> list[Boxes]:
    """Boxes of all activations that some windows read and change."""
    seen: list[list[Boxes]] = [[reach.out] for reach in reaches]
    for step, reach in zip(canvas.graph.steps[1:], reaches[1:], strict=True):
        for k in step.inputs:
            seen[k].append(reach.block)
    sizes = [image.shape[2:] for image in canvas.images]
    return canvas.needed([hull(boxes, size) for boxes, size in zip(seen, sizes, strict=True)])


def _sorted(reach: Reach, order: Int) -> Reach:
    boxes = [Boxes(b.origin[order], b.size) for b in (reach.out, reach.block)]
    return Reach(boxes[0], boxes[1], reach.crop[order], reach.weights)


def _same(a: Boxes, b: Boxes) -> bool:
    return np.array_equal(a.size, b.size) and np.array_equal(a.origin, b.origin)
