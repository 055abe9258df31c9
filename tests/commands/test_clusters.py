from __future__ import annotations

import json

import pytest

from napari_latentattr.cli import main


@pytest.fixture
def many(write_study, tmp_path):
    return write_study(tmp_path / "study", n_cases=16)


def test_clusters_writes_what_was_found_and_says_when_that_is_nothing(many, tmp_path, capsys):
    out = tmp_path / "results"
    assert main(["clusters", str(many), "--quiet", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    record = json.loads((out / "clusters.json").read_text("utf-8"))
    assert record["sentence"] in said
    assert record["asked"]
    assert {row["cluster"] for row in record["cases"]} >= {-1}
    names = {path.name for path in out.iterdir()}
    assert names == {"clusters.json", "clusters.csv", "differences.csv", "clusters.png"}


def test_few_patients_get_a_picture_and_the_reason(tiny_study, tmp_path, capsys):
    out = tmp_path / "results"
    options = ["--layout", "tsne", "--quiet", "--out", str(out)]
    assert main(["clusters", str(tiny_study), *options]) == 0
    said = capsys.readouterr().out
    assert "8 patients are too few" in said
    assert "carry no meaning" in said
    assert (out / "clusters.png").stat().st_size > 10_000
