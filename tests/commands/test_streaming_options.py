"""``--cache``, ``--skip-broken`` and ``--scheduler`` of the commands that walk through cases."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from napari_latentattr import cli

COMMANDS = [["rank"], ["channels", "--map", "0"], ["cases", "--map", "0", "--top", "3"]]
COMMANDS += [["maximise", "--map", "0", "--seeds", "1"]]


@pytest.fixture(scope="module")
def broken_study(write_study, tmp_path_factory) -> Path:
    """One image of one case is cut off."""
    study = write_study(tmp_path_factory.mktemp("broken") / "study", n_cases=9)
    path = study.with_name("4_bright.nii.gz")
    path.write_bytes(path.read_bytes()[:200])
    return study


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_broken_case_ends_a_command_unless_it_may_be_left_out(
    broken_study, tmp_path, capsys, command
):
    name, *options = command
    assert cli.main([name, str(broken_study), *options]) == 2
    assert "4_bright.nii.gz" in capsys.readouterr().err
    out = tmp_path / "out"
    argv = [name, str(broken_study), *options, "--skip-broken", "--out", str(out)]
    assert cli.main(argv) == 0
    said = capsys.readouterr().out
    assert "left out, because they cannot be used: c4 (4_bright.nii.gz" in said
    main = {"rank": "ranking"}.get(name, name)
    record = json.loads((out / f"{main}.json").read_text())
    assert record["provenance"]["params"]["left_out"].startswith("c4 (")


def test_a_second_question_is_answered_from_the_cache_with_the_same_bytes(
    tiny_study, tmp_path, capsys
):
    argv = ["cases", str(tiny_study), "--map", "1", "--json", "--cache", str(tmp_path / "cache")]
    records = []
    for _ in range(2):
        assert cli.main(argv) == 0
        record = json.loads(capsys.readouterr().out)
        record["provenance"].pop("seconds")
        records.append(record)
    assert records[0] == records[1]
    assert len(list((tmp_path / "cache").iterdir())) == 8


def test_volumes_are_not_asked_with_some_cases_left_out(tiny_study, capsys):
    argv = ["channels", str(tiny_study), "--map", "0", "--skip-broken", "--volumes"]
    assert cli.main(argv) == 2
    assert "--volumes needs every case" in capsys.readouterr().err


def test_likeness_leaves_the_same_case_out(broken_study, tmp_path):
    argv = ["channels", str(broken_study), "--map", "0", "--skip-broken", "--likeness"]
    assert cli.main([*argv, "--out", str(tmp_path)]) == 0
    record = json.loads((tmp_path / "likeness.json").read_text())
    assert record["n_cases"] == 8
    assert record["provenance"]["params"]["left_out"].startswith("c4 (4_bright.nii.gz")


def test_a_scheduler_that_is_not_there_is_told_in_a_sentence(tiny_study, capsys, monkeypatch):
    monkeypatch.setattr("napari_latentattr.streaming.distributed._WAIT", "1s")
    assert cli.main(["rank", str(tiny_study), "--scheduler", "tcp://127.0.0.1:9"]) == 2
    assert "no dask scheduler answers at tcp://127.0.0.1:9" in capsys.readouterr().err
