"""``latentattr maximise`` from a study file to pictures that never stand alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from napari_latentattr import cli, maximise, open_study
from napari_latentattr.core.maximisation import MADE_UP


@pytest.fixture(scope="module")
def out(tiny_study, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("maximise") / "out"
    argv = ["maximise", str(tiny_study), "--map", "1", "--seeds", "2", "--out", str(folder)]
    assert cli.main(argv) == 0
    return folder


@pytest.fixture(scope="module")
def found(tiny_study):
    study = open_study(tiny_study)
    return maximise(study.model, 1, cohort=study.cohort, seeds=2, seed=study.seed)


def test_the_record_holds_what_the_function_gives(found, out):
    record = json.loads((out / "maximise.json").read_text("utf-8"))
    assert (record["kind"], record["what"], record["map"]) == (
        "maximisation",
        MADE_UP,
        "encoder:1",
    )
    assert record["numbers"] == pytest.approx(found.numbers)
    assert [row["case"] for row in record["top_cases"]] == list(found.top_cases)
    assert list(record["change"].values()) == pytest.approx(list(found.score))
    assert record["meets_level"] is found.meets_level


def test_every_picture_lies_where_the_first_case_lay(found, out, tiny_study):
    record = json.loads((out / "maximise.json").read_text("utf-8"))
    assert len(record["pictures"]) == 2
    first = open_study(tiny_study).cohort.cases[0]
    for picture, names in zip(found.pictures, record["pictures"], strict=True):
        for image, (channel, name) in zip(picture, names.items(), strict=True):
            made = sitk.ReadImage(str(out / name))
            source = sitk.ReadImage(str(tiny_study.with_name(f"{first[1:]}_{channel}.nii.gz")))
            np.testing.assert_allclose(made.GetOrigin(), source.GetOrigin(), atol=1e-4)
            assert made.GetSize() == source.GetSize()
            voxels = np.sort(sitk.GetArrayFromImage(made).ravel())
            np.testing.assert_allclose(voxels, np.sort(image.ravel()), rtol=1e-5)


def test_what_is_said_has_all_numbers_and_the_real_cases(found, out, tiny_study, capsys):
    argv = ["maximise", str(tiny_study), "--map", "1", "--seeds", "2", "--quiet"]
    assert cli.main(argv) == 0
    said = capsys.readouterr().out
    assert said.startswith("Made up, not a patient: ")
    for case in found.top_cases:
        assert said.count(case) == 2
    for number in (found.reached, found.level, found.usual):
        assert f"{number:.3g}" in said
    least = np.floor(100 * found.agreement) / 100  # "or more" is never said of more than it is
    for number in (found.spectrum_distance, found.out_of_distribution, least):
        assert f"{number:.2f}" in said
    assert "says nothing of what real cases" in " ".join(said.split())
    assert (out / "maximise.png").stat().st_size > 10_000


def test_low_and_one_latent_can_be_asked_and_wrong_use_is_one_sentence(tiny_study, capsys):
    start = ["maximise", str(tiny_study), "--map", "1", "--quiet", "--seeds"]
    assert cli.main([*start, "1", "--toward", "low", "--voxel", "1,1,1", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["numbers"]["level"] < record["numbers"]["usual"]
    assert record["provenance"]["params"]["voxel"] == "1,1,1"
    assert record["numbers"]["agreement"] is None
    assert cli.main([*start, "0"]) == 2
    assert "seeds must lie between 1 and 32" in capsys.readouterr().err
