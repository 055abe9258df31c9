from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from napari_latentattr.core.dependence import ChannelDependence, JointSwap
from napari_latentattr.core.types import Evidence, Gate, MapRef, Provenance, Ranking
from napari_latentattr.io.atomic import write_json
from napari_latentattr.io.records import (
    csv_text,
    dependence_csv,
    dependence_record,
    ranking_csv,
    ranking_record,
)

PROVENANCE = Provenance("method", {"tau": 0.03}, 7, "abc", "def", {"numpy": "2"}, 1.5)


def dependence() -> ChannelDependence:
    ratio = np.array([[0.6, 0.01, 0.04], [np.nan, np.nan, np.nan]])
    words = ["drives", "negligible", "undecided"], ["no dependence found"] * 3
    return ChannelDependence(
        maps=(MapRef("encoder", 4), MapRef("encoder", 9)),
        channels=("T1", "T2", "PD, late"),
        ratio=ratio,
        low=ratio * 0.8,
        high=ratio * 1.2,
        p=ratio,
        q=ratio,
        counting=np.full(ratio.shape, 8.0),
        verdict=np.array(words),
        answer=np.array(["T1", "nothing"]),
        interaction=ratio.sum(axis=1) - 1,
        same_lead=np.array([3, 0]),
        varying=5,
        joint=(
            JointSwap(
                ("T1", "T2"), 0.97, np.array([0.7, 0]), np.zeros(2), np.ones(2), (("T1", "T2"), ())
            ),
        ),
        likeness=np.eye(3),
        tau=0.03,
        n=8,
        donors=4,
        unit_name="patients",
        n_cases=8,
        region="",
        approximate="",
        family="2 maps x 3 images, Benjamini-Hochberg",
        provenance=PROVENANCE,
    )


def ranking() -> Ranking:
    importance = np.array([0.02, 0.3, 0.1])
    evidence = tuple(
        Evidence(float(v), float(v) - 0.01, np.nan, 0.01, 0.02, 8, "shadows", "3 maps", "supported")
        for v in importance
    )
    return Ranking(
        maps=tuple(MapRef("encoder", k) for k in range(3)),
        importance=importance,
        impurity=importance / 2,
        shadow=importance,
        q=np.full(3, 0.02),
        verdict=np.array(["supported", "not supported", "supported"]),
        cluster=np.array([0, 1, 0]),
        gate=Gate(0.9, (0.4, 0.6, 0.5), 0.25, True),
        evidence=evidence,
        outcome="lesion",
        folds="patients",
        provenance=PROVENANCE,
    )


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(
    "record", [dependence_record(dependence(), dependence().maps), ranking_record(ranking())]
)
def test_every_record_says_its_kind_version_and_provenance(record):
    assert {"kind", "version", "provenance"} <= record.keys()
    assert record["provenance"] == {
        "method": "method",
        "params": {"tau": 0.03},
        "seed": 7,
        "model_sha256": "abc",
        "data_sha256": "def",
        "versions": {"numpy": "2"},
        "seconds": 1.5,
    }


def test_dependence_record_has_one_entry_a_map_and_image():
    result = dependence()
    record = dependence_record(result, [result.maps[0]])
    assert record["asked"] == ["encoder:4"]
    assert {"tau", "n_cases", "donors", "family"} <= record.keys()
    first = record["maps"][0]
    assert first["map"] == "encoder:4"
    assert first["index"] == 4
    assert first["answer"] == "T1"
    assert first["sentence"] == result.sentence(4)
    assert [c["channel"] for c in first["channels"]] == ["T1", "T2", "PD, late"]
    assert first["channels"][0] == {
        "channel": "T1",
        "ratio": 0.6,
        "low": pytest.approx(0.48),
        "high": pytest.approx(0.72),
        "p": 0.6,
        "q": 0.6,
        "verdict": "drives",
        "cases_that_count": 8.0,
        "cases_to_settle": pytest.approx(np.nan, nan_ok=True),
    }


def test_undecided_images_are_recorded_with_the_cases_that_would_settle_them():
    result = dependence()
    needed = result.cases_to_settle(4)
    told = [c["cases_to_settle"] for c in dependence_record(result, [])["maps"][0]["channels"]]
    np.testing.assert_array_equal(told, needed)
    np.testing.assert_array_equal(np.isnan(told), [True, True, False])
    cells = [row["cases_to_settle"] for row in rows_of(dependence_csv(result))]
    assert cells == ["", "", f"{needed[2]:.0f}", "", "", ""]


def test_images_that_no_number_of_cases_would_settle_are_recorded_without_one(tmp_path):
    result = replace(dependence(), tau=0.0401)
    assert np.isinf(result.cases_to_settle(4)[2])
    write_json(tmp_path / "channels.json", dependence_record(result, []))
    read = json.loads((tmp_path / "channels.json").read_text())
    assert read["maps"][0]["channels"][2]["cases_to_settle"] is None
    assert rows_of(dependence_csv(result))[2]["cases_to_settle"] == ""


def test_numbers_that_do_not_exist_are_null_in_json_and_empty_in_csv(tmp_path):
    result = dependence()
    write_json(tmp_path / "channels.json", dependence_record(result, result.maps))
    read = json.loads((tmp_path / "channels.json").read_text())
    assert read["maps"][1]["channels"][0]["ratio"] is None
    assert rows_of(dependence_csv(result))[3]["ratio"] == ""


def test_near_copies_are_recorded_with_the_maps_they_are_tied_in():
    (joint,) = dependence_record(dependence(), [])["joint"]
    assert joint["channels"] == ["T1", "T2"]
    assert [m["tied"] for m in joint["maps"]] == [["T1", "T2"], []]


def test_dependence_csv_says_what_the_record_says():
    result = dependence()
    rows = rows_of(dependence_csv(result))
    entries = [
        (m["map"], m["answer"], c["channel"], c["verdict"])
        for m in dependence_record(result, [])["maps"]
        for c in m["channels"]
    ]
    assert [(r["map"], r["answer"], r["channel"], r["verdict"]) for r in rows] == entries
    assert float(rows[0]["ratio"]) == pytest.approx(0.6)
    assert rows[0]["n_cases"] == "8"


def test_ranking_lists_supported_maps_first_then_by_importance():
    maps = ranking_record(ranking())["maps"]
    assert [m["map"] for m in maps] == ["encoder:2", "encoder:0", "encoder:1"]
    assert [m["rank"] for m in maps] == [1, 2, 3]
    assert [row["map"] for row in rows_of(ranking_csv(ranking()))] == [m["map"] for m in maps]


def test_ranking_record_keeps_the_gate_with_its_null():
    gate = ranking_record(ranking())["gate"]
    assert gate == {
        "auc": 0.9,
        "null": [0.4, 0.6, 0.5],
        "p": 0.25,
        "passed": True,
        "score": "AUC",
        "null_maximum": 0.6,
    }


def test_csv_quotes_commas_and_ends_lines_alike_everywhere():
    assert csv_text(["a", "b"], [["x, y", 0.1234567]]) == 'a,b\n"x, y",0.123457\n'
