"""What a change inside of a window does to the latents, at the cost of the window alone.

The activations of the case are kept; of every step only the box that a window can change is
computed again, many windows at once. Exact: a box at the border meets the same padding as the
whole image does. Refuses to know what the windows are filled with, and why.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from napari_latentattr.core.types import Bool
from napari_latentattr.model.blocks import boxed, convolved, placed
from napari_latentattr.model.boxes import Int
from napari_latentattr.model.device import block_bytes
from napari_latentattr.model.tiles import products_of
from napari_latentattr.model.windows import Windows
from napari_latentattr.model.wiring import features_reached

# Of the largest block in a batch: larger ones leave the caches of the processor.
_BLOCK_BYTES = 8 * 2**20
_MOST_WINDOWS = 128
_MOST_PRODUCTS = 10**9  # 0.03 s here, and no more than 0.3 s on a slow machine


class CoveredCase:
    """One case with all its activations; answers what windows of it change.

    Parameters
    ----------
    windows : Windows
    activations : sequence of (1, F, *S) tensor
        What the graph gives for the case, step by step, in the boxes of the windows.
    """

    def __init__(self, windows: Windows, activations: Sequence[Tensor]) -> None:
        graph = windows.canvas.graph
        self._graph = graph
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

    def maps_reached(self, channels: Sequence[int]) -> Tensor:
        """Latent maps (K,) that some images reach at all, by zeros among the weights alone."""
        return features_reached(self._graph, channels, self._activations).to(self.latents.device)

    def effects(
        self, filled: Tensor, channels: Sequence[int], weight: Tensor, wanted: Bool
    ) -> Iterator[tuple[Int, Tensor]]:
        """Weighted sum of each latent map as it is, less the same with one window filled.

        Parameters
        ----------
        filled : (1, C, *S) tensor
            What the windows are filled with.
        channels : sequence of int
            Images that are filled; the others stay.
        weight : (1, 1, *L) tensor
        wanted : (W,) bool array
            Which windows are asked for, as they were numbered when given.

        Yields
        ------
        (B,) int array
            Which windows.
        (B, K) tensor
            Windows that change no voxel are left out.
        """
        difference = filled[:, list(channels)] - self._activations[0][:, list(channels)]
        windows, out = self._windows, self._windows.outs[-1]
        alive = windows.touched(difference, wanted)
        if not len(alive):
            return
        source = windows.outs[0].laid_out(
            difference if self._linear else self._filled(filled, channels)
        )
        weights = out.laid_out(weight)
        for rows in torch.split(alive, self._batch()):
            at = rows.cpu().numpy()
            changed = self._run(rows, at, windows.outs[0].cut(source, rows), channels)
            moved = self._own(-1, rows).sub_(changed).mul_(out.cut(weights, rows))
            yield windows.place[at], moved.flatten(2).sum(-1)

    def _filled(self, filled: Tensor, channels: Sequence[int]) -> Tensor:
        images = self._activations[0].clone()
        images[:, list(channels)] = filled[:, list(channels)]
        return images

    def _run(self, rows: Tensor, at: Int, patch: Tensor, channels: Sequence[int]) -> Tensor:
        """Boxes of the latents once the windows at `rows` of the input hold `patch`."""
        made = {0: patch}
        for i, step in enumerate(self._steps[1:], start=1):
            if self._linear and 0 in step.inputs:
                made[i] = self._respond(i, rows, at, patch, channels)
            else:
                made[i] = self._step(i, rows, at, made)
            for k in set(step.inputs):
                if self._last_use[k] == i:
                    del made[k]
        return made[len(self._steps) - 1]

    def _respond(
        self, i: int, rows: Tensor, at: Int, patch: Tensor, channels: Sequence[int]
    ) -> Tensor:
        """Output of a convolution of the input: as it was, and the response to the change."""
        windows, block = self._windows, patch
        if not windows.direct[i][0]:
            blank = patch.new_zeros(len(patch), *windows.blocks[i][0].size, patch.shape[1])
            block = placed(blank.movedim(-1, 1), patch, windows.offsets[i][0][at])
        return convolved(self._steps[i], block, channels=channels).add_(self._own(i, rows))

    def _step(self, i: int, rows: Tensor, at: Int, made: Mapping[int, Tensor]) -> Tensor:
        """Compute the changed boxes of a step's output from those of its inputs."""
        step, windows = self._steps[i], self._windows
        blocks = [made[k] for k in step.inputs]
        for j, changed in enumerate(blocks):
            if not windows.direct[i][j]:
                around = windows.blocks[i][j].cut(self._laid_out(i, j), rows)
                blocks[j] = placed(around, changed, windows.offsets[i][j][at])
        free = not windows.direct[i][0] or self._last_use[step.inputs[0]] == i
        scale = partial(self._scale, i, rows)
        return boxed(step, blocks, windows.reaches[i], at, free=free, scale=scale)

    def _own(self, i: int, rows: Tensor) -> Tensor:
        """Boxes of a step's output as it is."""
        cut = self._windows.outs[i]
        key = (i % len(self._steps), -1)
        if key not in self._voxels:
            self._voxels[key] = cut.laid_out(self._activations[i])
        return cut.cut(self._voxels[key], rows)

    def _laid_out(self, i: int, j: int) -> Tensor:
        """Voxels of an input of a step, with what stands around it."""
        if (i, j) not in self._voxels:
            step, cut = self._steps[i], self._windows.blocks[i][j]
            self._voxels[i, j] = cut.laid_out(self._activations[step.inputs[j]], step.edge)
        return self._voxels[i, j]

    def _scale(self, i: int, rows: Tensor) -> Tensor:
        windows = self._windows
        if i not in self._scales:
            scale = windows.canvas.scale(i, windows.boxes[i])
            self._scales[i] = windows.outs[i].laid_out(scale)
        return windows.outs[i].cut(self._scales[i], rows)

    def _batch(self) -> int:
        """Windows that run together: few enough for the caches, and to be stopped in between."""
        outs = zip(self._activations, self._windows.outs, strict=True)
        sizes = [made.shape[1] * math.prod(cut.size) for made, cut in outs]
        products = 1
        for step, cuts in zip(self._steps, self._windows.blocks, strict=True):
            for k, cut in zip(step.inputs, cuts, strict=True):
                sizes.append(self._activations[k].shape[1] * math.prod(cut.size))
                products += math.prod(cut.size) * products_of(step)
        most = block_bytes(str(self.latents.device), _BLOCK_BYTES)
        fit = min(most // (4 * max(sizes)), _MOST_PRODUCTS // products)
        return min(max(1, fit), _MOST_WINDOWS)
