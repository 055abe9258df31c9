"""Pictures as records for JSON, without their voxels; grids come back to the last bit.

Refuses to know where records and voxels lie.
"""

from __future__ import annotations

from math import prod
from types import MappingProxyType

import numpy as np

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.place import WHOLE, Place
from napari_latentattr.core.results import Picture, PictureKind
from napari_latentattr.core.types import Float32, Grid
from napari_latentattr.io.entry import Entry
from napari_latentattr.io.record_reading import map_from, provenance_from
from napari_latentattr.io.records import Record, provenance_record

_KINDS: dict[str, PictureKind] = {"where": "where", "drawn": "drawn"}


def picture_record(picture: Picture) -> Record:
    """Everything about a picture but its voxels."""
    return {
        "kind": picture.kind,
        "map": str(picture.target),
        "index": picture.target.index,
        "case": picture.case,
        "channels": list(picture.channels),
        "grid": _grid_record(picture.grid),
        "unit": picture.unit,
        "method": picture.method,
        "title": picture.title,
        "note": picture.note,
        "numbers": dict(picture.numbers),
        "place": place_record(picture.place),
        "provenance": provenance_record(picture.provenance),
    }


def picture_from(entry: Entry, volume: Float32) -> Picture:
    """Rebuild a picture from its record and its voxels (C, *S).

    Raises
    ------
    InputError
        When a key is missing, a value is of another kind, or the voxels do not fit the grid.
    """
    kind, grid = entry.text("kind"), _grid_from(entry.entry("grid"))
    if kind not in _KINDS:
        raise InputError(f"{entry.where}: kind must be {', '.join(_KINDS)}, got {kind[:60]!r}")
    channels = entry.texts("channels")
    if volume.dtype != np.float32 or volume.shape != (len(channels), *grid.shape):
        raise InputError(
            f"{entry.where}: voxels of type {volume.dtype} and shape {volume.shape} do not fit "
            f"{len(channels)} images on a {grid.shape} grid"
        )
    volume.setflags(write=False)
    beside = entry.entry("numbers")
    return Picture(
        kind=_KINDS[kind],
        target=map_from(entry),
        case=entry.text("case"),
        channels=channels,
        volume=volume,
        grid=grid,
        unit=entry.text("unit"),
        method=entry.text("method"),
        title=entry.text("title"),
        note=entry.text("note"),
        provenance=provenance_from(entry.entry("provenance")),
        numbers=MappingProxyType({key: beside.number(key) for key in beside.values}),
        place=place_from(entry),
    )


def place_record(place: Place) -> Record:
    """Part of a map by its three names."""
    return {"region": place.region, "layer": place.layer, "latent": list(place.latent)}


def place_from(entry: Entry) -> Place:
    """Rebuild the part of a map under the key ``place``; the whole map where there is none."""
    if not entry.has("place"):
        return WHOLE
    kept = entry.entry("place")
    return Place(kept.text("region"), kept.text("layer"), kept.wholes("latent"))


def _grid_record(grid: Grid) -> Record:
    return {
        "shape": list(grid.shape),
        "affine": grid.affine.ravel().tolist(),
        "known": grid.known,
        "source": None if grid.source is None else _grid_record(grid.source),
    }


def _grid_from(entry: Entry) -> Grid:
    shape, affine = entry.wholes("shape"), np.array(entry.numbers("affine"))
    n = len(shape) + 1
    if n not in (3, 4) or affine.size != n * n or min(shape) < 1 or np.isnan(affine).any():
        raise InputError(f"{entry.where} is no grid of two or three axes; the record is damaged")
    source = _grid_from(entry.entry("source")) if entry.has("source") else None
    if source is not None and prod(source.shape) != prod(shape):
        raise InputError(f"{entry.where} has other voxels than its source; the record is damaged")
    return Grid(shape, affine.reshape(n, n), source=source, known=entry.truth("known"))
