from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
import SimpleITK as sitk

from napari_latentattr import cli
from napari_latentattr.core.errors import Cancelled, VolumeWarning
from napari_latentattr.terminal import Terminal

N_CASES = 8


@pytest.mark.parametrize(
    "command",
    ["inspect", "rank", "channels", "decode", "attribute", "check", "cases", "demo", "benchmark"],
)
def test_help_of_every_command_has_an_example(capsys, command):
    assert cli.main([command, "--help"]) == 0
    assert f"Example: latentattr {command}" in capsys.readouterr().out


def test_who_stops_reading_gets_no_traceback():
    reading, writing = os.pipe()
    os.close(reading)
    code = "import sys; from napari_latentattr import cli; cli._say('x' * 100); sys.exit(0)"
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_help_loads_no_torch():
    code = (
        "import sys; from napari_latentattr.cli import main; main(['rank', '--help']); "
        "sys.exit('torch' in sys.modules or 'matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def ranked(tiny_study, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("ranked") / "out"
    assert cli.main(["channels", str(tiny_study), "--top", "--volumes", "--out", str(out)]) == 0
    return out


def test_the_planted_image_is_named_from_ranking_to_table(ranked):
    ranking = json.loads((ranked / "ranking.json").read_text())
    assert ranking["gate"]["passed"]
    channels = json.loads((ranked / "channels.json").read_text())
    (asked,) = channels["asked"]
    assert asked == ranking["maps"][0]["map"]
    answer = {m["map"]: m["answer"] for m in channels["maps"]}[asked]
    assert answer == "bright"
    rows = list(csv.DictReader(io.StringIO((ranked / "channels.csv").read_text())))
    verdicts = {r["channel"]: r["verdict"] for r in rows if r["map"] == asked}
    assert verdicts == {"bright": "drives", "dull": "no dependence found"}
    assert (ranked / "channels.png").read_bytes().startswith(b"\x89PNG")
    assert (ranked / "ranking.png").read_bytes().startswith(b"\x89PNG")


def test_volumes_lie_on_the_voxels_of_their_source(tiny_study, ranked):
    files = sorted(p.name for p in ranked.glob("*.nii.gz"))
    index = json.loads((ranked / "ranking.json").read_text())["maps"][0]["index"]
    assert len(files) == 2 * N_CASES
    assert files[0] == f"c0_map-{index}_desc-channels_bright.nii.gz"
    source = sitk.ReadImage(str(tiny_study.with_name("0_bright.nii.gz")))
    made = sitk.ReadImage(str(ranked / files[0]))
    assert made.GetSize() == source.GetSize()
    assert made.GetSpacing() == pytest.approx(source.GetSpacing())
    assert made.GetOrigin() == pytest.approx(source.GetOrigin(), abs=1e-4)
    assert made.GetDirection() == pytest.approx(source.GetDirection())
    assert sitk.GetArrayFromImage(made).max() > 0
    assert sitk.GetArrayFromImage(sitk.ReadImage(str(ranked / files[1]))).max() < 1e-6


def test_same_study_and_seed_give_the_same_bytes(tiny_study, ranked, tmp_path):
    out = tmp_path / "again"
    assert cli.main(["channels", str(tiny_study), "--top", "--volumes", "--out", str(out)]) == 0
    assert sorted(os.listdir(out)) == sorted(os.listdir(ranked))
    for file in out.iterdir():
        assert without_seconds(file) == without_seconds(ranked / file.name), file.name


def without_seconds(file: Path) -> object:
    if file.suffix != ".json":
        return file.read_bytes()
    record = json.loads(file.read_text())
    assert record["provenance"].pop("seconds") >= 0
    return record


@pytest.mark.parametrize(
    ("options", "name"),
    [(["inspect"], "inspect.json"), (["channels", "--map", "2", "0"], "channels.json")],
)
def test_json_prints_what_the_file_holds_and_nothing_else(
    tiny_study, tmp_path, capsys, options, name
):
    command, *rest = options
    out = tmp_path / "out"
    assert cli.main([command, str(tiny_study), *rest, "--json", "--out", str(out)]) == 0
    printed, said = capsys.readouterr()
    assert printed == (out / name).read_text()
    assert said == ""
    assert {"kind", "version", "provenance"} <= json.loads(printed).keys()


def test_maps_named_beforehand_are_the_only_ones_measured(tiny_study, capsys):
    assert cli.main(["channels", str(tiny_study), "--map", "2", "0", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert [m["index"] for m in record["maps"]] == [2, 0]
    assert record["provenance"]["seed"] == 3


def test_a_region_is_named_in_every_sentence(tiny_study, capsys):
    assert cli.main(["channels", str(tiny_study), "--map", "0", "--region", "blob"]) == 0
    assert "Inside blob, map" in capsys.readouterr().out


def test_likeness_is_told_below_the_drivers_and_called_an_association(tiny_study, tmp_path, capsys):
    out = tmp_path / "out"
    options = ["--map", "0", "1", "--likeness", "--out", str(out)]
    assert cli.main(["channels", str(tiny_study), *options]) == 0
    drivers, alike = capsys.readouterr().out.split("\n\n")[:2]
    assert "is driven by" in drivers
    assert "8 patients, null: ratio of at most 0.03, 2 maps x 2 images" in drivers
    assert "is driven by" not in alike
    assert alike.count("does not say that an image drives the map") == 2
    assert "no p value below 20 patients; there are 8" in alike
    record = json.loads((out / "likeness.json").read_text())
    assert record["kind"] == "pattern likeness"
    assert [m["index"] for m in record["maps"]] == [0, 1]
    first = record["maps"][0]["channels"]
    assert [c["verdict"] for c in first] == ["undecided", "not supported"]
    assert first[0]["rho"] == pytest.approx(1)
    assert first[1]["rho"] is None
    rows = list(csv.DictReader(io.StringIO((out / "likeness.csv").read_text())))
    assert len(rows) == 4
    assert rows[0]["null"] == "pairing of cases permuted, 999 draws"


def test_likeness_and_a_region_are_refused_together(tiny_study, capsys):
    assert cli.main(["channels", str(tiny_study), "--likeness", "--region", "blob"]) == 2
    assert "speaks of whole maps" in capsys.readouterr().err


def test_one_case_is_answered_approximately_when_that_is_accepted(tmp_path, capsys, write_study):
    study = write_study(tmp_path / "study", n_cases=1)
    assert cli.main(["channels", str(study), "--one-case", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["approximate"] == "one case"


def test_inspect_tells_model_and_study(tiny_study, capsys):
    assert cli.main(["inspect", str(tiny_study)]) == 0
    printed = capsys.readouterr().out
    assert "2 images -> 4 maps, 3D" in printed
    assert "16 x 16 x 16 voxels" in printed
    assert "2 x 2 x 2 mm" in printed
    assert "8, units are patients" in printed
    assert "FAILED" not in printed


def test_rank_prints_the_gate_and_every_map(tiny_study, capsys):
    assert cli.main(["rank", str(tiny_study)]) == 0
    printed = capsys.readouterr().out
    assert "gate passed: patient-grouped AUC" in printed
    for k in range(4):
        assert f"encoder:{k}" in printed


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("options", "drawn"), [([], True), (["--quiet"], False)])
def test_a_bar_is_drawn_for_people_unless_they_want_quiet(tiny_study, monkeypatch, options, drawn):
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    assert cli.main(["channels", str(tiny_study), "--map", "0", *options]) == 0
    assert ("[#" in screen.getvalue()) is drawn


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), Cancelled("stopped")])
def test_stopped_work_leaves_nothing_behind(tiny_study, tmp_path, monkeypatch, capsys, stop):
    def report(self: Terminal, done: int, total: int, text: str) -> None:
        if done == total and text.startswith("where"):
            raise stop

    monkeypatch.setattr(Terminal, "report", report)
    argv = ["channels", str(tiny_study), "--map", "0", "--volumes", "--out", str(tmp_path / "out")]
    assert cli.main(argv) == 130
    assert capsys.readouterr().err == "cancelled; nothing was written\n"
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="sends a POSIX signal")
def test_ctrl_c_ends_the_program_with_130(tiny_study, tmp_path):
    code = (
        "import sys, time\n"
        "from napari_latentattr import cli\n"
        "from napari_latentattr.terminal import Terminal\n"
        "def report(self, *_):\n"
        "    print('busy', flush=True)\n"
        "    time.sleep(30)\n"
        "Terminal.report = report\n"
        f"argv = ['inspect', {str(tiny_study)!r}, '--out', {str(tmp_path / 'out')!r}]\n"
        "sys.exit(cli.main(argv))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "busy\n"
        time.sleep(0.1)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert said == "cancelled; nothing was written\n"
    assert os.listdir(tmp_path) == []


def test_a_fault_of_the_tool_is_told_in_one_sentence(tiny_study, monkeypatch, capsys, tmp_path):
    def report(self: Terminal, done: int, total: int, text: str) -> None:
        self.doing = text
        raise RuntimeError("a bug")

    monkeypatch.setattr(Terminal, "report", report)
    argv = ["inspect", str(tiny_study), "--out", str(tmp_path / "out")]
    assert cli.main(argv) == 1
    said = capsys.readouterr().err
    assert said == (
        "something in the tool failed while trying the model on the first case; "
        "rerun with --debug\n"
    )
    assert cli.main([*argv, "--debug"]) == 1
    assert "RuntimeError: a bug" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_what_should_be_known_about_an_image_is_a_note(tiny_study, monkeypatch, capsys):
    def report(self: Terminal, done: int, total: int, text: str) -> None:
        warnings.warn("case c0: 3 voxels are not finite", VolumeWarning, stacklevel=1)

    monkeypatch.setattr(Terminal, "report", report)
    assert cli.main(["inspect", str(tiny_study), "--json"]) == 0
    printed, said = capsys.readouterr()
    assert said == "note: case c0: 3 voxels are not finite\n"
    assert json.loads(printed)["kind"] == "inspection"
