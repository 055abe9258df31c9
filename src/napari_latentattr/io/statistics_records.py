"""Values of latent maps over a cohort, as a record for JSON and rows for spreadsheets.

Every key is stable. Refuses to know where anything is written.
"""

from __future__ import annotations

from napari_latentattr.core.map_statistics import TOLD, MapStatistics
from napari_latentattr.io.records import VERSION, Record, csv_text, provenance_record


def statistics_record(found: MapStatistics) -> Record:
    """Values of every map: ``map_statistics.json``.

    Returns
    -------
    dict
        ``maps`` has one entry a map; in its ``histogram`` each bin that is not empty has its
        smallest and largest number and its count.
    """
    rows = _rows(found)
    return {
        "kind": "map statistics",
        "version": VERSION,
        "n": found.n,
        "n_cases": found.n_cases,
        "maps": [{**row, "histogram": _histogram(found, k)} for k, row in enumerate(rows)],
        "provenance": provenance_record(found.provenance),
    }


def statistics_csv(found: MapStatistics) -> str:
    """``map_statistics.csv``: one row a map, without the histogram."""
    rows = _rows(found)
    cells = [[*row.values(), found.n, found.n_cases] for row in rows]
    return csv_text((*rows[0], "n", "n_cases"), cells)


def _rows(found: MapStatistics) -> list[Record]:
    mean, sd = found.mean, found.sd
    told = {f"p{percent}": found.quantile(percent / 100) for percent in TOLD}
    return [
        {
            "map": str(ref),
            "index": ref.index,
            "mean": float(mean[k]),
            "sd": float(sd[k]),
            "min": float(found.values.low[k]),
            **{name: float(value[k]) for name, value in told.items()},
            "max": float(found.values.high[k]),
        }
        for k, ref in enumerate(found.maps)
    ]


def _histogram(found: MapStatistics, which: int) -> Record:
    low, high, count = found.histogram(found.maps[which])
    return {"low": low.tolist(), "high": high.tolist(), "count": count.tolist()}
