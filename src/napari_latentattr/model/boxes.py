"""How far a changed box of the input reaches at every step of a graph: arithmetic, no network.

All windows are followed together. At every step their boxes have one size, so that they can run as
one batch; a box may be larger than what changed, and always lies inside of its image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from napari_latentattr.model.graph import Graph, Step

Int: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """One box a window.

    Attributes
    ----------
    origin : (W, d) int array
        First voxel of each.
    size : (d,) int array
        Voxels along each axis, the same for all.
    """

    origin: Int
    size: Int


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """What windows change at one step.

    Attributes
    ----------
    out : Boxes
        In the output of the step.
    block : Boxes
        In its inputs: what it takes to compute `out`. May stick out of the image where the step
        pads.
    crop : (W, d) int array
        Where `out` begins in the result of a transposed convolution of `block`.
    weights : tuple of (out, in) arrays
        Of a resize, one an axis; see `axis_weights`.
    """

    out: Boxes
    block: Boxes
    crop: Int
    weights: tuple[npt.NDArray[np.floating], ...] = ()


def follow(
    graph: Graph, activations: Sequence[Tensor], starts: Int, size: Sequence[int]
) -> list[Reach]:
    """Follow windows of the input through a graph.

    Parameters
    ----------
    graph : Graph
    activations : sequence of (1, F, *S) tensor
        What each step gave, for the sizes of images and the kind of their numbers.
    starts : (W, d) int array
        First voxel of each window.
    size : sequence of int
        Voxels of a window along each axis.

    Returns
    -------
    list of Reach
        One a step; of the input, the windows themselves.
    """
    windows = Boxes(starts, np.asarray(size, dtype=np.int64))
    found = [Reach(windows, windows, np.zeros_like(starts))]
    for step, output in zip(graph.steps[1:], activations[1:], strict=True):
        changed = _union([found[i].out for i in step.inputs])
        found.append(_reach(step, changed, activations[step.inputs[0]], output))
    return found


def _reach(step: Step, changed: Boxes, before: Tensor, output: Tensor) -> Reach:
    """Follow changed boxes through one step, from images like one to images like another."""
    after = np.asarray(output.shape[2:])
    low, high = changed.origin, changed.origin + changed.size - 1
    if step.kind == "resize":
        return _resized(step, low, high, before, after)
    if step.window is None:
        out = _inside(low, high, after)
        return Reach(out, out, np.zeros_like(low))
    kernel, stride, gap = (
        np.asarray(v) for v in (step.window.kernel, step.window.stride, step.window.dilation)
    )
    front, span = np.asarray([p for p, _ in step.window.padding]), (kernel - 1) * gap
    if step.kind == "conv_transpose":
        out = _inside(low * stride - front, high * stride - front + span, after)
        first = _up(out.origin + front - span, stride)
        last = (out.origin + out.size - 1 + front) // stride
        block = Boxes(first, (last - first).max(axis=0) + 1)
        return Reach(out, block, out.origin + front - first * stride)
    out = _inside(_up(low + front - span, stride), (high + front) // stride, after)
    block = Boxes(out.origin * stride - front, (out.size - 1) * stride + span + 1)
    return Reach(out, block, np.zeros_like(low))


def _inside(low: Int, high: Int, shape: Int) -> Boxes:
    """Boxes of one size that hold [low, high] as far as that lies in an image."""
    size = np.clip((high - low).max(axis=0) + 1, 1, shape)
    return Boxes(np.clip(low, 0, shape - size), size)


def _union(boxes: Sequence[Boxes]) -> Boxes:
    low = np.minimum.reduce([b.origin for b in boxes])
    high = np.maximum.reduce([b.origin + b.size for b in boxes])
    return Boxes(low, (high - low).max(axis=0))


def _up(value: Int, step: Int) -> Int:
    """Divide, rounding up."""
    quotient: Int = -(-value // step)
    return quotient


def _resized(step: Step, low: Int, high: Int, given: Tensor, after: Int) -> Reach:
    before = np.asarray(given.shape[2:])
    outs, blocks, weights = [], [], []
    for axis in range(len(before)):
        weight = axis_weights(step, axis, given)
        used = weight != 0
        # First and last voxel of the output that each voxel of the input and all after it, or
        # before it, can move; and the other way round.
        first = np.minimum.accumulate(_first(used.T)[::-1])[::-1]
        last = np.maximum.accumulate(_last(used.T))
        a, b = low[:, axis, None], high[:, axis, None]
        out = _inside(first[a], last[b], after[[axis]])
        end = out.origin + out.size - 1
        seen = np.minimum.accumulate(_first(used)[::-1])[::-1], np.maximum.accumulate(_last(used))
        outs.append(out)
        blocks.append(_inside(seen[0][out.origin], seen[1][end], before[[axis]]))
        weights.append(weight)
    return Reach(_joined(outs), _joined(blocks), np.zeros_like(low), tuple(weights))


def _joined(axes: Sequence[Boxes]) -> Boxes:
    origin = np.concatenate([b.origin for b in axes], axis=1)
    return Boxes(origin, np.concatenate([b.size for b in axes]))


def _first(used: npt.NDArray[np.bool_]) -> Int:
    """Column of the first entry in each row; beyond the last column where there is none."""
    found: Int = np.where(used.any(axis=1), used.argmax(axis=1), used.shape[1])
    return found


def _last(used: npt.NDArray[np.bool_]) -> Int:
    column = used.shape[1] - 1 - used[:, ::-1].argmax(axis=1)
    found: Int = np.where(used.any(axis=1), column, -1)
    return found


def axis_weights(step: Step, axis: int, like: Tensor) -> npt.NDArray[np.floating]:
    """Weights (out, in) with which a resize draws one axis: its answer to every single voxel."""
    n = like.shape[2 + axis]
    shape = [1] * (like.ndim - 2)
    shape[axis] = n
    impulses = torch.eye(n, dtype=like.dtype, device=like.device).reshape(1, n, *shape)
    answer = step.run(impulses)[0].movedim(1 + axis, 1).flatten(2)[:, :, 0]
    return np.ascontiguousarray(answer.cpu().numpy().T)
