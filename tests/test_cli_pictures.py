"""The commands attribute and check, from a study file to volumes and records."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from napari_latentattr import attribute, cli, open_study

IG = ["--method", "integrated_gradients", "--set", "steps=8"]


def run(*argv: object) -> int:
    return cli.main([str(part) for part in argv])


@pytest.fixture(scope="module")
def one_case(tiny_study, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("pictures") / "out"
    assert run("attribute", tiny_study, "--map", 0, 2, *IG, "--case", "c1", "--out", out) == 0
    return out


def test_every_map_and_image_has_a_volume_with_the_geometry_of_the_source(tiny_study, one_case):
    assert sorted(p.name for p in one_case.glob("*.nii.gz")) == [
        f"c1_map-{k}_desc-integrated_gradients_{channel}.nii.gz"
        for k in (0, 2)
        for channel in ("bright", "dull")
    ]
    source = sitk.ReadImage(str(tiny_study.with_name("1_bright.nii.gz")))
    made = sitk.ReadImage(str(one_case / "c1_map-2_desc-integrated_gradients_bright.nii.gz"))
    assert made.GetSize() == source.GetSize()
    assert made.GetSpacing() == pytest.approx(source.GetSpacing())
    assert made.GetOrigin() == pytest.approx(source.GetOrigin(), abs=1e-4)
    assert made.GetDirection() == pytest.approx(source.GetDirection())


def test_the_record_holds_what_the_function_gives(tiny_study, one_case):
    study = open_study(tiny_study)
    found = attribute(
        study.model,
        study.cohort[1],
        [0, 2],
        method="integrated_gradients",
        cohort=study.cohort,
        seed=study.seed,
        steps=8,
    )
    record = json.loads((one_case / "attribute.json").read_text())
    assert (record["kind"], record["version"]) == ("attributions", 1)
    assert record["method"] == "integrated_gradients"
    for said, answer in zip(record["pictures"], found, strict=True):
        assert (said["case"], said["index"]) == ("c1", answer.target.index)
        assert said["unit"] == "latent units"
        scores = [channel["score"] for channel in said["channels"]]
        np.testing.assert_allclose(scores, answer.score, rtol=1e-6)
        assert said["residual"] == pytest.approx(answer.residual, abs=1e-6)
        assert all((one_case / channel["file"]).exists() for channel in said["channels"])
        assert said["provenance"]["params"]["steps"] == 8
    params = record["provenance"]["params"]
    assert (params["maps"], params["cases"]) == ("0,2", "c1")
    assert record["provenance"]["seed"] == 0  # this method draws nothing


def test_all_maps_of_all_cases_are_written_when_none_is_named(tiny_study, tmp_path, capsys):
    assert run("attribute", tiny_study, "--map", "all", "--out", tmp_path) == 0
    assert len(list(tmp_path.glob("c?_map-?_desc-swaps_*.nii.gz"))) == 8 * 4 * 2
    printed = capsys.readouterr().out
    assert "swaps, scores in latent units" in printed
    assert "A picture carries no test" in printed
    assert printed.count("encoder:3") == 8


def test_a_method_that_cannot_tell_images_apart_writes_one_volume(tiny_study, tmp_path, capsys):
    options = ["--map", 1, "--method", "grad_cam", "--case", "c0"]
    assert run("attribute", tiny_study, *options, "--out", tmp_path) == 0
    assert [p.name for p in tmp_path.glob("*.nii.gz")] == ["c0_map-1_desc-grad_cam.nii.gz"]
    (picture,) = json.loads((tmp_path / "attribute.json").read_text())["pictures"]
    (only,) = picture["channels"]
    assert only["channel"] is None
    assert picture["residual"] is None
    assert "all images" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("target", "recorded"),
    [(["--region", "blob"], ("region", "blob")), (["--voxel", "1,2,3"], ("voxel", "1,2,3"))],
)
def test_a_region_or_one_latent_is_asked_and_recorded(tiny_study, capsys, target, recorded):
    options = ["--map", 0, "--case", "c2", "--json", *IG]
    assert run("attribute", tiny_study, *options, *target) == 0
    part = json.loads(capsys.readouterr().out)
    assert run("attribute", tiny_study, *options) == 0
    whole = json.loads(capsys.readouterr().out)
    assert part["provenance"]["params"][recorded[0]] == recorded[1]
    assert recorded[0] not in whole["provenance"]["params"]
    scores = [r["pictures"][0]["channels"][0]["score"] for r in (part, whole)]
    assert scores[0] != scores[1]


def test_of_a_region_only_cases_that_have_it_are_asked(tmp_path, capsys, write_study):
    study = write_study(tmp_path / "study", n_cases=3)
    labels = sitk.ReadImage(str(study.with_name("1_labels.nii.gz")))
    sitk.WriteImage(0 * labels, str(study.with_name("1_labels.nii.gz")))
    assert run("attribute", study, "--map", 0, "--region", "blob", "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert [picture["case"] for picture in record["pictures"]] == ["c0", "c2"]
    assert run("attribute", study, "--map", 0, "--region", "blob") == 0
    assert "left out, without blob: c1" in capsys.readouterr().out
    assert run("attribute", study, "--map", 0, "--region", "blob", "--case", "c1") == 2
    assert "case c1: the label blob holds no latent of the body" in capsys.readouterr().err


@pytest.fixture(scope="module")
def checked(tiny_study, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("checked") / "out"
    assert run("check", tiny_study, "--map", 0, *IG, "--out", out) == 0
    return out


def test_a_check_writes_its_verdict_and_what_it_rests_on(checked):
    record = json.loads((checked / "check.json").read_text())
    assert (record["kind"], record["version"]) == ("sanity check", 1)
    assert (record["case"], record["map"]) == ("c0", "encoder:0")
    assert record["verdict"] in ("supported", "not supported", "undecided")
    stages = record["randomisation"]["stages"]
    assert [stage["down_to"] for stage in stages] == ["encoder.4", "encoder.2", "encoder.0"]
    copies = record["randomisation"]["copies"]
    assert stages[-1]["similarity"] == pytest.approx(np.mean(copies))
    for name in ("deletion", "insertion"):
        curve = record[name]
        assert curve["shares"][0] == 0
        assert len(curve["moved"]) == len(curve["values"]) == len(curve["shares"])
        assert len(curve["null"]) == 19
    assert record["provenance"]["params"]["steps"] == 8
    assert record["provenance"]["seed"] == 3


def test_a_check_prints_the_verdict_the_sentence_and_the_stages(tiny_study, checked, capsys):
    assert run("check", tiny_study, "--map", 0, *IG) == 0
    printed = capsys.readouterr().out
    record = json.loads((checked / "check.json").read_text())
    assert printed.startswith(f"{record['verdict']}: case c0\n{record['sentence']}\n")
    assert "random down to" in printed
    assert "Research use, not diagnosis." in printed


@pytest.mark.parametrize("command", ["attribute", "check"])
def test_same_study_and_seed_give_the_same_bytes(command, tiny_study, one_case, checked, tmp_path):
    argv = {
        "attribute": ["--map", 0, 2, *IG, "--case", "c1"],
        "check": ["--map", 0, *IG],
    }[command]
    before = {"attribute": one_case, "check": checked}[command]
    assert run(command, tiny_study, *argv, "--out", tmp_path) == 0
    assert sorted(os.listdir(tmp_path)) == sorted(os.listdir(before))
    for file in tmp_path.iterdir():
        assert timeless(file) == timeless(before / file.name), file.name


def timeless(file: Path) -> object:
    if file.suffix != ".json":
        return file.read_bytes()
    record = json.loads(file.read_text())
    for part in (record, *record.get("pictures", [])):
        assert part["provenance"].pop("seconds") >= 0
    return record


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["attribute", "s.yaml"], "required: --map"),
        (["attribute", "s.yaml", "--map", "one"], "'one' is no whole number"),
        (
            ["attribute", "s.yaml", "--map", "0", "--set", "steps"],
            "'steps' is not of the form NAME",
        ),
        (["attribute", "s.yaml", "--map", "0", "--voxel", "1,x"], "'x' is no whole number"),
        (
            ["check", "s.yaml", "--map", "0", "--voxel", "1,2", "--region", "blob"],
            "not allowed with",
        ),
        (["check", "s.yaml"], "required: --map"),
    ],
)
def test_wrong_use_is_told_in_one_line(capsys, argv, words):
    assert cli.main(argv) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert words in said


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["attribute", "--method", "swap"], "no method swap, did you mean 'swaps'"),
        (["attribute", "--set", "doners=3"], "no parameter doners, did you mean 'donors'"),
        (["attribute", "--set", "donors=many"], "donors must be a whole number from 1 to 32 cases"),
        (["attribute", "--set", "donors=2.5"], "donors must be a whole number"),
        (["attribute", "--case", "c9"], "case c9 is none of the 8 cases of the study; give"),
        (["attribute", "--region", "bolb"], "no label bolb, did you mean 'blob'"),
        (["attribute", "--method", "solo", "--voxel", "0,0,0"], "solo speaks of the whole map"),
        (["check", "--method", "solo"], "solo shows what the decoder draws"),
        (["check", "--method", "guided_backprop"], "this model has none before encoder"),
        (["check", "--voxel", "9,0,0"], "no latent 9,0,0: the latent map has 4x4x4"),
    ],
)
def test_what_cannot_be_asked_is_told_in_one_sentence_and_nothing_is_written(
    tiny_study, tmp_path, capsys, argv, words
):
    command, *options = argv
    out = tmp_path / "out"
    assert run(command, tiny_study, "--map", 0, *options, "--out", out) == 2
    printed, said = capsys.readouterr()
    assert printed == ""
    assert said.count("\n") == 1
    assert words in said
    assert os.listdir(tmp_path) == []
