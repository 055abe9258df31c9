"""Cases that have most and least of a map, as a record for JSON and rows for spreadsheets.

Every key is stable. Refuses to know where anything is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast, get_args

import numpy as np

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.retrieval import By, CaseList, Retrieval
from napari_latentattr.io.entry import Entry
from napari_latentattr.io.record_reading import gate_from, map_from, opened, provenance_from
from napari_latentattr.io.records import VERSION, Record, csv_text, provenance_record

KIND = "retrieval"


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
        RAS millimetres (x, y, z); a position counts the cases of the cohort. Of a pair both cases
        have its ``pair`` and ``gap``.
    """
    gate = found.gate
    return {
        "kind": KIND,
        "version": VERSION,
        "map": str(found.target),
        "index": found.target.index,
        "by": found.by,
        "unit": found.unit,
        "outcome": found.outcome,
        "gate": None if gate is None else {**asdict(gate), "null": list(gate.null)},
        "mean": found.mean,
        "sd": found.sd,
        "n": found.n,
        "unit_name": found.unit_name,
        "n_cases": found.n_cases,
        "lists": {
            name: [
                {
                    **_case_record(found, name, row),
                    "position": int(listed.index[row]),
                    "files": dict(files.get((name, case), {})),
                }
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


def retrieval_from(record: Mapping[str, Any]) -> Retrieval:
    """Rebuild which cases have most and least of a map from their record, without statistics.

    Raises
    ------
    InputError
        When a key is missing, a value is of another kind, or places do not fit each other.
    """
    top = opened(record, KIND)
    by, lists = top.text("by"), top.entry("lists")
    if by not in get_args(By):
        raise InputError(f"{top.where} is ordered by {by[:60]!r}; it is damaged")
    listed = {name: lists.entries(name) for name in ("top", "bottom", "contrast", "random")}
    ndim = {len(one.wholes("latent")) for entries in listed.values() for one in entries}
    if not listed["top"] or len(ndim) != 1 or len(listed["contrast"]) % 2:
        raise InputError(f"{top.where} has no cases, or places of different kinds; it is damaged")
    found = {name: _list_from(entries, *ndim) for name, entries in listed.items()}
    return Retrieval(
        target=map_from(top),
        by=cast("By", by),
        unit=top.text("unit"),
        **found,
        gaps=np.array([one.number("gap") for one in listed["contrast"][::2]], dtype=np.float64),
        mean=top.number("mean"),
        sd=top.number("sd"),
        n=top.whole("n"),
        unit_name=top.text("unit_name"),
        n_cases=top.whole("n_cases"),
        outcome=top.text("outcome"),
        gate=gate_from(top.entry("gate")) if top.has("gate") else None,
        statistics=None,
        provenance=provenance_from(top.entry("provenance")),
    )


def _list_from(entries: Sequence[Entry], ndim: int) -> CaseList:
    boxes = [one.rows("box") for one in entries]
    centres = [one.numbers("peak_mm")[::-1] for one in entries]
    edges = {len(edges) for box in boxes for edges in box}
    if entries and ({*map(len, boxes), *map(len, centres)} != {ndim} or edges != {2}):
        raise InputError(f"{entries[0].where} has a place of another kind; the record is damaged")
    return CaseList(
        cases=tuple(one.text("case") for one in entries),
        units=tuple(one.text("unit") for one in entries),
        index=np.array([one.whole("position") for one in entries], dtype=np.int64),
        scores=np.array([one.number("score") for one in entries], dtype=np.float64),
        boxes=np.array(boxes, dtype=np.int64).reshape(-1, ndim, 2),
        latents=np.array([one.wholes("latent") for one in entries], dtype=np.int64).reshape(
            -1, ndim
        ),
        centres=np.array(centres, dtype=np.float64).reshape(-1, ndim),
    )


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
