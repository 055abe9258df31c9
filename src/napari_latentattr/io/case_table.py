"""The table of cases: one row a case, with its patient, its files and its outcome.

Checks names and whether files exist; refuses to open them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.names import (
    can_name_a_file,
    did_you_mean,
    is_missing,
    repeated_name,
)
from napari_latentattr.core.types import Text
from napari_latentattr.io.csv_file import read_cells

Values: TypeAlias = Text | npt.NDArray[np.int64] | npt.NDArray[np.float64]

RESERVED = ("case", "patient", "image", "mask", "labels")


@dataclass(frozen=True, slots=True)
class CaseRow:
    """Where the images of one case are.

    Attributes
    ----------
    case, patient : str
    images : tuple of Path
        One file or DICOM folder a channel, or a single one that holds all channels.
    mask, labels : Path or None
    """

    case: str
    patient: str
    images: tuple[Path, ...]
    mask: Path | None
    labels: Path | None


@dataclass(frozen=True, slots=True, eq=False)
class CaseTable:
    """The rows of a table, and the cells of all its columns as text."""

    path: Path
    rows: tuple[CaseRow, ...]
    columns: Mapping[str, tuple[str, ...]]

    def values(self, column: str) -> Values:
        """One value a case from any column: whole numbers, numbers or text.

        Raises
        ------
        InputError
            When there is no such column, or a case has no value in it.
        """
        if column not in self.columns:
            raise InputError(
                f"{self.path.name} lacks the column {column}{did_you_mean(column, self.columns)}; "
                f"it has {', '.join(self.columns)}"
            )
        cells = self.columns[column]
        for row, cell in zip(self.rows, cells, strict=True):
            if is_missing(cell):
                raise InputError(
                    f"{self.path.name}: case {row.case} has no value in the column {column}; "
                    "fill it in or leave the case out"
                )
        return _numbers_or_text(cells)


def read_case_table(path: Path | str, *, channels: Sequence[str]) -> CaseTable:
    """Read a table of cases; paths in it are relative to its folder.

    Parameters
    ----------
    path : path
        CSV, UTF-8, commas or semicolons. Columns: ``case``, ``patient``, one a channel or one
        ``image`` for all channels; optionally ``mask``, ``labels`` and anything else.
    channels : sequence of str
        Names of the channels, in the order that the model expects.

    Returns
    -------
    CaseTable

    Raises
    ------
    InputError
        When a column, a cell or a file is missing, or a case comes twice.
    """
    path = Path(path)
    check_channels(channels)
    header, lines = read_cells(path)
    images = _image_columns(path, header, channels)
    columns = {name: tuple(line[i] for _, line in lines) for i, name in enumerate(header)}
    used = ["case", "patient", *images, *(c for c in ("mask", "labels") if c in columns)]
    _refuse_empty_cells(path, used, columns, [number for number, _ in lines])
    _check_case_names(path, columns["case"])
    rows = tuple(_row(path, columns, images, i) for i in range(len(lines)))
    return CaseTable(path, rows, columns)


def check_channels(channels: Sequence[str]) -> None:
    """Refuse channel names that come twice, mean something else or cannot name a file."""
    if isinstance(channels, str) or len(channels) == 0:
        raise InputError(f"channels must list one name an image, got {channels!r}")
    twice = repeated_name(channels)
    if twice is not None:
        raise InputError(f"the channel {twice} is listed twice; name each image once")
    for name in channels:
        if name in RESERVED or not can_name_a_file(name) or {",", "|"} & set(name):
            raise InputError(
                f"{name!r} cannot be the name of a channel; "
                f"use letters and digits, no comma, and none of {', '.join(RESERVED)}"
            )


def _image_columns(path: Path, header: Sequence[str], channels: Sequence[str]) -> tuple[str, ...]:
    """Columns that hold the image files: one a channel, or ``image`` alone."""
    absent = [c for c in channels if c not in header]
    together = "image" in header and len(absent) == len(channels)
    spare = [name for name in header if name not in (*channels, *RESERVED)]
    for name in ("case", "patient", *([] if together else absent)):
        if name not in header:
            raise InputError(
                f"{path.name} lacks the column {name}{did_you_mean(name, spare)}; it needs case, "
                f"patient and one column a channel ({', '.join(channels)}) or one column image, "
                f"and has {', '.join(header)}"
            )
    return ("image",) if together else tuple(channels)


def _refuse_empty_cells(
    path: Path,
    used: Sequence[str],
    columns: Mapping[str, Sequence[str]],
    numbers: Sequence[int],
) -> None:
    for name in used:
        for number, case, cell in zip(numbers, columns["case"], columns[name], strict=True):
            if not cell or (name == "patient" and is_missing(cell)):
                raise InputError(
                    f"{path.name}, line {number}: case {case or 'without a name'} has "
                    f"{repr(cell) if cell else 'an empty cell'} in the column {name}; fill it in "
                    "or leave the case out"
                )


def _check_case_names(path: Path, cases: Sequence[str]) -> None:
    twice = repeated_name(cases)
    if twice is not None:
        raise InputError(f"{path.name} lists case {twice} twice; give every case its own name")
    for case in cases:
        if not can_name_a_file(case):
            raise InputError(
                f"{path.name}: results cannot be saved under the case name {case!r}; "
                "use letters, digits, - and _"
            )


def _row(
    path: Path, columns: Mapping[str, Sequence[str]], images: Sequence[str], index: int
) -> CaseRow:
    """One row with the paths of its files, all of which exist."""
    case = columns["case"][index]

    def find(column: str) -> Path:
        file = path.parent / columns[column][index]
        if not _exists(file):
            raise InputError(
                f"{path.name}: case {case}, column {column}: there is no file {file}; "
                "paths are relative to the folder of the table"
            )
        return file

    return CaseRow(
        case,
        columns["patient"][index],
        tuple(find(name) for name in images),
        find("mask") if "mask" in columns else None,
        find("labels") if "labels" in columns else None,
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name too long, or with a zero byte
        return False


def _numbers_or_text(cells: Sequence[str]) -> Values:
    """Whole numbers where all are, else finite numbers where all are, else text."""
    try:
        return np.array([int(cell) for cell in cells], dtype=np.int64)
    except (ValueError, OverflowError):
        pass
    try:
        numbers = np.array([float(cell) for cell in cells], dtype=np.float64)
    except ValueError:
        return np.array(cells, dtype=np.str_)
    return numbers if np.isfinite(numbers).all() else np.array(cells, dtype=np.str_)
