"""Groups of cases as a record for JSON and rows for spreadsheets.

Every key is stable. Refuses to know where anything is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, cast, get_args

import numpy as np

from napari_latentattr.core.clusters import Clusters, Difference, DifferenceKind
from napari_latentattr.core.clusters import group_letter as letter
from napari_latentattr.core.errors import InputError
from napari_latentattr.io.entry import Entry
from napari_latentattr.io.record_reading import opened, provenance_from
from napari_latentattr.io.records import VERSION, Record, csv_text, provenance_record

KIND = "clusters"


def clusters_record(found: Clusters) -> Record:
    """Which cases form groups: ``clusters.json``.

    A group is a number from 0 (the largest), -1 for a case in none. Numbers that do not exist are
    NaN here, null in JSON.
    """
    return {
        "kind": KIND,
        "version": VERSION,
        "sentence": found.sentence(),
        "basis": found.basis(),
        "asked": found.asked,
        "why_not": found.why_not,
        "layout": found.layout,
        "explained": list(found.explained),
        "depth": found.depth,
        "p": found.p,
        "null": found.null.tolist(),
        "n": found.n,
        "unit_name": found.unit_name,
        "groups": [
            {
                "cluster": group,
                "letter": letter(group),
                "representative": found.cases[found.medoids[group]],
                "position": int(found.medoids[group]),
                "cases": len(found.members(group)),
                "patients": int(found.patients_in[group]),
                "stability": float(found.stability[group]),
            }
            for group in range(found.count)
        ],
        "cases": [
            {
                "case": case,
                "patient": found.patients[i],
                "cluster": int(found.labels[i]),
                "outlier": bool(found.outlier[i]),
                "x": float(found.embedding[i, 0]),
                "y": float(found.embedding[i, 1]),
                "alike": found.alike[i].tolist(),
            }
            for i, case in enumerate(found.cases)
        ],
        "activation": found.activation.tolist(),
        "differences": [asdict(one) for one in found.differences],
        "provenance": provenance_record(found.provenance),
    }


def clusters_csv(found: Clusters) -> str:
    """``clusters.csv``: one row a case, in the order of the cohort."""
    stands = set(found.medoids.tolist())
    rows = [
        [
            case,
            found.patients[i],
            int(found.labels[i]),
            letter(int(found.labels[i])) if found.labels[i] >= 0 else "",
            "yes" if i in stands else "no",
            "yes" if found.outlier[i] else "no",
            float(found.embedding[i, 0]),
            float(found.embedding[i, 1]),
        ]
        for i, case in enumerate(found.cases)
    ]
    header = ("case", "patient", "cluster", "letter", "representative", "outlier", "x", "y")
    return csv_text(header, rows)


def differences_csv(found: Clusters) -> str:
    """``differences.csv``: one row a group and map, image or outcome."""
    header = tuple(field.name for field in fields(Difference))
    rows = [tuple(asdict(one).values()) for one in found.differences]
    return csv_text(header, rows)


def clusters_from(record: Mapping[str, Any]) -> Clusters:
    """Rebuild groups of cases from their record.

    Raises
    ------
    InputError
        When a key is missing, a value is of another kind, or positions and cases do not fit.
    """
    top = opened(record, KIND)
    cases, groups = top.entries("cases"), top.entries("groups")
    explained = top.numbers("explained")
    medoids = np.array([one.whole("position") for one in groups], dtype=np.int64)
    alike = np.array([one.wholes("alike") for one in cases], dtype=np.int64)
    labels = np.array([one.whole("cluster") for one in cases], dtype=np.int64)
    activation = np.array(top.rows("activation"), dtype=np.float64)
    inside = all(0 <= i < len(cases) for i in (*medoids, *alike.ravel()))
    fits = activation.ndim == 2 and len(activation) == len(cases) and len(explained) == 2
    if not (cases and inside and fits and labels.max() < max(len(groups), 1)):
        raise InputError(f"{top.where} names cases that it does not have; it is damaged")
    return Clusters(
        cases=tuple(one.text("case") for one in cases),
        patients=tuple(one.text("patient") for one in cases),
        labels=labels,
        outlier=np.array([one.truth("outlier") for one in cases], dtype=bool),
        medoids=medoids,
        embedding=np.array([[one.number("x"), one.number("y")] for one in cases]),
        layout="tsne" if top.text("layout") == "tsne" else "pca",
        explained=(explained[0], explained[1]),
        stability=np.array([one.number("stability") for one in groups], dtype=np.float64),
        patients_in=np.array([one.whole("patients") for one in groups], dtype=np.int64),
        asked=top.truth("asked"),
        why_not=top.text("why_not"),
        depth=top.number("depth"),
        null=np.array(top.numbers("null"), dtype=np.float64),
        p=top.number("p"),
        n=top.whole("n"),
        unit_name=top.text("unit_name"),
        activation=activation,
        alike=alike,
        differences=tuple(map(_difference, top.entries("differences"))),
        provenance=provenance_from(top.entry("provenance")),
    )


def _difference(entry: Entry) -> Difference:
    kind = entry.text("kind")
    if kind not in get_args(DifferenceKind):
        raise InputError(f"{entry.where} is of an unknown kind; the record is damaged")
    return Difference(
        cluster=entry.whole("cluster"),
        kind=cast("DifferenceKind", kind),
        name=entry.text("name"),
        estimate=entry.number("estimate"),
        low=entry.number("low"),
        high=entry.number("high"),
        p=entry.number("p"),
        q=entry.number("q"),
        n=entry.whole("n"),
        n_others=entry.whole("n_others"),
        family=entry.text("family"),
    )
