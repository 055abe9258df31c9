"""What covering windows of a case does to all of its latent maps, by shared passes.

The one engine behind occlusion pictures: it knows windows and filled images, and nothing of what
they are filled with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_latentattr.core.progress import Progress
from napari_latentattr.core.types import Bool, Float32, ImageStack
from napari_latentattr.methods.latents import counted_latents
from napari_latentattr.methods.window_grid import WindowGrid
from napari_latentattr.model.boxes import Int
from napari_latentattr.model.covered import CoveredCase
from napari_latentattr.model.graph import Graph, UnreadableError
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.reading import read_encoder
from napari_latentattr.model.slicewise import SlicewiseModel
from napari_latentattr.model.windows import Windows

_TEXT = "covering windows"


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
        mean = self.grid.mean_over_windows(self.effects[:, which].astype(np.float64))
        return np.asarray(mean if self.mask is None else mean * self.mask, dtype=np.float32)


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
        counted = [i for i in range(len(case.images)) if case.weight[i].any()]
        total = len(groups) * int(case.wanted[counted].sum())
        out = np.zeros((len(case.across), len(groups), model.spec.n_maps, len(case.starts)))
        done = 0
        progress.report(done, total, _TEXT)
        for i, g in product(counted, range(len(groups))):
            for rows, effect in engine.effects(i, tuple(groups[g])):
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
    images, filled : (n, C, *P) tensor
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
        self.images, self.filled = (self._fold(a, model) for a in (stack.data, filled))
        code = self.model.encode_tensor(self.images[:1]).shape[2:]
        shape = list(code) if self._axis is None else [*code]
        if self._axis is not None:
            shape.insert(self._axis, len(self.images))
        inside = counted_latents(latents, stack, model.spec, shape)
        self.weight = self._fold((inside / inside.sum())[None].astype(np.float32), model)
        axes = [a for a in range(len(grid.shape)) if a != self._axis]
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

    @staticmethod
    def _fold(values: Float32, model: LatentModel | SlicewiseModel) -> Tensor:
        given = torch.from_numpy(values[None].copy()).to(model.spec.device)
        return model.fold(given) if isinstance(model, SlicewiseModel) else given


def _engine(case: _Planes) -> _Local | _Plain:
    try:
        return _Local(case, read_encoder(case.model))
    except UnreadableError as error:
        return _Plain(case, str(error))


class _Local:
    """Computes again only what each window changes."""

    words = "what each window changes, alone"

    def __init__(self, case: _Planes, graph: Graph) -> None:
        self._case = case
        self._graph = graph
        self._windows: Windows | None = None
        self._covered: tuple[int, CoveredCase] | None = None

    def effects(self, plane: int, channels: tuple[int, ...]) -> Iterator[tuple[Int, Tensor]]:
        """Windows of a plane and their effects (B, K)."""
        case = self._case
        covered = self._of(plane)
        reached = covered.maps_reached(channels)
        if not reached.any():
            return
        filled, weight = case.filled[plane, None], case.weight[plane, None]
        for rows, effect in covered.effects(filled, channels, weight, case.wanted[plane]):
            effect[:, ~reached] = 0
            yield rows, effect

    def _of(self, plane: int) -> CoveredCase:
        if self._covered is None or self._covered[0] != plane:
            self._covered = None  # so that only one case is held at a time
            activations = self._graph.activations(self._case.images[plane, None])
            if self._windows is None:
                case = self._case
                self._windows = Windows(self._graph, activations, case.starts, case.size)
            self._covered = plane, CoveredCase(self._graph, self._windows, activations)
        return self._covered[1]


class _Plain:
    """Runs the whole encoder for every window."""

    def __init__(self, case: _Planes, reason: str) -> None:
        self._case = case
        self.words = f"plain recomputation: {reason}"

    def effects(self, plane: int, channels: tuple[int, ...]) -> Iterator[tuple[Int, Tensor]]:
        """Windows of a plane and their effects (1, K), one by one."""
        case, chosen = self._case, list(channels)
        x, filled = case.images[plane, None], case.filled[plane, None]
        weight = case.weight[plane, None]
        code = case.model.encode_tensor(x.clone())
        for row in np.flatnonzero(case.wanted[plane]):
            covered = x.clone()
            box = (slice(a, a + n) for a, n in zip(case.starts[row], case.size, strict=True))
            inside: Any = (slice(None), chosen, *box)
            covered[inside] = filled[inside]
            move = (code - case.model.encode_tensor(covered)) * weight
            yield np.array([row]), move.flatten(2).sum(-1)
