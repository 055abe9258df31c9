"""Registered method: where a map moves when one image comes from another case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.latent_grid import latents_inside, to_input_grid
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import (
    Attribution,
    CaseSource,
    Float32,
    Float64,
    ImageStack,
    LatentSpec,
    MapRef,
)
from napari_latentattr.methods._parameters import Bounds
from napari_latentattr.methods._registry import register
from napari_latentattr.methods.cases import Cut, body_latents, cut_of, position_of
from napari_latentattr.methods.dependence_volume import latent_moves
from napari_latentattr.methods.results import Question
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel


@register(
    "swaps",
    title="Swap images between cases",
    source="Jansen, Comput. Phys. Commun. 1999; Gamboa et al., arXiv 1311.1797, 2013",
    claims={"ignores_unused_channel", "symmetric"},
)
def swap_volume(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    target: MapRef,
    *,
    cohort: CaseSource | None = None,
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
    if cohort is None:
        raise InputError(
            "swaps take images from other cases, but no cohort was given; give the cohort of "
            f"case {stack.case}"
        )
    cut = cut_of(cohort)
    sliced = cut is not None and isinstance(model, SlicewiseModel)
    approximate = "" if cohort.unit_name == "patients" else cohort.unit_name
    asked = Question(
        "swaps",
        model,
        stack,
        target,
        {"donors": donors, "approximate": "one case" if len(cohort) == 1 else approximate},
        seed,
    )
    walk = _Walk(model, cohort, target.index, donors, seed, progress)
    measured = walk.slices(cut, stack) if sliced and cut is not None else walk.whole(stack)
    return asked.answer(*measured, unit="latent units")


@dataclass(frozen=True, slots=True)
class _Walk:
    """The cases to measure for one picture."""

    model: LatentModel | SlicewiseModel
    cohort: CaseSource
    which: int
    donors: int
    seed: int
    progress: Progress

    def whole(self, stack: ImageStack) -> tuple[Float32, Float64]:
        """Volume (C, *S) and score (C,) of a case of the cohort."""
        case = position_of(stack, self.cohort)
        moves = self._moves(self.model, case, self.progress)
        inside = body_latents(stack, self.model.spec, moves.shape[1:])
        return _drawn(moves, self.model.spec, stack), _size([moves[:, inside]])

    def slices(self, cut: Cut, stack: ImageStack) -> tuple[Float32, Float64]:
        """Volume and score of a volume whose slices are the cases of the cohort."""
        volume = position_of(stack, cut.whole)
        flat = self.model.model if isinstance(self.model, SlicewiseModel) else self.model
        planes: dict[str, Float32] = {}
        counted: list[Float64] = []
        own = [i for i, at in enumerate(cut.origins) if at.volume == volume]
        for done, i in enumerate(own):
            self.progress.report(done, len(own), "where each image matters, slice by slice")
            plane = self.cohort[i]
            moves = self._moves(flat, i, SILENT)
            planes[plane.case] = _drawn(moves, flat.spec, plane)
            if plane.mask is None or latents_inside(plane.mask, flat.spec, moves.shape[1:]).any():
                counted.append(moves[:, body_latents(plane, flat.spec, moves.shape[1:])])
        self.progress.report(len(own), len(own), "where each image matters, slice by slice")
        if not counted:
            raise InputError(f"case {stack.case}: no slice has a latent inside the mask")
        return cut.stack_back(planes, fill=0.0)[stack.case], _size(counted)

    def _moves(self, model: LatentModel | SlicewiseModel, case: int, progress: Progress) -> Float64:
        return latent_moves(model, self.cohort, self.which, case, self.donors, self.seed, progress)


def _drawn(moves: Float64, spec: LatentSpec, stack: ImageStack) -> Float32:
    volume = to_input_grid(moves.astype(np.float32), spec, stack.grid.shape)
    return volume if stack.mask is None else np.where(stack.mask, volume, np.float32(0))


def _size(counted: list[Float64]) -> Float64:
    """Root mean square (C,) over latents (C, V) of all slices."""
    return np.asarray(np.sqrt((np.concatenate(counted, axis=1) ** 2).mean(axis=1)))
