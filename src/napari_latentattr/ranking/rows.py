"""What a ranking works on: the values of all maps at the same places of every case.

Knows neither models nor cohorts. One place a case (its summaries) is a ranking by case; many
places (latents) a ranking by voxel. Everything after this file is the same for both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_latentattr.core.types import Bool, Float32, Float64
from napari_latentattr.ranking.units import Int, Outcomes, Units


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Values, outcome and independent unit of N cases at P places.

    Attributes
    ----------
    values : (N, P, F) float32 array
        F features a place; place p is the same latent position in every case.
    inside : (N, P) bool array
        Places that count: those in the body of the case.
    label : (N, P) int64 or float64 array
        Position in `classes` of the outcome at each place; the outcome itself where it is a number.
    map_of : (F,) int64 array
        The map that each feature belongs to, 0 to K - 1.
    classes : tuple of str
        Empty where the outcome is a number.
    units : Units
    """

    values: Float32
    inside: Bool
    label: Outcomes
    map_of: Int
    classes: tuple[str, ...]
    units: Units

    @property
    def n_maps(self) -> int:
        """Number of maps K."""
        return int(self.map_of.max()) + 1

    def per_map(self, features: Float64) -> Float64:
        """Sum a number a feature (F,) to a number a map (K,)."""
        return np.bincount(self.map_of, features).astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Some places of some cases: `case` and `place` index `Rows`, `label` is their outcome."""

    case: Int
    place: Int
    label: Outcomes

    def of(self, cases: Bool) -> Sample:
        """Only the rows of the cases marked in `cases` (N,)."""
        keep = cases[self.case]
        return Sample(self.case[keep], self.place[keep], self.label[keep])

    def values(self, rows: Rows, donor: Int | None = None) -> Float32:
        """Features of these rows (R, F), or those of each case's `donor` at the same place."""
        case = self.case if donor is None else donor[self.case]
        return rows.values[case, self.place]


def draw_sample(rows: Rows, label: Outcomes, rng: np.random.Generator, *, limit: int) -> Sample:
    """Draw at most `limit` places of each class from each case, without replacement.

    Parameters
    ----------
    label : (N, P) array
        The outcome, or one that was exchanged between cases.
    """
    case, place = np.nonzero(rows.inside)
    value = label[case, place]
    cell = case * len(rows.classes) + value if rows.classes else case
    order = np.lexsort((rng.random(case.size), cell))
    cell = cell[order]
    nth = np.arange(cell.size) - np.searchsorted(cell, cell)
    chosen = np.sort(order[nth < limit])
    return Sample(case[chosen], place[chosen], value[chosen])


def classes_in_groups(rows: Rows, label: Outcomes) -> Bool:
    """Which group has which class somewhere inside: (number of groups, number of classes)."""
    present = np.zeros((rows.units.n, len(rows.classes)), dtype=bool)
    case, place = np.nonzero(rows.inside)
    present[rows.units.group[case], label[case, place].astype(np.int64)] = True
    return present
