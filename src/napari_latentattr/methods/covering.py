"""What covering windows of a case does to all of its latent maps, by shared passes.

The one engine behind occlusion pictures: it knows windows and filled images, and nothing of what
they are filled with.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_latentattr.core.progress import Progress
from napari_latentattr.core.stopping import stop_if_asked
from napari_latentattr.core.types import Bool, Float32, ImageStack
from napari_latentattr.methods.latents import counted_latents
from napari_latentattr.methods.window_grid import WindowGrid
from napari_latentattr.model.boxes import Boxes, Int
from napari_latentattr.model.covered import CoveredCase
from napari_latentattr.model.graph import Graph, UnreadableError
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.parts import latent_shape
from napari_latentattr.model.passes import as_tensor
from napari_latentattr.model.reading import read_encoder
from napari_latentattr.model.slicewise import SlicewiseModel
from napari_latentattr.model.tiles import Canvas, slices
from napari_latentattr.model.windows import Windows, window_parts

_TEXT = "covering windows"
_MOST_VOXELS = 2**20  # of a volume in float64, at a time


@dataclass(frozen=True, slots=True, eq=False)
class WindowEffects:
    """How far every latent map moves when each window is covered.

    Attributes
    ----------
    grid : WindowGrid
    effects : (G, K, *windows) float32 array
        Mean of the map over the counted latents as it is, less the same with the window covered;
        one entry a group of images that were covered together.
    mask : (*S) bool array or None
    engine : str
        How they were computed, in words.
    """

    grid: WindowGrid
    effects: Float32
    mask: Bool | None
    engine: str

    def volume(self, which: int) -> Float32:
        """Mean effect on one map of the windows that cover each voxel, (G, *S); 0 off the body."""
        values, shape = self.effects[:, which].astype(np.float64), self.grid.shape
        found = np.empty((len(values), *shape), dtype=np.float32)
        step = max(1, _MOST_VOXELS // math.prod(shape[1:]))
        for rows in (slice(a, a + step) for a in range(0, shape[0], step)):
            stop_if_asked()
            mean = self.grid.mean_over_windows(values, rows)
            found[:, rows] = mean if self.mask is None else mean * self.mask[rows]
        return found


def cover_windows(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    grid: WindowGrid,
    filled: Float32,
    groups: Sequence[Sequence[int]],
    progress: Progress,
    *,
    latents: Bool | None = None,
) -> WindowEffects:
    """Cover each window of a case in turn; measure all latent maps.

    Parameters
    ----------
    model : LatentModel or SlicewiseModel
    stack : ImageStack
    grid : WindowGrid
        Windows that touch no voxel of the mask are left at 0.
    filled : (C, *S) float32 array
        What the windows are covered with.
    groups : sequence of sequences of int
        Images that are covered together.
    latents : (*L) bool array, optional
        Those that count; the ones of the body when None.

    Raises
    ------
    InputError
        When no latent lies in the mask.
    """
    with model.running():
        case = _Planes(model, stack, grid, filled, latents)
        engine = _engine(case)
        counted = np.flatnonzero(case.weight.flatten(1).any(dim=1).cpu().numpy()).tolist()
        total = len(groups) * int(case.wanted[counted].sum())
        out = np.zeros((len(case.across), len(groups), model.spec.n_maps, len(case.starts)))
        done = 0
        progress.report(done, total, _TEXT)
        for i in counted:
            for g, rows, effect in engine.effects(i, groups):
                for window in np.flatnonzero(case.across[:, i]):
                    out[window, g][:, rows] += effect.T.cpu().numpy()
                done += len(rows)
                progress.report(done, total, _TEXT)
        progress.report(total, total, _TEXT)
    effects = case.in_space(out.astype(np.float32))
    return WindowEffects(grid, effects, stack.mask, engine.words)


class _Planes:
    """A case as the network sees it: itself, or one slice after the other.

    Slices do not see each other, so a window over several of them does what its slices do together.

    Attributes
    ----------
    shape : tuple of int
        Of a plane, P.
    weight : (n, 1, *L) tensor
        Of the latents in the mean of a map.
    starts : (W, d) int array
        First pixel of the windows in a plane.
    size : tuple of int
    across : (windows, n) bool array
        Planes of each window across planes; one window and one plane where there are no slices.
    wanted : (n, W) bool array
        Windows that are part of one that touches the body.
    """

    def __init__(
        self,
        model: LatentModel | SlicewiseModel,
        stack: ImageStack,
        grid: WindowGrid,
        filled: Float32,
        latents: Bool | None,
    ) -> None:
        self._grid = grid
        self._axis = model.axis if isinstance(model, SlicewiseModel) else None
        self.model = model.model if isinstance(model, SlicewiseModel) else model
        self._images, self._filled = stack.data, filled
        inside = counted_latents(latents, stack, model.spec, latent_shape(model, stack.grid.shape))
        weight = as_tensor((inside / inside.sum())[None, None]).to(model.spec.device)
        self.weight = model.fold(weight) if isinstance(model, SlicewiseModel) else weight
        axes = [a for a in range(len(grid.shape)) if a != self._axis]
        self.shape = tuple(grid.shape[a] for a in axes)
        self.size = tuple(grid.size[a] for a in axes)
        self.starts = np.array(list(product(*(grid.places[a] for a in axes))), dtype=np.int64)
        alone = np.ones((1, 1), dtype=bool)
        self.across = alone if self._axis is None else grid.covers(self._axis)
        touching = np.ones(grid.counts, bool) if stack.mask is None else grid.touching(stack.mask)
        rows = touching[None] if self._axis is None else np.moveaxis(touching, self._axis, 0)
        self.wanted = self.across.T @ rows.reshape(len(rows), -1)

    def in_space(self, out: Float32) -> Float32:
        """Effects (G, K, *windows) of effects (windows across, G, K, windows in a plane)."""
        counts = [n for a, n in enumerate(self._grid.counts) if a != self._axis]
        laid = out.reshape(*out.shape[:3], *counts)
        return laid[0] if self._axis is None else np.moveaxis(laid, 0, 2 + self._axis)

    def images(self, plane: int, box: Boxes | None = None) -> Tensor:
        """Images (1, C, *p) of a plane, or in a box of it; a copy."""
        return self._part(self._images, plane, box)

    def filled(self, plane: int, box: Boxes | None = None) -> Tensor:
        """Return what the windows are covered with, likewise."""
        return self._part(self._filled, plane, box)

    def _part(self, values: Float32, plane: int, box: Boxes | None) -> Tensor:
        stop_if_asked()
        cut: tuple[Any, ...] = (
            () if self._axis is None else (*[slice(None)] * (1 + self._axis), plane)
        )
        part = values[None][(slice(None), *cut)]
        if box is not None:
            part = part[slices(box)]
        return as_tensor(part).to(self.model.spec.device)


def _engine(case: _Planes) -> _Local | _Plain:
    try:
        return _Local(case, read_encoder(case.model))
    except UnreadableError as error:
        return _Plain(case, str(error))


class _Local:
    """Computes again only what each window changes, in tiles where the image is large."""

    words = "what each window changes, alone"

    def __init__(self, case: _Planes, graph: Graph) -> None:
        self._case = case
        blank = torch.zeros((), device=case.model.spec.device)
        image = blank.expand(1, case.model.spec.n_channels, *case.shape)
        self._canvas = Canvas(graph, image)
        self._parts = window_parts(self._canvas, case.starts, case.size, case.model.room)
        self._latest: tuple[int, Windows] | None = None

    def effects(
        self, plane: int, groups: Sequence[Sequence[int]]
    ) -> Iterator[tuple[int, Int, Tensor]]:
        """Group, windows of a plane, and their effects (B, K)."""
        case = self._case
        for n, part in enumerate(self._parts):
            wanted = case.wanted[plane, part]
            if not wanted.any():
                continue
            windows = self._of(n)
            boxes = windows.boxes
            weight = case.weight[plane, None][slices(boxes[-1])]
            if not weight.any():
                continue
            yield 0, part[:0], weight.new_zeros(0, case.model.spec.n_maps)  # a place to stop
            tile = self._canvas.tile(case.images(plane, boxes[0]), boxes)
            covered, filled = CoveredCase(windows, tile.activations), case.filled(plane, boxes[0])
            for g, channels in enumerate(groups):
                reached = covered.maps_reached(channels)
                if not reached.any():
                    continue
                for rows, effect in covered.effects(filled, channels, weight, wanted):
                    effect[:, ~reached] = 0
                    yield g, part[rows], effect

    def _of(self, part: int) -> Windows:
        """Windows of a part; only the latest are kept, those of many parts take gigabytes."""
        if self._latest is None or self._latest[0] != part:
            starts, whole = self._case.starts[self._parts[part]], len(self._parts) == 1
            found = Windows(self._canvas, starts, self._case.size, whole=whole)
            self._latest = part, found
        return self._latest[1]


class _Plain:
    """Runs the whole encoder for every window."""

    def __init__(self, case: _Planes, reason: str) -> None:
        self._case = case
        self.words = f"plain recomputation: {reason}"

    def effects(
        self, plane: int, groups: Sequence[Sequence[int]]
    ) -> Iterator[tuple[int, Int, Tensor]]:
        """Group, windows of a plane, and their effects (1, K), one by one."""
        case = self._case
        x, filled = case.images(plane), case.filled(plane)
        weight = case.weight[plane, None]
        code = case.model.encode_tensor(x.clone())
        for g, row in product(range(len(groups)), np.flatnonzero(case.wanted[plane])):
            covered = x.clone()
            box = (slice(a, a + n) for a, n in zip(case.starts[row], case.size, strict=True))
            inside: Any = (slice(None), list(groups[g]), *box)
            covered[inside] = filled[inside]
            move = (code - case.model.encode_tensor(covered)) * weight
            yield g, np.array([row]), move.flatten(2).sum(-1)
