"""Names that people write: the nearest known one for a message, and which ones may name a file.

Refuses to know what the names stand for.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from napari_latentattr.core.errors import InputError

MISSING = frozenset({"", "na", "n/a", "nan", "nat", "none", "<na>"})  # as tables write no value


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Words to append to a message about `name`: the nearest known name, or nothing.

    Returns
    -------
    str
        Like ``", did you mean 'channels'"``; empty when none is near.
    """
    folded = {k.casefold(): k for k in known}
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return f", did you mean {folded[near[0]]!r}" if near else ""


def can_name_a_file(name: str) -> bool:
    """Whether `name` can be part of a file name on every common system."""
    return (
        0 < len(name) <= 100
        and name.isprintable()
        and name == name.strip()
        and not name.startswith(".")
        and not set(name) & set('/\\:*?"<>|')
    )


def repeated_name(names: Iterable[str]) -> str | None:
    """First name that comes twice, or None."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def is_missing(value: object) -> bool:
    """Whether a value means that none is known, in the words of spreadsheets, R and pandas."""
    return str(value).strip().casefold() in MISSING


def patient_names(patients: Sequence[object], cases: Sequence[str]) -> tuple[str, ...]:
    """Name of the patient of each case; two cases without one are not of the same patient.

    Raises
    ------
    InputError
        When the patient of a case is missing, or there is not one a case.
    """
    if len(patients) != len(cases):
        raise InputError(
            f"{len(cases)} cases came with {len(patients)} patients; name one patient a case"
        )
    for patient, case in zip(patients, cases, strict=True):
        if is_missing(patient):
            raise InputError(
                f"the patient of case {case} is missing; name one patient a case, or leave the "
                "case out"
            )
    return tuple(str(patient) for patient in patients)
