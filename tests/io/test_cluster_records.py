from __future__ import annotations

import csv
import io
import json
from dataclasses import fields

import numpy as np
import pytest

from napari_latentattr.core.clusters import Clusters, Difference
from napari_latentattr.core.errors import InputError
from napari_latentattr.core.types import Provenance
from napari_latentattr.io.cluster_records import (
    clusters_csv,
    clusters_from,
    clusters_record,
    differences_csv,
)
from napari_latentattr.io.standard_json import json_text


def clusters(*, groups: bool = True) -> Clusters:
    nan = float("nan")
    labels = np.array([0, 0, 0, 0, 1, 1, 1, -1]) if groups else np.full(8, -1)
    rng = np.random.default_rng(0)
    return Clusters(
        cases=tuple(f"c{i}" for i in range(8)),
        patients=tuple(f"p{i}" for i in range(8)),
        labels=labels,
        outlier=labels == -1,
        medoids=np.array([1, 5]) if groups else np.empty(0, dtype=np.int64),
        embedding=rng.normal(size=(8, 2)),
        layout="pca",
        explained=(0.41, 0.17),
        stability=np.array([0.9, 0.8]) if groups else np.empty(0),
        patients_in=np.array([4, 3]) if groups else np.empty(0, dtype=np.int64),
        asked=True,
        why_not="",
        depth=0.8,
        null=np.linspace(0, 0.5, 19),
        p=0.05,
        n=8,
        unit_name="patients",
        activation=rng.normal(size=(8, 3)),
        alike=np.array([[(i + 1) % 8, (i + 2) % 8, (i + 3) % 8] for i in range(8)]),
        differences=(
            Difference(0, "map", "encoder:1", 2.0, 1.0, 3.0, 0.01, 0.02, 4, 3, "family"),
            Difference(1, "outcome", "grade = 1", nan, nan, nan, nan, nan, 1, 6, "family"),
        )
        if groups
        else (),
        provenance=Provenance(method="cluster_cases", params={"layout": "pca"}, seed=3),
    )


@pytest.mark.parametrize("groups", [True, False])
def test_groups_come_back_from_json_to_the_last_bit(groups):
    made = clusters(groups=groups)
    back = clusters_from(json.loads(json_text(clusters_record(made))))
    for field in fields(Clusters):
        one, other = getattr(made, field.name), getattr(back, field.name)
        if isinstance(one, np.ndarray):
            assert np.array_equal(one, other), field.name
            assert one.dtype == other.dtype, field.name
        elif field.name == "differences":
            assert repr(one) == repr(other)
        else:
            assert one == other, field.name


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"kind": "ranking"}, "expected a record of kind clusters"),
        ({"cases": []}, "it is damaged"),
        ({"explained": [0.1]}, "it is damaged"),
    ],
)
def test_a_damaged_record_is_refused(change, match):
    with pytest.raises(InputError, match=match):
        clusters_from({**clusters_record(clusters()), **change})


def test_tables_have_one_row_a_case_and_one_a_difference():
    cases = list(csv.DictReader(io.StringIO(clusters_csv(clusters()))))
    assert [row["cluster"] for row in cases] == ["0"] * 4 + ["1"] * 3 + ["-1"]
    assert [row["case"] for row in cases if row["representative"] == "yes"] == ["c1", "c5"]
    differences = list(csv.DictReader(io.StringIO(differences_csv(clusters()))))
    assert [row["name"] for row in differences] == ["encoder:1", "grade = 1"]
    assert differences[1]["q"] == ""
