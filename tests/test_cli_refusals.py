from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from napari_latentattr import cli


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def lose_the_file(study: Path) -> None:
    study.unlink()


def misspell_a_key(study: Path) -> None:
    edit(study, "channels:", "chanels:")


def lose_a_column(study: Path) -> None:
    edit(study.with_name("cases.csv"), "bright,dull", "brigth,dull")


def pickle_the_model(study: Path) -> None:
    study.with_name("whole.pt").write_bytes(pickle.dumps({"model": object}))
    edit(study, "weights.safetensors", "whole.pt")


def cut_an_image_off(study: Path) -> None:
    image = study.with_name("0_bright.nii.gz")
    image.write_bytes(image.read_bytes()[:-400])


def move_the_mask(study: Path) -> None:
    image = sitk.GetImageFromArray(np.ones((8, 8, 8), dtype=np.uint8))
    image.SetSpacing((4.0, 4.0, 4.0))
    sitk.WriteImage(image, str(study.with_name("mask.nii.gz")))


def keep_one_case(study: Path) -> None:
    table = study.with_name("cases.csv")
    table.write_text("\n".join(table.read_text().splitlines()[:2]) + "\n")


@pytest.mark.parametrize(
    ("command", "spoil", "words"),
    [
        ("inspect", lose_the_file, "study.yaml"),
        ("inspect", misspell_a_key, "chanels"),
        ("rank", lose_a_column, "bright"),
        ("channels", pickle_the_model, "whole.pt"),
        ("channels", cut_an_image_off, "0_bright.nii.gz"),
        ("channels", move_the_mask, "c0"),
        ("channels", keep_one_case, "--one-case"),
        ("rank", keep_one_case, "1 patient"),
    ],
)
def test_wrong_input_is_told_in_one_sentence_and_nothing_is_written(
    tmp_path, capsys, write_study, command, spoil, words
):
    study = write_study(tmp_path / "study")
    spoil(study)
    out = tmp_path / "out"
    assert cli.main([command, str(study), "--out", str(out)]) == 2
    printed, said = capsys.readouterr()
    assert printed == ""
    assert said.count("\n") == 1
    assert words in said
    assert "Traceback" not in said
    assert os.listdir(tmp_path) == ["study"]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "required: COMMAND"),
        (["colour"], "invalid choice: 'colour'"),
        (["rank"], "required: STUDY"),
        (["rank", "study.yaml", "--sed", "1"], "unrecognized arguments: --sed"),
        (["rank", "study.yaml", "--seed", "-1"], "--seed"),
        (["channels", "study.yaml", "--map", "1", "--top"], "not allowed with"),
        (["channels", "study.yaml", "--outcome", "blob"], "--top"),
        (["channels", "study.yaml", "--tau", "much"], "invalid float value: 'much'"),
        (["benchmark", "beauty"], "invalid choice: 'beauty'"),
    ],
)
def test_wrong_use_is_told_in_one_line(capsys, argv, words):
    assert cli.main(argv) == 2
    printed, said = capsys.readouterr()
    assert printed == ""
    assert said.count("\n") == 1
    assert words in said


def test_an_outcome_that_is_not_there_is_told_with_those_that_are(tiny_study, capsys):
    assert cli.main(["rank", str(tiny_study), "--outcome", "bolb"]) == 2
    said = capsys.readouterr().err
    assert "did you mean 'blob'" in said
