"""The sample data that ships: complete, small, licensed, and said to be real or simulated."""

from __future__ import annotations

import csv
from pathlib import Path

import nibabel as nib
import pytest
import yaml

import napari_latentattr
from napari_latentattr.samples.folders import sample_folder

DTI = sample_folder("dti")
COLIN = sample_folder("colin27")


def test_samples_lie_inside_the_package() -> None:
    package = Path(napari_latentattr.__file__).parent
    assert all(folder.is_relative_to(package) and folder.is_dir() for folder in (DTI, COLIN))


def test_all_samples_together_are_under_five_megabytes() -> None:
    assert sum(f.stat().st_size for f in DTI.parent.rglob("*")) < 5e6


@pytest.mark.parametrize(
    ("folder", "owner"), [(DTI, "RII-UTHSCSA"), (COLIN, "Copyright 2006-2010, Chris Rorden")]
)
def test_each_licence_lies_beside_the_data_and_names_its_owner(folder: Path, owner: str) -> None:
    text = (folder / "LICENSE.txt").read_text(encoding="utf-8")
    assert owner in text
    assert "Redistribution" in text


def test_each_folder_says_what_is_real_and_what_is_simulated() -> None:
    assert "nothing is simulated" in (DTI / "README.txt").read_text(encoding="utf-8")
    assert "no patient was examined" in (COLIN / "README.txt").read_text(encoding="utf-8")


def test_every_file_that_the_dti_table_names_is_there() -> None:
    with (DTI / "cases.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["case"], row["patient"]) for row in rows] == [("dti", "P1")]
    assert all((DTI / rows[0][c]).is_file() for c in ("mask", "labels", "image"))


@pytest.mark.parametrize("path", sorted(DTI.parent.rglob("study*.yaml")), ids=lambda p: p.stem)
def test_every_study_file_names_weights_that_ship_and_labels_that_it_asks_for(path: Path) -> None:
    study = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert (path.parent / study["model"]["weights"]).is_file()
    assert study["outcome"] in study["labels"]
    assert len(study["channels"]) == study["model"]["arguments"]["n_channels"] == 4


@pytest.mark.parametrize("name", ["dti/dti", "dti/mask", "dti/labels", "colin27/tissue"])
def test_both_geometry_fields_of_a_header_agree(name: str) -> None:
    header = nib.load(DTI.parent / f"{name}.nii.gz").header
    assert header.get_sform() == pytest.approx(header.get_qform(), abs=1e-4)
    assert header["sform_code"] > 0
    assert header["qform_code"] > 0
