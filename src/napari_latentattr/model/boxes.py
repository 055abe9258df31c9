"""Where boxes of an image lead at every step of a graph, there and back: arithmetic, no network.

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

from napari_latentattr.model.graph import Graph, Step, Window

Int: TypeAlias = npt.NDArray[np.int64]
Weights: TypeAlias = npt.NDArray[np.floating]


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
    weights: tuple[Weights, ...] = ()


def follow(graph: Graph, images: Sequence[Tensor], starts: Int, size: Sequence[int]) -> list[Reach]:
    """Follow windows of the input through a graph.

    Parameters
    ----------
    graph : Graph
    images : sequence of (1, F, *S) tensor
        Like what each step gives: of that size, with that kind of numbers.
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
    for step, output in zip(graph.steps[1:], images[1:], strict=True):
        changed = _union([found[i].out for i in step.inputs])
        before = images[step.inputs[0]]
        out = _changed(step, changed, before, np.asarray(output.shape[2:]))
        found.append(required(step, out, before))
    return found


def gather(graph: Graph, images: Sequence[Tensor], wanted: Sequence[Boxes | None]) -> list[Boxes]:
    """Boxes of every step's output that it takes to compute some of them from the input.

    Parameters
    ----------
    graph : Graph
    images : sequence of (1, F, *S) tensor
        As of `follow`.
    wanted : sequence of Boxes or None
        One box a step, inside of its image; of the last step, never None.
    """
    found = list(wanted)
    for i in range(len(graph.steps) - 1, 0, -1):
        step, out = graph.steps[i], found[i]
        if out is None:
            continue
        block = required(step, out, images[step.inputs[0]]).block
        for k in step.inputs:
            own = found[k]
            found[k] = hull([block] if own is None else [block, own], images[k].shape[2:])
    return [box for box in found if box is not None]


def hull(parts: Sequence[Boxes], shape: Sequence[int]) -> Boxes:
    """One box around all boxes of some lists, as far as they lie in an image."""
    edge = np.asarray(shape) - 1
    low = np.min([b.origin.min(axis=0) for b in parts], axis=0)
    high = np.max([b.origin.max(axis=0) + b.size for b in parts], axis=0) - 1
    return _inside(np.clip(low, 0, edge)[None], np.clip(high, 0, edge)[None], edge + 1)


def required(step: Step, out: Boxes, before: Tensor) -> Reach:
    """Find what it takes to compute boxes of a step's output, from images like one."""
    none = np.zeros_like(out.origin)
    if step.kind == "resize":
        weights = tuple(axis_weights(step, a, before) for a in range(before.ndim - 2))
        return Reach(out, _drawn_from(weights, out), none, weights)
    if step.window is None:
        return Reach(out, out, none)
    stride, front, span = _measures(step.window)
    if step.kind == "conv_transpose":
        first = _up(out.origin + front - span, stride)
        last = (out.origin + out.size - 1 + front) // stride
        block = Boxes(first, (last - first).max(axis=0) + 1)
        return Reach(out, block, out.origin + front - first * stride)
    block = Boxes(out.origin * stride - front, (out.size - 1) * stride + span + 1)
    return Reach(out, block, none)


def _changed(step: Step, changed: Boxes, before: Tensor, after: Int) -> Boxes:
    """Follow changed boxes through one step, from images like one to images of a size."""
    low, high = changed.origin, changed.origin + changed.size - 1
    if step.kind == "resize":
        weights = [axis_weights(step, a, before) for a in range(before.ndim - 2)]
        return _drawn_on(weights, low, high, after)
    if step.window is None:
        return _inside(low, high, after)
    stride, front, span = _measures(step.window)
    if step.kind == "conv_transpose":
        return _inside(low * stride - front, high * stride - front + span, after)
    return _inside(_up(low + front - span, stride), (high + front) // stride, after)


def _measures(window: Window) -> tuple[Int, Int, Int]:
    """Stride, padding in front, and how far the last voxel of the kernel is from its first."""
    kernel, stride, gap = (np.asarray(v) for v in (window.kernel, window.stride, window.dilation))
    return stride, np.asarray([p for p, _ in window.padding]), (kernel - 1) * gap


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


def _drawn_on(weights: Sequence[Weights], low: Int, high: Int, after: Int) -> Boxes:
    """Output of a resize that boxes of its input can move."""
    outs = []
    for axis, weight in enumerate(weights):
        used = weight != 0
        # First and last voxel of the output that each voxel of the input and all after it, or
        # before it, can move.
        first = np.minimum.accumulate(_first(used.T)[::-1])[::-1]
        last = np.maximum.accumulate(_last(used.T))
        a, b = low[:, axis, None], high[:, axis, None]
        outs.append(_inside(first[a], last[b], after[[axis]]))
    return _joined(outs)


def _drawn_from(weights: Sequence[Weights], out: Boxes) -> Boxes:
    """Input of a resize that boxes of its output see."""
    blocks = []
    for axis, weight in enumerate(weights):
        used = weight != 0
        begin = out.origin[:, axis, None]
        end = begin + out.size[axis] - 1
        seen = np.minimum.accumulate(_first(used)[::-1])[::-1], np.maximum.accumulate(_last(used))
        blocks.append(_inside(seen[0][begin], seen[1][end], np.asarray([weight.shape[1]])))
    return _joined(blocks)


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


def axis_weights(step: Step, axis: int, like: Tensor) -> Weights:
    """Weights (out, in) with which a resize draws one axis: its answer to every single voxel."""
    n = like.shape[2 + axis]
    shape = [1] * (like.ndim - 2)
    shape[axis] = n
    impulses = torch.eye(n, dtype=like.dtype, device=like.device).reshape(1, n, *shape)
    answer = step.run(impulses)[0].movedim(1 + axis, 1).flatten(2)[:, :, 0]
    return np.ascontiguousarray(answer.cpu().numpy().T)
