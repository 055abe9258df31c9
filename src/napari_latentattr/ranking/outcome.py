"""What is to be predicted: a class or a number a case, or a labelled region in each case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.types import Bool, CaseSource, Grid
from napari_latentattr.ranking.units import Outcomes, Units

Outcome: TypeAlias = str | Sequence[object] | npt.NDArray[np.generic]

MOST_CLASSES = 10  # whole numbers with more values than these are put in order
FEWEST_FOR_NUMBERS = 6  # two folds of three


@dataclass(frozen=True, slots=True, eq=False)
class CaseOutcome:
    """One class a case, ``classes[code[i]]``; or none, and `code` the rank of a number, 0 to 1.

    Ranks make a far-off number count like the next one; the scores go by order alone.
    """

    classes: tuple[str, ...]
    code: Outcomes


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """A labelled region in each case, read when it is asked for."""

    cohort: CaseSource
    label: str | None
    arrays: tuple[Bool, ...]

    def of(self, index: int, grid: Grid) -> Bool:
        """Voxels of case `index` that are labelled, (*S); `grid` is that of its images.

        Raises
        ------
        InputError
            When the region does not lie on the grid of the images.
        """
        if self.label is not None:
            return self.cohort.region(index, self.label)
        region = self.arrays[index]
        if region.shape != grid.shape:
            raise InputError(
                f"the outcome of case {self.cohort.cases[index]} has shape {region.shape}, its "
                f"images {grid.shape}; give one bool array a case on the grid of its images"
            )
        return region


def read_outcome(
    cohort: CaseSource, outcome: Outcome, units: Units, *, name: str
) -> CaseOutcome | Regions:
    """Make sense of an outcome.

    Parameters
    ----------
    outcome : str, or sequence of N classes or numbers, or sequence of N bool arrays (*S)
        A string is the name of a label of the cohort. Values are numbers when one is not whole or
        more than half of them (or more than 10) differ; write classes as words where they are not.

    Raises
    ------
    InputError
        When it has another length than the cohort, is constant or missing somewhere, a class has
        fewer than two independent units, or a number is known of fewer than six.
    """
    if isinstance(outcome, str):
        return Regions(cohort, outcome, ())
    if len(outcome) != len(cohort):
        raise InputError(
            f"outcome {name!r} has {len(outcome)} entries, the cohort {len(cohort)} cases; "
            "give one a case"
        )
    entries = list(outcome)
    if np.asarray(entries[0]).ndim > 0:
        return Regions(cohort, None, tuple(np.asarray(region, dtype=bool) for region in entries))
    labels = [_label(value, case, name) for value, case in zip(entries, cohort.cases, strict=True)]
    if len(set(labels)) < 2:
        raise InputError(
            f"outcome {name!r} is {labels[0]} in all {len(labels)} cases; at least 2 classes are "
            "needed, so add cases of another class"
        )
    if _are_numbers(labels):
        ranks = (rankdata(np.array(labels, dtype=np.float64)) - 1) / (len(labels) - 1)
        check_numbers(ranks, units, outcome=name)
        return CaseOutcome((), ranks)
    classes, code = np.unique([str(label) for label in labels], return_inverse=True)
    found = CaseOutcome(tuple(str(c) for c in classes), code.astype(np.int64))
    present = np.zeros((units.n, len(found.classes)), dtype=bool)
    present[units.group, code] = True
    check_classes(present, found.classes, units, outcome=name)
    return found


def check_classes(present: Bool, classes: tuple[str, ...], units: Units, *, outcome: str) -> None:
    """Refuse an outcome that cannot be held out.

    Parameters
    ----------
    present : (number of groups, number of classes) bool array

    Raises
    ------
    InputError
        When a class has fewer than two groups of cases.
    """
    for name, count in zip(classes, present.sum(axis=0).tolist(), strict=True):
        if count < 2:
            raise InputError(
                f"outcome {outcome!r}: class {name!r} is found in {count} of {units.n} "
                f"{units.groups}, at least 2 are needed to train on one and test on another; "
                "add cases or merge classes"
            )


def check_numbers(values: Outcomes, units: Units, *, outcome: str) -> None:
    """Refuse a number that cannot be held out.

    Parameters
    ----------
    values : array

    Raises
    ------
    InputError
        When it is the same everywhere, or known of fewer than six groups of cases.
    """
    if units.n < FEWEST_FOR_NUMBERS:
        raise InputError(
            f"outcome {outcome!r} is a number known of {units.n} {units.groups}, at least "
            f"{FEWEST_FOR_NUMBERS} are needed to put in order those that were not trained on; add "
            "cases"
        )
    if np.ptp(values) == 0:
        raise InputError(f"outcome {outcome!r} is the same everywhere; add cases where it differs")


def _label(value: object, case: str, name: str) -> str | float | int:
    """Plain value of one case; a whole number is an int."""
    if value is None or value == "" or value != value:
        raise InputError(
            f"outcome {name!r} is missing for case {case}; give its value or leave the case out"
        )
    if isinstance(value, bool | np.bool_):
        return str(value)
    if isinstance(value, int | float | np.integer | np.floating):
        number = float(value)
        if not np.isfinite(number):
            raise InputError(
                f"outcome {name!r} is {number} for case {case}; give a finite number or leave the "
                "case out"
            )
        return int(number) if number.is_integer() else number
    return str(value)


def _are_numbers(labels: Sequence[str | float | int]) -> bool:
    if any(isinstance(label, str) for label in labels):
        return False
    different = len(set(labels))
    return (
        any(isinstance(label, float) for label in labels)
        or different > MOST_CLASSES
        or 2 * different > len(labels)
    )
