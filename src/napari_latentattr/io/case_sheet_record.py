"""Sheets of cases as records for JSON, and their small pictures beside it.

Refuses to know where records and pictures lie.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from napari_latentattr.core.case_sheet import PICTURED, CaseSheet, CaseView, Grey
from napari_latentattr.core.errors import InputError
from napari_latentattr.io.entry import Entry
from napari_latentattr.io.records import Record
from napari_latentattr.io.retrieval_records import retrieval_from, retrieval_record


def case_sheet_record(sheet: CaseSheet) -> Record:
    """Everything about a sheet but its pictures."""
    return {
        "retrieval": retrieval_record(sheet.found, {}),
        "channels": list(sheet.channels),
        "views": {
            name: [
                {
                    "name": view.name,
                    "case": view.case,
                    "voxel": list(view.voxel),
                    "box": [list(edges) for edges in view.box],
                }
                for view in views
            ]
            for name, views in sheet.views.items()
        },
    }


def case_sheet_planes(sheet: CaseSheet) -> dict[str, Grey]:
    """Pictures (C, h, w) of a sheet by name."""
    return {
        f"{name}_{row}": view.planes
        for name, views in sheet.views.items()
        for row, view in enumerate(views)
    }


def case_sheet_from(record: Mapping[str, Any], planes: Mapping[str, Grey]) -> CaseSheet:
    """Rebuild a sheet from its record and its pictures.

    Raises
    ------
    InputError
        When a key or a picture is missing, or they do not fit each other.
    """
    top = Entry(dict(record), "the sheet of cases")
    found = retrieval_from(top.entry("retrieval").values)
    channels, kept = top.texts("channels"), top.entry("views")
    views = {
        name: tuple(
            _view(entry, planes.get(f"{name}_{row}"), len(channels))
            for row, entry in enumerate(kept.entries(name))
        )
        for name in PICTURED
    }
    if any(len(views[name]) != len(found.lists[name]) for name in PICTURED):
        raise InputError(f"{top.where} pictures other cases than it lists; it is damaged")
    return CaseSheet(found, channels, MappingProxyType(views))


def _view(entry: Entry, planes: Grey | None, n_channels: int) -> CaseView:
    box = entry.rows("box")
    fits = planes is not None and planes.dtype == np.uint8 and planes.ndim == 3
    if planes is None or not fits or len(planes) != n_channels or [len(e) for e in box] != [2, 2]:
        raise InputError(f"{entry.where} lacks a picture that fits it; it is damaged")
    planes.setflags(write=False)
    (y0, y1), (x0, x1) = box
    return CaseView(
        entry.text("name"), entry.text("case"), entry.numbers("voxel"), planes, ((y0, y1), (x0, x1))
    )
