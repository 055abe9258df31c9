"""Who gives images to whom; a study of one case gets surrogates of itself (approximate)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from napari_latentattr.core.surrogates import phase_randomised, shifted
from napari_latentattr.core.types import Bool, CaseSource, ImageStack

Pair: TypeAlias = tuple[int, list[int]]

_SURROGATES = (shifted, phase_randomised)


def with_donors(cohort: CaseSource, *, donors: int, seed: int) -> tuple[CaseSource, list[Pair]]:
    """Cases to swap between, and each recipient with its donors.

    Parameters
    ----------
    cohort : CaseSource
    donors : int
        Donors a recipient; fewer where there are not as many cases of other units.

    Returns
    -------
    cases : CaseSource
        The cohort itself, or its only case followed by surrogates.
    pairs : list of (int, list of int)
    """
    if len(cohort) > 1:
        return cohort, pair_cases(cohort.units, donors=donors, seed=seed)
    surrogates = SurrogateDonors(cohort, donors, seed)
    return surrogates, [(0, list(range(1, len(surrogates))))]


def pair_cases(units: Sequence[str], *, donors: int, seed: int) -> list[Pair]:
    """Recipients in one random order, each with the next `donors` cases of other units.

    Parameters
    ----------
    units : sequence of str
        Independent unit of each case.

    Returns
    -------
    list of (int, list of int)
        Cyclic, so every case gives as often as it receives where every unit has one case.
    """
    order = np.random.default_rng(seed).permutation(len(units))
    pairs = []
    for position, case in enumerate(order):
        following = np.roll(order, -position - 1)[:-1]
        others = [int(j) for j in following if units[j] != units[case]]
        pairs.append((int(case), others[:donors]))
    return pairs


class SurrogateDonors:
    """The one case of a cohort, followed by its surrogates.

    Shifted and phase-randomised stand-ins take turns; the images of one stand-in are made
    independently of each other.
    """

    def __init__(self, cohort: CaseSource, donors: int, seed: int) -> None:
        self._cohort = cohort
        self._seed = seed
        self.channels = cohort.channels
        self.ndim = cohort.ndim
        self.slices = cohort.slices
        self.unit_name = cohort.unit_name
        self.cases = (*cohort.cases, *(f"surrogate-{r}" for r in range(1, donors + 1)))
        self.patients = self.cases
        self.units = self.cases

    def __len__(self) -> int:
        return len(self.cases)

    def __getitem__(self, index: int) -> ImageStack:
        real = self._cohort[0]
        if index == 0:
            return real
        rng = np.random.default_rng([self._seed, index])
        make = _SURROGATES[index % len(_SURROGATES)]
        mask = np.ones(real.grid.shape, dtype=bool) if real.mask is None else real.mask
        data = np.stack([make(image, mask, rng) for image in real.data])
        return ImageStack(self.cases[index], real.channels, data, real.grid, real.mask)

    def region(self, index: int, name: str) -> Bool:
        """Voxels with a label; surrogates share those of the real case."""
        return self._cohort.region(0, name)
