"""What the cases of a cohort have in common: a mean case, and latents that lie in every body.

One case is in memory at a time. Refuses to know what is compared there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_latentattr.core.broken import Broken
from napari_latentattr.core.errors import Cancelled, InputError, LatentAttrError
from napari_latentattr.core.latent_grid import latents_off_border
from napari_latentattr.core.progress import Progress
from napari_latentattr.core.types import Bool, CaseSource, Float32, Float64, ImageStack
from napari_latentattr.methods.cases import body_latents
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel

FEWEST_LATENTS = 5  # a rank correlation of fewer is one of few values


@dataclass(frozen=True, slots=True, eq=False)
class CommonGround:
    """What N cases have in common.

    Attributes
    ----------
    index : tuple of int
        Positions of the N cases in the cohort; without those in `broken`.
    mean : (C, *S) float32 array
        Mean of each image.
    inside : (*L) bool array
        Latents that lie in the body of every case, the border of the receptive field dropped.
    border : str
        What became of that border.
    broken : tuple of Broken
    """

    index: tuple[int, ...]
    mean: Float32
    inside: Bool
    border: str
    broken: tuple[Broken, ...]


def find_common_ground(
    model: LatentModel | SlicewiseModel, cohort: CaseSource, *, skip: bool, progress: Progress
) -> CommonGround:
    """Read every case once.

    Parameters
    ----------
    skip : bool
        Leave out cases that cannot be read, or whose mask holds no latent.

    Raises
    ------
    InputError
        When a case cannot be used, cases differ in size, or too few latents are in common.
    """
    sums, broken = _Sums(model), list[Broken]()
    for i in range(len(cohort)):
        progress.report(i, len(cohort), "mean images of the cohort")
        try:
            stack = cohort[i]
            inside = sums.latents(stack)
        except Cancelled:
            raise
        except LatentAttrError as error:
            if not skip:
                raise
            broken.append(Broken(i, cohort.cases[i], str(error)))
            continue
        sums.add(i, stack, inside)
    progress.report(len(cohort), len(cohort), "mean images of the cohort")
    if len(broken) and len(sums.index) < 2:
        raise InputError(
            f"{len(sums.index)} of {len(cohort)} cases can be used, and it takes 2; the first that "
            f"cannot: {broken[0].sentence}"
        )
    return sums.together(tuple(broken))


class _Sums:
    """Sums over the cases so far."""

    def __init__(self, model: LatentModel | SlicewiseModel) -> None:
        self._model = model
        self.index: list[int] = []
        self._names: list[str] = []
        self._total: Float64 = np.empty(0)
        self._common: Bool = np.empty(0, dtype=bool)
        self._shape: tuple[int, ...] = ()

    def latents(self, stack: ImageStack) -> Bool:
        """Latents (*L) in the body of a case."""
        shape = self._shape or self._model.encode(stack.data[None]).shape[2:]
        return body_latents(stack, self._model.spec, shape)

    def add(self, index: int, stack: ImageStack, inside: Bool) -> None:
        """Take in one more case."""
        if not self.index:
            self._total = np.zeros(stack.data.shape)
            self._shape, self._common = inside.shape, np.ones(inside.shape, dtype=bool)
        elif stack.data.shape != self._total.shape:
            raise InputError(
                f"case {stack.case} has images of {_size(stack.grid.shape)}, case "
                f"{self._names[0]} of {_size(self._total.shape[1:])}, so they have no mean; bring "
                "all cases onto the same voxels"
            )
        self.index.append(index)
        self._names.append(stack.case)
        self._total += stack.data
        self._common &= inside

    def together(self, broken: tuple[Broken, ...]) -> CommonGround:
        """Say what all of them have in common."""
        spec, common = self._model.spec, self._common
        inner = common & latents_off_border(spec, self._shape, self._total.shape[1:])
        border = "dropped"
        if inner.sum() < FEWEST_LATENTS:
            inner, border = common, "kept, all receptive fields cross it"
        if inner.sum() < FEWEST_LATENTS:
            raise InputError(
                f"the cases have {inner.sum()} latents in common inside their masks, and a pattern "
                f"needs at least {FEWEST_LATENTS}; check the masks, or take a layer with more "
                "latents"
            )
        mean = (self._total / len(self.index)).astype(np.float32)
        return CommonGround(tuple(self.index), mean, inner, border, broken)


def _size(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
