"""Registered method: where a map moves when one image comes from another case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.latent_grid import latents_inside, to_input_grid
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import (
    Attribution,
    Bool,
    CaseSource,
    Float32,
    Float64,
    ImageStack,
    LatentSpec,
    MapRef,
)
from napari_latentattr.methods._parameters import Bounds
from napari_latentattr.methods._registry import register
from napari_latentattr.methods.cases import Cut, cut_of, position_of
from napari_latentattr.methods.dependence_volume import latent_moves
from napari_latentattr.methods.latents import counted_latents
from napari_latentattr.methods.results import Question
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel


def swap_volumes(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    targets: Sequence[MapRef],
    *,
    cohort: CaseSource | None = None,
    latents: Bool | None = None,
    donors: int = 4,
    seed: int = 0,
    progress: Progress = SILENT,
) -> tuple[Attribution, ...]:
    """Answer like `swap_volume` for several maps, from the same swaps."""
    if cohort is None:
        raise InputError(
            "swaps take images from other cases, but no cohort was given; give the cohort of "
            f"case {stack.case}"
        )
    cut = cut_of(cohort)
    sliced = cut is not None and isinstance(model, SlicewiseModel)
    approximate = "" if cohort.unit_name == "patients" else cohort.unit_name
    params = {"donors": donors, "approximate": "one case" if len(cohort) == 1 else approximate}
    asked = Question("swaps", model, stack, None, params, seed).about(targets)
    maps = [ref.index for ref in targets]
    walk = _Walk(model, cohort, maps, latents, donors, seed, progress)
    found = walk.slices(cut, stack) if sliced and cut is not None else walk.whole(stack)
    return tuple(
        question.answer(volume, score, unit="latent units")
        for question, (volume, score) in zip(asked, found, strict=True)
    )


@register(
    "swaps",
    title="Swap images between cases",
    source="Jansen, Comput. Phys. Commun. 1999; Gamboa et al., arXiv 1311.1797, 2013",
    claims={"ignores_unused_channel", "symmetric"},
    many=swap_volumes,
)
def swap_volume(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    target: MapRef,
    *,
    cohort: CaseSource | None = None,
    latents: Bool | None = None,
    donors: Annotated[int, Bounds(1, 32, "cases", step=1)] = 4,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Attribution:
    """Show where the map moves when one image is taken from another case.

    The volume is the root mean square move of each latent over the donors, in units of the map, on
    the voxels of the image and inside the mask. Each slice of one person is exchanged with slices
    of other blocks. With a cohort of one case the donors are surrogates of its own images.

    Parameters
    ----------
    donors : int
        Other cases that each image is taken from in turn.

    References
    ----------
    Gamboa, Janon, Klein, Lagnoux: Sensitivity indices for multivariate outputs, 2013.
    """
    (found,) = swap_volumes(
        model,
        stack,
        [target],
        cohort=cohort,
        latents=latents,
        donors=donors,
        seed=seed,
        progress=progress,
    )
    return found


@dataclass(frozen=True, slots=True)
class _Walk:
    """The cases to measure for one picture of each of M maps."""

    model: LatentModel | SlicewiseModel
    cohort: CaseSource
    maps: list[int]
    latents: Bool | None
    donors: int
    seed: int
    progress: Progress

    def whole(self, stack: ImageStack) -> list[tuple[Float32, Float64]]:
        """Volume (C, *S) and score (C,) of each map for a case of the cohort."""
        case = position_of(stack, self.cohort)
        moves = self._moves(self.model, case, self.progress)
        inside = counted_latents(self.latents, stack, self.model.spec, moves.shape[2:])
        if self.latents is not None:
            moves = moves * inside
        return [(_drawn(m, self.model.spec, stack), _size([m[:, inside]])) for m in moves]

    def slices(self, cut: Cut, stack: ImageStack) -> list[tuple[Float32, Float64]]:
        """Volume and score of each map for a volume whose slices are the cases of the cohort."""
        volume = position_of(stack, cut.whole)
        flat = self.model.model if isinstance(self.model, SlicewiseModel) else self.model
        planes: list[dict[str, Float32]] = [{} for _ in self.maps]
        counted: list[list[Float64]] = [[] for _ in self.maps]
        own = [i for i, at in enumerate(cut.origins) if at.volume == volume]
        for done, i in enumerate(own):
            self.progress.report(done, len(own), "where each image matters, slice by slice")
            plane = self.cohort[i]
            moves = self._moves(flat, i, SILENT)
            inside = self._inside(plane, cut.origins[i].index, flat.spec, moves.shape[2:])
            if self.latents is not None:
                moves = moves * inside
            for row, move in enumerate(moves):
                planes[row][plane.case] = _drawn(move, flat.spec, plane)
                counted[row].append(move[:, inside])
        self.progress.report(len(own), len(own), "where each image matters, slice by slice")
        if not sum(part.shape[1] for part in counted[0]):
            raise InputError(f"case {stack.case}: no slice has a latent inside the mask")
        return [
            (cut.stack_back(drawn, fill=0.0)[stack.case], _size(parts))
            for drawn, parts in zip(planes, counted, strict=True)
        ]

    def _inside(
        self, plane: ImageStack, index: int, spec: LatentSpec, shape: Sequence[int]
    ) -> Bool:
        """Latents of one slice that count; none where the slice is empty of body."""
        if self.latents is not None and isinstance(self.model, SlicewiseModel):
            return np.asarray(self.latents.take(index, axis=self.model.axis))
        if plane.mask is None:
            return np.ones(tuple(shape), dtype=bool)
        return latents_inside(plane.mask, spec, shape)

    def _moves(self, model: LatentModel | SlicewiseModel, case: int, progress: Progress) -> Float64:
        """Root mean square moves (M, C, *L)."""
        found = latent_moves(model, self.cohort, self.maps, case, self.donors, self.seed, progress)
        return found.swapaxes(0, 1)


def _drawn(moves: Float64, spec: LatentSpec, stack: ImageStack) -> Float32:
    volume = to_input_grid(moves.astype(np.float32), spec, stack.grid.shape)
    return volume if stack.mask is None else np.where(stack.mask, volume, np.float32(0))


def _size(counted: list[Float64]) -> Float64:
    """Root mean square (C,) over latents (C, V) of all slices."""
    return np.asarray(np.sqrt((np.concatenate(counted, axis=1) ** 2).mean(axis=1)))
