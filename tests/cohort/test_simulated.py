"""The simulated cohort on disk: a study that opens, with the truth beside the images."""

from __future__ import annotations

import csv
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from napari_latentattr.cohort.simulated import write_cohort
from napari_latentattr.core.errors import Cancelled
from napari_latentattr.io.volumes import read_stack, read_volume
from napari_latentattr.samples.cohort_simulation import CHANNELS, simulate_patient
from napari_latentattr.samples.folders import sample_folder

SEED = 4


class StopAtOnce:
    def report(self, done: int, total: int, text: str) -> None:
        raise Cancelled("stopped")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort") / "new"
    assert write_cohort(folder, patients=2, seed=SEED) == folder / "study.yaml"
    return folder


@pytest.fixture(scope="module")
def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "cases.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_half_of_the_patients_have_the_outcome(rows: list[dict[str, str]]) -> None:
    assert sorted(row["outcome"] for row in rows) == ["no", "yes"]
    assert len({row["patient"] for row in rows}) == len(rows) == 2


def test_outcome_and_labels_tell_the_same(folder: Path, rows: list[dict[str, str]]) -> None:
    for row in rows:
        labels = nib.load(folder / row["labels"]).get_fdata()
        assert set(np.unique(labels)) <= {0, 1, 2}
        assert (labels == 1).any() == (row["outcome"] == "yes")


def test_files_hold_what_was_simulated(folder: Path, rows: list[dict[str, str]]) -> None:
    tissue = read_volume(sample_folder("colin27") / "tissue.nii.gz")
    for i, row in enumerate(rows):
        person = simulate_patient(tissue.data, [SEED, i], lesion=row["outcome"] == "yes")
        stack = read_stack(
            [folder / row[c] for c in CHANNELS], channels=CHANNELS, mask=folder / row["mask"]
        )
        assert np.array_equal(stack.data, person.data)
        assert stack.mask is not None
        assert np.array_equal(stack.mask, person.brain)
        assert stack.grid.same_as(tissue.grid)


def test_where_both_are_the_label_is_lesion(folder: Path, rows: list[dict[str, str]]) -> None:
    tissue = read_volume(sample_folder("colin27") / "tissue.nii.gz")
    for i, row in enumerate(rows):
        person = simulate_patient(tissue.data, [SEED, i], lesion=row["outcome"] == "yes")
        labels = read_volume(folder / row["labels"]).data
        assert np.array_equal(labels == 1, person.lesion)
        assert np.array_equal(labels == 2, person.decoy & ~person.lesion)


def test_the_folder_says_that_its_images_are_simulated(folder: Path) -> None:
    assert "no patient was examined" in (folder / "README.txt").read_text(encoding="utf-8")
    assert "Chris Rorden" in (folder / "LICENSE.txt").read_text(encoding="utf-8")


def test_a_stopped_simulation_leaves_no_study(tmp_path: Path) -> None:
    with pytest.raises(Cancelled, match="stopped"):
        write_cohort(tmp_path, patients=2, progress=StopAtOnce())
    assert not (tmp_path / "study.yaml").exists()


def test_one_patient_is_no_cohort(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 2 patients, got 1"):
        write_cohort(tmp_path, patients=1)
