"""``latentattr benchmark truth``: what is measured is in the record and in the words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from napari_latentattr.benchmarks.calibration import Calibration, Rate, Size
from napari_latentattr.benchmarks.case_groups import FoundGroups
from napari_latentattr.benchmarks.contest.contest import Contest, Standing
from napari_latentattr.benchmarks.contest.kinds import KINDS, QUICK_KINDS, Kind
from napari_latentattr.benchmarks.copies import CopiesFound
from napari_latentattr.benchmarks.likeness import LikenessRates
from napari_latentattr.benchmarks.planted import PlantedTruth
from napari_latentattr.benchmarks.planted_decoders import INTERACTIONS, METHODS, DrawnTruth, Found
from napari_latentattr.commands import benchmark
from napari_latentattr.core.progress import SILENT

SIZE = Size(Rate(0.05, 0.04, 0.06), Rate(0.95, 0.94, 0.96))
FORMS = {
    "runs_with_calls": 1,
    "gates_passed": 1,
    "causes_called": 1,
    "causes": 3,
    "useless_called": 0,
    "useless": 10,
}


def hold_contest(*, worlds: int, kinds: Sequence[Kind], **_: object) -> Contest:
    """Stands for the contest: channel dependence is right, another rule calls everything."""
    rates = {"power": 1.0, "auroc": 1.0, "top": 1.0, "seconds": 0.1}
    found = []
    for rule, false in (("channel dependence", 0.0), ("captum X, share > 1/C", 0.5)):
        all_rates = {**rates, "false_positive": false, "false_discovery": false}
        given = {name: Rate(x, x, x) for name, x in all_rates.items()}
        for kind in kinds:
            found.append(
                Standing(kind.name, rule, worlds, 12, **given, by_effect=(1.0,) * 6, roc=(0, 1))
            )
    return Contest(0.03, 200, tuple(found))


@pytest.fixture
def measured(monkeypatch) -> list[dict[str, object]]:
    """Stands for the measurements; keeps the sizes that decoders were asked for."""
    asked: list[dict[str, object]] = []

    def find_drawn(**sizes: object) -> DrawnTruth:
        asked.append(sizes)
        rates = [
            Found(interaction, method, Rate((10 * i + m) / 1000, 0.0, 0.1))
            for i, interaction in enumerate(INTERACTIONS)
            for m, method in enumerate(METHODS)
        ]
        return DrawnTruth(int(str(sizes["worlds"])), 6, 8, 0.9, tuple(rates))

    planted = PlantedTruth(1, 12, 0.03, 2, 2, 1, 1, 0, 0, ())
    calibration = Calibration(1, 1, 1, 24, 4, 500, 0.1, SIZE, SIZE, SIZE)
    monkeypatch.setattr(benchmark, "find_drawn", find_drawn)
    monkeypatch.setattr(benchmark, "find_planted", lambda **_: planted)
    copies = CopiesFound(0.99, 5, 16, 0.99, 20, 19, 20, 30, 29, 29, 0)
    likeness = LikenessRates(100, 24, Rate(0.05, 0.04, 0.06), Rate(1, 0.9, 1), Rate(0.9, 0.8, 1))
    monkeypatch.setattr(
        benchmark, "find_copies", lambda alike, **_: replace(copies, likeness=alike)
    )
    monkeypatch.setattr(benchmark, "likeness_rates", lambda **_: likeness)
    found = FoundGroups(np.array([0.98]), np.array([0.5]), {"cloud": 0.0}, {"cloud": 0.4})
    monkeypatch.setattr(benchmark, "find_case_groups", lambda **_: found)
    monkeypatch.setattr(benchmark, "calibrate", lambda **_: calibration)
    cells = (calibration,)
    monkeypatch.setattr(benchmark, "calibrate_cells", lambda *_, **__: cells)
    monkeypatch.setattr(benchmark, "hold_contest", hold_contest)
    monkeypatch.setattr(
        benchmark, "ranking_worlds", lambda runs, *_, **__: {"runs": runs, "forms": {"case": FORMS}}
    )
    return asked


@pytest.mark.parametrize(("full", "seeds"), [(False, 3), (True, 10)])
def test_false_voxels_of_every_method_are_told_with_the_number_of_seeds(
    tmp_path, measured, full, seeds
):
    report = benchmark.run(tmp_path, what="truth", full=full, keep_memory=False, progress=SILENT)
    assert measured[0]["worlds"] == seeds
    assert f"{seeds} decoders (seeds 0 to {seeds - 1}) with planted places" in report.text
    said = "main effect 2.0%, shapley 2.1%, leave one out 2.2%, control solo 2.3%"
    row = next(line for line in report.text.splitlines() if line.startswith("  gates 1  "))
    assert row.endswith(f"  {said}")
    record = json.loads((tmp_path / report.main).read_text())
    assert record["planted_decoders"]["worlds"] == seeds
    assert len(record["planted_decoders"]["found"]) == len(INTERACTIONS) * len(METHODS)


def test_copies_and_likeness_are_told_and_recorded(tmp_path, measured):
    report = benchmark.run(tmp_path, what="truth", full=False, keep_memory=False, progress=SILENT)
    assert "r 0.80" in report.text
    assert "both used: 19 of 20 a tie" in report.text
    assert "5.0% (4.0% to 6.0%)" in report.text
    record = json.loads((tmp_path / report.main).read_text())
    assert [found["likeness"] for found in record["copies"]] == [1.0, 0.99, 0.8]
    assert record["likeness"]["hidden"]["value"] == 0.05


@pytest.mark.parametrize(("quick", "worlds", "kinds"), [(True, 3, QUICK_KINDS), (False, 5, KINDS)])
def test_the_contest_is_told_in_words_table_and_figures(tmp_path, measured, quick, worlds, kinds):
    report = benchmark.run(
        tmp_path, what="truth", full=False, quick=quick, keep_memory=False, progress=SILENT
    )
    files = {"contest.csv", "contest.md", "roc.png", "power.png", "calibration.png", "truth.json"}
    assert {path.name for path in tmp_path.iterdir()} == files
    assert (tmp_path / "contest.csv").read_text().count("\n") == 1 + 2 * len(kinds)
    assert f"### {kinds[0].name}: {worlds} worlds" in (tmp_path / "contest.md").read_text()
    words = " ".join(report.text.split())
    assert "channel dependence keeps all promises other rules that keep them none" in words
    assert "covers 95.0%, kept" in report.text
    record = json.loads((tmp_path / report.main).read_text())
    assert record["kind"] == "benchmark truth"
    assert record["contest"]["standings"][0]["kind"] == kinds[0].name
    assert ("ranking" in record) is not quick
