"""Cases that have most and least of a map, as a record for JSON and rows for spreadsheets.

Every key is stable. Refuses to know where anything is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from napari_latentattr.core.retrieval import CaseList, Retrieval
from napari_latentattr.io.records import VERSION, Record, csv_text, provenance_record


def retrieval_record(
    found: Retrieval, files: Mapping[tuple[str, str], Mapping[str, str]]
) -> Record:
    """Which cases have most and least of a map: ``cases.json``.

    Parameters
    ----------
    files : mapping of (list, case) to mapping of image to str
        Names of the crops that were written.

    Returns
    -------
    dict
        ``lists`` holds top, bottom, contrast and random; a box has the first voxel and the one
        after the last along each axis of the canonical array, a peak its latent and its place in
        RAS millimetres (x, y, z). Of a pair both cases have its ``pair`` and ``gap``.
    """
    gate = found.gate
    return {
        "kind": "retrieval",
        "version": VERSION,
        "map": str(found.target),
        "index": found.target.index,
        "by": found.by,
        "unit": found.unit,
        "outcome": found.outcome,
        "gate": None if gate is None else {**asdict(gate), "null": list(gate.null)},
        "n": found.n,
        "unit_name": found.unit_name,
        "n_cases": found.n_cases,
        "lists": {
            name: [
                {**_case_record(found, name, row), "files": dict(files.get((name, case), {}))}
                for row, case in enumerate(listed.cases)
            ]
            for name, listed in found.lists.items()
        },
        "provenance": provenance_record(found.provenance),
    }


def retrieval_csv(found: Retrieval) -> str:
    """``cases.csv``: one row a case and list."""
    rows = [
        [name, *_cells(_case_record(found, name, row))]
        for name, listed in found.lists.items()
        for row in range(len(listed))
    ]
    columns = ("list", "rank", "case", "unit", "score", "box", "latent", "peak_mm", "pair", "gap")
    return csv_text(columns, rows)


def _case_record(found: Retrieval, name: str, row: int) -> Record:
    listed: CaseList = found.lists[name]
    pair = row // 2 if name == "contrast" else None
    return {
        "rank": row + 1,
        "case": listed.cases[row],
        "unit": listed.units[row],
        "score": float(listed.scores[row]),
        "box": listed.boxes[row].tolist(),
        "latent": listed.latents[row].tolist(),
        "peak_mm": listed.centres[row][::-1].tolist(),
        "pair": None if pair is None else pair + 1,
        "gap": None if pair is None else float(found.gaps[pair]),
    }


def _cells(record: Record) -> list[object]:
    """Cells of one row: numbers of one place stand in one cell, with blanks between them."""
    return [_cell(value) for value in record.values()]


def _cell(value: object) -> object:
    if value is None:
        return ""
    if not isinstance(value, list):
        return value
    return " ".join(":".join(map(str, v)) if isinstance(v, list) else f"{v:.6g}" for v in value)
