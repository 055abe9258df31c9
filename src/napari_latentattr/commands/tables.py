"""Plain-text tables for a terminal; knows no results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

Facts: TypeAlias = list[tuple[str, str]]
Section: TypeAlias = tuple[str, Facts]


def table(rows: Sequence[Sequence[str]], *, header: Sequence[str] = ()) -> str:
    """Rows as aligned text; cells that read as numbers go to the right.

    Parameters
    ----------
    rows : sequence of sequence of str
        Each of the same length.
    header : sequence of str, optional
        Names of the columns.
    """
    lines = [list(header), *map(list, rows)] if header else [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    right = [all(map(_is_number, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    )


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell in ("", "-")
    return True


def sheet(sections: Sequence[Section]) -> str:
    """Titled lists of names and values."""
    width = max(len(name) for _, facts in sections for name, _ in facts)
    blocks = [
        "\n".join([title, *(f"  {name.ljust(width)}  {value}".rstrip() for name, value in facts)])
        for title, facts in sections
    ]
    return "\n\n".join(blocks)
