"""Results as plain records for JSON and as rows for spreadsheets.

One record a result kind; every key is stable. Refuses to know where anything is written.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TypeAlias

import numpy as np

from napari_latentattr.core.dependence import ChannelDependence, JointSwap
from napari_latentattr.core.types import MapRef, Provenance, Ranking

Record: TypeAlias = dict[str, object]

VERSION = 1
_CHANNEL_COLUMNS = (
    "channel",
    "ratio",
    "low",
    "high",
    "p",
    "q",
    "verdict",
    "cases_that_count",
    "cases_to_settle",
)
_MAP_COLUMNS = (
    *("rank", "map", "index", "verdict", "importance", "low", "high", "p", "q"),
    *("shadow", "impurity", "cluster", "n"),
)


def provenance_record(provenance: Provenance) -> Record:
    """Everything needed to get the same numbers again; ``seconds`` alone varies."""
    return {
        "method": provenance.method,
        "params": dict(provenance.params),
        "seed": provenance.seed,
        "model_sha256": provenance.model_sha256,
        "data_sha256": provenance.data_sha256,
        "versions": dict(provenance.versions),
        "seconds": provenance.seconds,
    }


def dependence_record(result: ChannelDependence, asked: Sequence[MapRef]) -> Record:
    """Which images drive which maps: ``channels.json``.

    Parameters
    ----------
    asked : sequence of MapRef
        The maps that the question was about; the others were measured beside them.

    Returns
    -------
    dict
        ``kind``, ``version``, what the answers rest on, ``maps`` (one entry a map with its answer,
        its sentence and its ``channels``), ``joint``, ``likeness`` and ``provenance``. NaN means
        that a number does not exist; it is null in JSON. ``cases_to_settle`` exists for undecided
        images that a number of cases would settle.
    """
    return {
        "kind": "channel dependence",
        "version": VERSION,
        "tau": result.tau,
        "n": result.n,
        "unit_name": result.unit_name,
        "n_cases": result.n_cases,
        "donors": result.donors,
        "family": result.family,
        "region": result.region,
        "approximate": result.approximate,
        "varying_maps": result.varying,
        "asked": [str(ref) for ref in asked],
        "maps": [_map_record(result, row) for row in range(len(result.maps))],
        "joint": [_joint_record(result, swap) for swap in result.joint],
        "likeness": result.likeness.tolist(),
        "provenance": provenance_record(result.provenance),
    }


def _map_record(result: ChannelDependence, row: int) -> Record:
    ref = result.maps[row]
    return {
        "map": str(ref),
        "index": ref.index,
        "answer": str(result.answer[row]),
        "sentence": result.sentence(ref),
        "interaction": float(result.interaction[row]),
        "same_lead": int(result.same_lead[row]),
        "channels": _channel_records(result, row),
    }


def _channel_records(result: ChannelDependence, row: int) -> list[Record]:
    arrays = (result.ratio, result.low, result.high, result.p, result.q)
    needed = result.cases_to_settle(result.maps[row])
    needed = np.where(np.isfinite(needed), needed, np.nan)
    columns = (
        result.channels,
        *(values[row].tolist() for values in arrays),
        result.verdict[row].tolist(),
        result.counting[row].tolist(),
        needed.tolist(),
    )
    return [dict(zip(_CHANNEL_COLUMNS, cells, strict=True)) for cells in zip(*columns, strict=True)]


def _joint_record(result: ChannelDependence, swap: JointSwap) -> Record:
    return {
        "channels": list(swap.channels),
        "likeness": swap.likeness,
        "maps": [
            {
                "map": str(ref),
                "ratio": float(swap.ratio[row]),
                "low": float(swap.low[row]),
                "high": float(swap.high[row]),
                "tied": list(swap.tied[row]),
            }
            for row, ref in enumerate(result.maps)
        ],
    }


def ranking_record(ranking: Ranking) -> Record:
    """Which maps carry an outcome: ``ranking.json``, maps in order of rank.

    ``measured`` names them in the order of the arrays.
    """
    gate = ranking.gate
    return {
        "kind": "ranking",
        "version": VERSION,
        "outcome": ranking.outcome,
        "folds": ranking.folds,
        "gate": {**asdict(gate), "null": list(gate.null), "null_maximum": max(gate.null)},
        "null": ranking.evidence[0].null,
        "family": ranking.evidence[0].family,
        "measured": [str(ref) for ref in ranking.maps],
        "maps": [_ranked_record(ranking, rank) for rank in range(1, len(ranking.maps) + 1)],
        "provenance": provenance_record(ranking.provenance),
    }


def _ranked_record(ranking: Ranking, rank: int) -> Record:
    k = int(ranking.order[rank - 1])
    evidence = ranking.evidence[k]
    cells = (
        *(rank, str(ranking.maps[k]), ranking.maps[k].index, str(ranking.verdict[k])),
        *(float(ranking.importance[k]), evidence.low, evidence.high, evidence.p, evidence.q),
        *(float(ranking.shadow[k]), float(ranking.impurity[k]), int(ranking.cluster[k])),
        evidence.n,
    )
    return dict(zip(_MAP_COLUMNS, cells, strict=True))


def dependence_csv(result: ChannelDependence) -> str:
    """``channels.csv``: one row a map and image, in the order of the record."""
    before = ("map", "index", "answer")
    after = ("tau", "n", "unit_name", "n_cases", "donors", "region", "approximate")
    rest = [getattr(result, name) for name in after]
    rows = [
        [ref, ref.index, result.answer[row], *channel.values(), *rest]
        for row, ref in enumerate(result.maps)
        for channel in _channel_records(result, row)
    ]
    return csv_text((*before, *_CHANNEL_COLUMNS, *after), rows)


def ranking_csv(ranking: Ranking) -> str:
    """``ranking.csv``: one row a map in order of rank, with the outcome and the gate."""
    gate = ranking.gate
    passed = "yes" if gate.passed else "no"
    rest = [ranking.outcome, gate.score, gate.auc, max(gate.null), gate.p, passed]
    rows = [
        [*_ranked_record(ranking, rank).values(), *rest] for rank in range(1, len(ranking.maps) + 1)
    ]
    columns = ("outcome", "gate_score", "gate_auc", "gate_null_maximum", "gate_p", "gate_passed")
    return csv_text((*_MAP_COLUMNS, *columns), rows)


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Comma-separated text; six significant digits, an empty cell where there is no number."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}"
    return str(value)
