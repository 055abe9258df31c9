"""The steps of a graph on blocks that bring their own padding, many blocks at once.

A block is a piece of an image with all that the step needs around it; the results are pieces, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_latentattr.model.boxes import Int, Reach
from napari_latentattr.model.graph import Step, Window

Run = Callable[..., Tensor]
_CONV: dict[int, Run] = {2: functional.conv2d, 3: functional.conv3d}
_SPREAD: dict[int, Run] = {2: functional.conv_transpose2d, 3: functional.conv_transpose3d}
_MAX: dict[int, Run] = {2: functional.max_pool2d, 3: functional.max_pool3d}
_MEAN: dict[int, Run] = {2: functional.avg_pool2d, 3: functional.avg_pool3d}


def run_on(step: Step, blocks: Sequence[Tensor], *, free: bool) -> Tensor:
    """Run a step on blocks (B, F, *s).

    Averages come as sums, transposed convolutions uncropped; see `sum_scale` and `cropped`.

    Parameters
    ----------
    free : bool
        The blocks are not needed any more and may be written over.
    """
    block, window = blocks[0], step.window
    if step.kind == "conv":
        return convolved(step, block)
    if step.kind == "conv_transpose":
        layer = cast("Any", step.module)
        settings = (layer.stride, 0, 0, layer.groups, layer.dilation)
        return _SPREAD[block.ndim - 2](block, layer.weight, layer.bias, *settings)
    if step.kind == "max_pool" and window is not None:
        return _MAX[block.ndim - 2](block, window.kernel, window.stride, 0, window.dilation)
    if step.kind == "avg_pool" and window is not None:
        return _summed(block, window, [0] * len(window.kernel), ceil=False)
    if step.kind == "pad":
        return block if free else block.clone()
    if free and isinstance(step.module, nn.ReLU):
        return block.relu_()
    return step.run(*blocks)


def boxed(
    step: Step,
    blocks: Sequence[Tensor],
    reach: Reach,
    at: Int,
    *,
    free: bool,
    scale: Callable[[], Tensor],
) -> Tensor:
    """Boxes of a step's output from the blocks that it needs of its inputs.

    Parameters
    ----------
    reach : Reach
        Where boxes and blocks lie.
    at : (B,) int array
        Which of its boxes these are.
    free : bool
        As of `run_on`.
    scale : callable
        Gives `sum_scale` in the boxes, (B, 1, *s).
    """
    if step.kind == "resize":
        drawn = weights_between(reach, at)
        return resized(blocks[0], [torch.from_numpy(w).to(blocks[0]) for w in drawn])
    result = run_on(step, blocks, free=free)
    if step.kind == "conv_transpose":
        return cropped(result, reach.crop[at], reach.out.size.tolist())
    return result.mul_(scale()) if step.kind == "avg_pool" else result


def convolved(step: Step, block: Tensor, *, channels: Sequence[int] | None = None) -> Tensor:
    """Convolution of blocks without padding; of some input features alone, and then no bias."""
    layer = cast("Any", step.module)
    weight, bias = layer.weight, layer.bias
    if channels is not None:
        weight, bias = weight[:, list(channels)], None
    run = _CONV[block.ndim - 2]
    return run(block, weight, bias, layer.stride, 0, layer.dilation, layer.groups)


def sum_scale(step: Step, before: Tensor) -> Tensor:
    """Factor from the sum over a window to its average, (1, 1, *S), for inputs like `before`."""
    layer, window = cast("Any", step.module), cast("Window", step.window)
    ones = before.new_ones(1, 1, *before.shape[2:])
    edges = [low for low, _ in window.padding]
    return step.run(ones) / _summed(ones, window, edges, ceil=layer.ceil_mode)


def _summed(x: Tensor, window: Window, padding: Sequence[int], *, ceil: bool) -> Tensor:
    return _MEAN[x.ndim - 2](x, window.kernel, window.stride, padding, ceil, True, 1)


def resized(block: Tensor, weights: Sequence[Tensor]) -> Tensor:
    """Draw blocks on other voxels; `weights` (B, out, in) stand for one axis each."""
    for axis, weight in enumerate(weights, start=2):
        line = block.movedim(axis, 1)
        drawn = torch.bmm(weight, line.flatten(2)).view(*weight.shape[:2], *line.shape[2:])
        block = drawn.movedim(1, axis)
    return block


def weights_between(reach: Reach, at: Int) -> list[npt.NDArray[np.floating]]:
    """Weights (B, out, in) of the voxels of a resize's blocks for some windows, axis by axis."""
    found = []
    for axis, weight in enumerate(reach.weights):
        rows, columns = (
            boxes.origin[at, axis, None] + np.arange(boxes.size[axis])
            for boxes in (reach.out, reach.block)
        )
        found.append(weight[rows[:, :, None], columns[:, None]])
    return found


def cropped(result: Tensor, crop: Int, size: Sequence[int]) -> Tensor:
    """Pieces of a size from results (B, F, *s), each from its own voxel (B, d) on."""
    pieces = [
        result[begin:end, :, *(slice(a, a + n) for a, n in zip(first, size, strict=True))]
        for begin, end, first in runs(crop)
    ]
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces)


def placed(block: Tensor, patch: Tensor, offset: Int) -> Tensor:
    """Write patches (B, F, *p) into blocks, each at its voxel (B, d); cut off what sticks out."""
    for begin, end, first in runs(offset):
        sizes = list(zip(first, block.shape[2:], patch.shape[2:], strict=True))
        outer = (slice(max(a, 0), max(min(a + p, n), 0)) for a, n, p in sizes)
        inner = (slice(max(-a, 0), max(min(n - a, p), 0)) for a, n, p in sizes)
        block[begin:end, :, *outer] = patch[begin:end, :, *inner]
    return block


def runs(values: Int) -> Iterator[tuple[int, int, list[int]]]:
    """Begin, end and value of each run of equal rows."""
    changes = np.flatnonzero((values[1:] != values[:-1]).any(axis=1)) + 1
    edges = [0, *changes.tolist(), len(values)]
    for begin, end in pairwise(edges):
        yield begin, end, values[begin].tolist()
