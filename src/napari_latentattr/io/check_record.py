"""Checks of pictures as records that come back to the last bit, every random order included.

Refuses to know where records lie.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.sanity import Curve, SanityCheck
from napari_latentattr.io.entry import Entry
from napari_latentattr.io.picture_records import sanity_record
from napari_latentattr.io.record_reading import map_from, opened, provenance_from
from napari_latentattr.io.records import Record

_CURVES = ("deletion", "insertion")


def check_record(found: SanityCheck) -> Record:
    """``check.json``, and under ``random`` the moves in all random orders."""
    random = {name: getattr(found, name).random.ravel().tolist() for name in _CURVES}
    return {**sanity_record(found), "random": random}


def check_from(record: Mapping[str, Any]) -> SanityCheck:
    """Rebuild a check from its record.

    Raises
    ------
    InputError
        When a key is missing, a value is of another kind, or curves do not fit each other.
    """
    top = opened(record, "sanity check")
    tried, random = top.entry("randomisation"), top.entry("random")
    stages, copies = tried.entries("stages"), np.array(tried.numbers("copies"))
    if not stages or not copies.size:
        raise InputError(f"{top.where} names no copies with random weights; it is damaged")
    return SanityCheck(
        target=map_from(top),
        case=top.text("case"),
        method=top.text("method"),
        layers=tuple(stage.text("down_to") for stage in stages),
        similarity=np.array([stage.number("similarity") for stage in stages]),
        randomised=copies,
        deletion=_curve(top.entry("deletion"), random, "deletion"),
        insertion=_curve(top.entry("insertion"), random, "insertion"),
        baseline=top.text("exchanged_for"),
        provenance=provenance_from(top.entry("provenance")),
    )


def _curve(entry: Entry, random: Entry, name: str) -> Curve:
    shares, values, moved = (np.array(entry.numbers(k)) for k in ("shares", "values", "moved"))
    orders = np.array(random.numbers(name))
    n = shares.size
    if n < 2 or values.size != n or moved.size != n or not orders.size or orders.size % n:
        raise InputError(f"{entry.where} has curves of different lengths; the record is damaged")
    return Curve(shares, values, moved, orders.reshape(-1, n))
