"""``latentattr cases`` from a study file to lists, crops and a contact sheet."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from napari_latentattr import cli, find_cases, open_study, read_stack


@pytest.fixture(scope="module")
def out(tiny_study, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cases") / "out"
    argv = ["cases", str(tiny_study), "--map", "1", "--top", "3", "--out", str(folder)]
    assert cli.main(argv) == 0
    return folder


def test_the_record_holds_what_the_function_gives(tiny_study, out):
    study = open_study(tiny_study)
    found = find_cases(study.model, study.cohort, 1, top=3, seed=study.seed)
    record = json.loads((out / "cases.json").read_text())
    assert (record["kind"], record["version"], record["map"]) == ("retrieval", 1, "encoder:1")
    assert (record["n"], record["unit_name"], record["gate"]) == (8, "patients", None)
    for name, listed in found.lists.items():
        said = record["lists"][name]
        assert [entry["case"] for entry in said] == list(listed.cases)
        np.testing.assert_allclose([entry["score"] for entry in said], listed.scores)
        assert [entry["box"] for entry in said] == listed.boxes.tolist()
        assert [entry["peak_mm"] for entry in said] == listed.centres[:, ::-1].tolist()
    assert [entry["gap"] for entry in record["lists"]["contrast"]] == pytest.approx(
        [found.gaps[0]] * 2
    )


def test_every_crop_holds_the_voxels_of_the_source_where_they_lay(tiny_study, out):
    record = json.loads((out / "cases.json").read_text())
    for name, listed in record["lists"].items():
        for entry in listed:
            for channel, file in entry["files"].items():
                assert file == f"{entry['case']}_map-1_desc-{name}_{channel}.nii.gz"
                made = sitk.ReadImage(str(out / file))
                source = sitk.ReadImage(
                    str(tiny_study.with_name(f"{entry['case'][1:]}_{channel}.nii.gz"))
                )
                corner = made.TransformIndexToPhysicalPoint((0, 0, 0))
                start = np.array(source.TransformPhysicalPointToIndex(corner))
                assert (start >= 0).all()
                part = tuple(slice(a, a + n) for a, n in zip(start, made.GetSize(), strict=True))
                np.testing.assert_array_equal(
                    sitk.GetArrayFromImage(made), sitk.GetArrayFromImage(source[part])
                )
                assert made.GetDirection() == source.GetDirection()


def test_a_crop_is_what_the_box_cuts_out_of_the_case(tiny_study, out):
    entry = json.loads((out / "cases.json").read_text())["lists"]["top"][0]
    stack = read_stack([out / entry["files"]["bright"]], channels=["bright"])
    whole = open_study(tiny_study).cohort[int(entry["case"][1:])]
    cut = tuple(slice(low, high) for low, high in entry["box"])
    np.testing.assert_array_equal(stack.data[0], whole.data[0][cut])


def test_the_table_has_a_row_for_each_case_of_each_list(out):
    rows = list(csv.DictReader((out / "cases.csv").read_text().splitlines()))
    assert [row["list"] for row in rows] == ["top"] * 3 + ["bottom"] * 3 + ["contrast"] * 2 + [
        "random"
    ] * 3
    assert rows[0]["pair"] == "" != rows[6]["pair"] == rows[7]["pair"] == "1"
    assert rows[0]["box"].count(":") == 3


def test_words_name_every_list_and_relevance_brings_its_gate(tiny_study, out, capsys):
    assert (out / "cases.png").read_bytes().startswith(b"\x89PNG")
    argv = ["cases", str(tiny_study), "--map", "0", "--top", "2", "--by", "relevance"]
    assert cli.main(argv) == 0
    said = capsys.readouterr().out
    assert "for the true blob when the map is exchanged" in said
    assert "patient-grouped AUC" in said
    for word in ("most", "least", "pairs, far apart", "random, drawn", "The outline is"):
        assert f"\n{word}" in said


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--map", "9"], "map 9 was asked, the model has maps encoder:0 to encoder:3"),
        (["--map", "0", "--top", "0"], "top must be a whole number of at least 1, got 0"),
        (["--map", "0", "--outcome", "blob"], "relevance is for an outcome; give both"),
        (["--map", "0", "--by", "relevance", "--outcome", "x"], "neither a column nor a label"),
    ],
)
def test_a_wrong_question_is_answered_in_one_sentence(tiny_study, capsys, options, sentence):
    assert cli.main(["cases", str(tiny_study), *options]) == 2
    said = capsys.readouterr()
    assert sentence in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""
