"""What is independent in a cohort: patients, or blocks of slices where all are of one person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.names import patient_names
from napari_latentattr.core.types import CaseSource

Int: TypeAlias = npt.NDArray[np.int64]
Outcomes: TypeAlias = npt.NDArray[np.int64] | npt.NDArray[np.float64]  # classes, or numbers

FEWEST_PATIENTS = 4
SLICE_BLOCKS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """Which cases belong together.

    Attributes
    ----------
    group : (N,) int64 array
        Cases with one number are never split between training and test.
    whole : (N,) int64 array
        Cases with one number are exchanged together in nulls and shadows.
    groups, wholes : str
        What these are, in words.
    """

    group: Int
    whole: Int
    groups: str
    wholes: str

    @property
    def n(self) -> int:
        """Number of groups."""
        return int(self.group.max()) + 1

    def of(self, cases: Sequence[int]) -> Units:
        """Units of some of the cases, in their order.

        Raises
        ------
        InputError
            When too few groups are left.
        """
        if len(cases) == len(self.group):
            return self
        group, whole = (
            np.unique(number[list(cases)], return_inverse=True)[1].astype(np.int64)
            for number in (self.group, self.whole)
        )
        left = replace(self, group=group, whole=whole)
        _check_patients(left.n)
        return left


def units_of(cohort: CaseSource, patients: Sequence[object] | None = None) -> Units:
    """Find the independent units of a cohort.

    Parameters
    ----------
    patients : sequence of N labels, optional
        The cohort's own when None. Slices of one person become blocks of neighbours.

    Raises
    ------
    InputError
        When there are fewer than 4 patients, or fewer than 10 slices of one person, or the patient
        of a case is missing.
    """
    names = cohort.patients if patients is None else patient_names(patients, cohort.cases)
    if cohort.unit_name == "slices of one person" and len(set(names)) == 1:
        return slices_as_units(len(cohort))
    return patients_as_units(names)


def patients_as_units(names: Sequence[object]) -> Units:
    """Cases of one name belong together and are exchanged together."""
    number = np.unique([str(name) for name in names], return_inverse=True)[1].astype(np.int64)
    units = Units(number, number, "patients", "whole patients")
    _check_patients(units.n)
    return units


def _check_patients(n: int) -> None:
    if n < FEWEST_PATIENTS:
        raise InputError(
            f"a study with {n} patient{'s' if n > 1 else ''} cannot be ranked: at "
            f"least {FEWEST_PATIENTS} are needed to test on patients that were not trained on; "
            "add cases of other patients"
        )


def slices_as_units(n: int) -> Units:
    """Five blocks of `n` neighbouring slices are never split; single slices are exchanged."""
    if n < 2 * SLICE_BLOCKS:
        raise InputError(
            f"{n} slices of one person cannot be ranked: at least {2 * SLICE_BLOCKS} are needed "
            f"for {SLICE_BLOCKS} blocks of neighbouring slices; add slices or patients"
        )
    return Units(
        np.arange(n) * SLICE_BLOCKS // n,
        np.arange(n),
        "blocks of neighbouring slices of one person (approximate)",
        "whole slices of one person (approximate)",
    )
