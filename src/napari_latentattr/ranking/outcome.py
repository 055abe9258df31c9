"""What is to be predicted: one class a case, or a labelled region in each case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.types import Bool, CaseSource, ImageStack
from napari_latentattr.ranking.units import Int, Units

Outcome: TypeAlias = str | Sequence[object] | npt.NDArray[np.generic]


@dataclass(frozen=True, slots=True, eq=False)
class CaseClasses:
    """One class a case: ``classes[code[i]]``."""

    classes: tuple[str, ...]
    code: Int


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """A labelled region in each case, read when it is asked for."""

    cohort: CaseSource
    label: str | None
    arrays: tuple[Bool, ...]

    def of(self, index: int, stack: ImageStack) -> Bool:
        """Voxels of case `index` that are labelled, (*S); `stack` is that case.

        Raises
        ------
        InputError
            When the region does not lie on the grid of the images.
        """
        if self.label is not None:
            return self.cohort.region(index, self.label)
        region = self.arrays[index]
        if region.shape != stack.grid.shape:
            raise InputError(
                f"the outcome of case {stack.case} has shape {region.shape}, its images "
                f"{stack.grid.shape}; give one bool array a case on the grid of its images"
            )
        return region


def read_outcome(
    cohort: CaseSource, outcome: Outcome, units: Units, *, name: str
) -> CaseClasses | Regions:
    """Make sense of an outcome.

    Parameters
    ----------
    outcome : str, or sequence of N class labels, or sequence of N bool arrays (*S)
        A string is the name of a label of the cohort.

    Raises
    ------
    InputError
        When it has another length than the cohort, is constant, continuous or missing somewhere,
        or a class has fewer than two independent units.
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
    found = _read_classes(cohort, entries, name)
    present = np.zeros((units.n, len(found.classes)), dtype=bool)
    present[units.group, found.code] = True
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
                "add cases or merge classes (cut a continuous outcome into classes first)"
            )


def _read_classes(cohort: CaseSource, outcome: list[object], name: str) -> CaseClasses:
    labels = [
        _class_label(value, case, name) for value, case in zip(outcome, cohort.cases, strict=True)
    ]
    classes, code = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise InputError(
            f"outcome {name!r} is {classes[0]} in all {len(labels)} cases; at least 2 classes are "
            "needed, so add cases of another class"
        )
    return CaseClasses(tuple(str(c) for c in classes), code.astype(np.int64))


def _class_label(value: object, case: str, name: str) -> str:
    if value is None or value == "" or value != value:
        raise InputError(
            f"outcome {name!r} is missing for case {case}; give its class or leave the case out"
        )
    if isinstance(value, float | np.floating):
        if not float(value).is_integer():
            raise InputError(
                f"outcome {name!r} is continuous (case {case}: {value}), classes are expected; "
                "cut it into classes first"
            )
        return str(int(value))
    return str(value)
