"""Pattern likeness as a plain record for JSON and as rows for spreadsheets."""

from __future__ import annotations

from collections.abc import Sequence

from napari_latentattr.core.likeness import ASSOCIATION, PatternLikeness
from napari_latentattr.core.types import MapRef
from napari_latentattr.io.records import VERSION, Record, csv_text, provenance_record

_COLUMNS = ("channel", "rho", "low", "high", "mismatched", "share", "p", "q", "verdict")


def likeness_record(result: PatternLikeness, asked: Sequence[MapRef]) -> Record:
    """Whose pattern the maps look like: ``likeness.json``.

    Parameters
    ----------
    asked : sequence of MapRef
        The maps that the question was about; the others were measured beside them.
    """
    return {
        "kind": "pattern likeness",
        "version": VERSION,
        "note": ASSOCIATION,
        "tau": result.tau,
        "n": result.n,
        "unit_name": result.unit_name,
        "n_cases": result.n_cases,
        "latents": result.latents,
        "border": result.border,
        "null": result.null,
        "family": result.family,
        "approximate": result.approximate,
        "asked": [str(ref) for ref in asked],
        "maps": [
            {
                "map": str(ref),
                "index": ref.index,
                "sentence": result.sentence(ref),
                "channels": [_channel(result, row, c) for c in range(len(result.channels))],
            }
            for row, ref in enumerate(result.maps)
        ],
        "provenance": provenance_record(result.provenance),
    }


def likeness_csv(result: PatternLikeness) -> str:
    """``likeness.csv``: one row a map and image, in the order of the record."""
    after = ("tau", "n", "unit_name", "n_cases", "latents", "border", "null", "approximate")
    rest = [getattr(result, name) for name in after]
    rows = [
        [ref, ref.index, *_channel(result, row, c).values(), *rest]
        for row, ref in enumerate(result.maps)
        for c in range(len(result.channels))
    ]
    return csv_text(("map", "index", *_COLUMNS, *after), rows)


def _channel(result: PatternLikeness, row: int, c: int) -> Record:
    arrays = (result.rho, result.low, result.high, result.mismatched, result.share)
    numbers = [float(values[row, c]) for values in (*arrays, result.p, result.q)]
    cells = (result.channels[c], *numbers, str(result.verdict[row, c]))
    return dict(zip(_COLUMNS, cells, strict=True))
