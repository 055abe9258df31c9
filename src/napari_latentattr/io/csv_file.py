"""A table of cells as spreadsheets save it. Refuses to know what the cells mean."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.names import repeated_name
from napari_latentattr.io.text_file import read_text

MAX_BYTES = 16 * 2**20


def read_cells(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Cells of a CSV file, stripped of blanks around them.

    Parameters
    ----------
    path : Path
        UTF-8, commas or semicolons.

    Returns
    -------
    header : list of str
    rows : list of (line number, cells)
        Without blank rows; every row has as many cells as the header.

    Raises
    ------
    InputError
    """
    text = read_text(path, max_bytes=MAX_BYTES)
    first = text.split("\n", 1)[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in line]) for line in reader]
    except csv.Error as error:
        raise InputError(
            f"{path.name}, line {reader.line_num}: not a CSV table ({error})"
        ) from error
    lines = [(number, line) for number, line in lines if any(line)]
    if len(lines) < 2:
        raise InputError(
            f"{path.name} must have a header and one row a case, got {len(lines)} rows"
        )
    header = lines[0][1]
    twice = repeated_name(header)
    if twice is not None:
        raise InputError(f"{path.name} has two columns named {twice!r}; keep one")
    for number, line in lines[1:]:
        if len(line) != len(header):
            raise InputError(
                f"{path.name}, line {number}: {len(line)} cells, the header has {len(header)}"
            )
    return header, lines[1:]
