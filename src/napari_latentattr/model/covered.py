"""What a change inside of a window does to the latents, at the cost of the window alone.

The activations of the case are kept; of every step only the box that a window can change is
computed again, many windows at once. Exact: a box at the border meets the same padding as the
whole image does. Refuses to know what the windows are filled with, and why.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from napari_latentattr.model.blocks import convolved, cropped, placed, resized, run_on, sum_scale
from napari_latentattr.model.boxes import Int
from napari_latentattr.model.graph import Graph
from napari_latentattr.model.windows import Cutout, Windows

# Of the largest block in a batch: larger ones leave the caches of the processor.
_BLOCK_BYTES = 8 * 2**20
_MOST_WINDOWS = 128


class CoveredCase:
    """One case with all its activations; answers what windows of it change.

    Parameters
    ----------
    graph : Graph
    windows : Windows
        Of that graph and the size of the case.
    activations : sequence of (1, F, *S) tensor
        What the graph gives for the case, step by step.
    """

    def __init__(self, graph: Graph, windows: Windows, activations: Sequence[Tensor]) -> None:
        self._steps = graph.steps
        self._windows = windows
        self._activations = list(activations)
        self._voxels: dict[tuple[int, int], Tensor] = {}
        self._scales: dict[int, Tensor] = {}
        self._last_use = {k: i for i, step in enumerate(graph.steps) for k in step.inputs}
        self._linear = all(
            isinstance(s.module, nn.Conv2d | nn.Conv3d) and s.module.groups == 1
            for s in graph.steps
            if 0 in s.inputs
        )

    @property
    def latents(self) -> Tensor:
        """Latent maps (1, K, *L) of the case as it is."""
        return self._activations[-1]

    def effects(
        self, filled: Tensor, channels: Sequence[int], weight: Tensor
    ) -> Iterator[tuple[Int, Tensor]]:
        """Weighted sum of each latent map as it is, less the same with one window filled.

        Parameters
        ----------
        filled : (1, C, *S) tensor
            What the windows are filled with.
        channels : sequence of int
            Images that are filled; the others stay.
        weight : (1, 1, *L) tensor

        Yields
        ------
        (B,) int array
            Which windows, as they were numbered when given.
        (B, K) tensor
            Windows that change no voxel are left out.
        """
        x, chosen = self._activations[0], list(channels)
        every = chosen == list(range(x.shape[1]))
        difference = filled - x if every else filled[:, chosen] - x[:, chosen]
        out = self._windows.outs[-1]
        weights = out.laid_out(weight)
        alive = self._windows.touched(difference)
        if self._linear:
            source = self._windows.outs[0].laid_out(difference)
        else:
            changed = x.clone()
            changed[:, chosen] = filled[:, chosen]
            source = self._windows.outs[0].laid_out(changed)
        for rows in torch.split(alive, self._batch()):
            patch = self._windows.outs[0].cut(source, rows)
            moved = self._own(-1, rows).sub_(self._run(rows, patch, chosen))
            effect = moved.mul_(out.cut(weights, rows)).flatten(2).sum(-1)
            yield self._windows.place[rows.numpy()], effect

    def _run(self, rows: Tensor, patch: Tensor, channels: list[int]) -> Tensor:
        """Boxes of the latents once the windows of the input hold `patch`."""
        made: dict[int, Tensor] = {0: patch}
        for i, step in enumerate(self._steps[1:], start=1):
            if self._linear and 0 in step.inputs:
                made[i] = self._respond(i, rows, patch, channels)
            else:
                made[i] = self._step(i, rows, made)
            for k in set(step.inputs):
                if self._last_use[k] == i:
                    del made[k]
        return made[len(self._steps) - 1]

    def _respond(self, i: int, rows: Tensor, patch: Tensor, channels: list[int]) -> Tensor:
        """Output of a convolution of the input: as it was, and the response to the change."""
        cut, offset = self._windows.blocks[i][0], self._windows.offsets[i][0][rows.numpy()]
        block = patch
        if not self._windows.direct[i][0]:
            block = placed(_blank(patch, cut.size), patch, offset)
        return convolved(self._steps[i], block, channels=channels).add_(self._own(i, rows))

    def _step(self, i: int, rows: Tensor, made: dict[int, Tensor]) -> Tensor:
        step, reach, chosen = self._steps[i], self._windows.reaches[i], rows.numpy()
        blocks = []
        for j, k in enumerate(step.inputs):
            block = made[k]
            if not self._windows.direct[i][j]:
                cut = self._windows.blocks[i][j]
                block = cut.cut(self._laid_out(i, j, cut), rows)
                block = placed(block, made[k], self._windows.offsets[i][j][chosen])
            blocks.append(block)
        if step.kind == "resize":
            return resized(
                blocks[0], [torch.from_numpy(m[chosen]).to(blocks[0]) for m in reach.maps]
            )
        free = not self._windows.direct[i][0] or self._last_use[step.inputs[0]] == i
        result = run_on(step, blocks, free=free)
        if step.kind == "conv_transpose":
            return cropped(result, reach.crop[chosen], self._windows.outs[i].size)
        if step.kind == "avg_pool":
            return result.mul_(self._windows.outs[i].cut(self._scale(i), rows))
        return result

    def _own(self, i: int, rows: Tensor) -> Tensor:
        """Boxes of a step's output as it is."""
        cut = self._windows.outs[i]
        key = (i % len(self._steps), -1)
        if key not in self._voxels:
            self._voxels[key] = cut.laid_out(self._activations[i])
        return cut.cut(self._voxels[key], rows)

    def _laid_out(self, i: int, j: int, cut: Cutout) -> Tensor:
        """Voxels of an input of a step, with what stands around it."""
        if (i, j) not in self._voxels:
            image = self._activations[self._steps[i].inputs[j]]
            self._voxels[i, j] = cut.laid_out(image, self._steps[i].edge)
        return self._voxels[i, j]

    def _scale(self, i: int) -> Tensor:
        if i not in self._scales:
            before = self._activations[self._steps[i].inputs[0]]
            self._scales[i] = self._windows.outs[i].laid_out(sum_scale(self._steps[i], before))
        return self._scales[i]

    def _batch(self) -> int:
        outs = zip(self._activations, self._windows.outs, strict=True)
        sizes = [made.shape[1] * math.prod(cut.size) for made, cut in outs]
        for step, cuts in zip(self._steps, self._windows.blocks, strict=True):
            for k, cut in zip(step.inputs, cuts, strict=True):
                sizes.append(self._activations[k].shape[1] * math.prod(cut.size))
        return int(np.clip(_BLOCK_BYTES // (4 * max(sizes)), 1, _MOST_WINDOWS))


def _blank(patch: Tensor, size: Sequence[int]) -> Tensor:
    return patch.new_zeros(len(patch), *size, patch.shape[1]).movedim(-1, 1)
