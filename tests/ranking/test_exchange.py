from dataclasses import replace

import numpy as np
import pytest

from napari_latentattr.core.errors import InputError
from napari_latentattr.ranking.exchange import (
    deal_folds,
    donor_cases,
    permuted_cases,
    refuse_split,
)
from napari_latentattr.ranking.rows import Rows
from napari_latentattr.ranking.units import Units, patients_as_units, slices_as_units


def rows_of(label, units: Units) -> Rows:
    label = np.asarray(label)[:, None]
    return Rows(
        values=np.zeros((len(label), 1, 1), np.float32),
        inside=np.ones_like(label, dtype=bool),
        label=label,
        map_of=np.zeros(1, int),
        classes=tuple(str(c) for c in range(label.max() + 1)),
        units=units,
    )


PATIENTS = np.repeat(np.arange(12), 3)


@pytest.mark.parametrize("seed", range(5))
def test_cases_of_one_patient_are_in_one_fold(seed):
    rows = rows_of(PATIENTS % 2, patients_as_units(PATIENTS))
    fold = deal_folds(rows, rows.label, np.random.default_rng(seed))
    assert all(np.unique(fold[p == PATIENTS]).size == 1 for p in range(12))


@pytest.mark.parametrize("ones", [2, 3, 5, 9])
def test_every_fold_holds_every_class(ones):
    label = np.arange(20) < ones
    rows = rows_of(label.astype(int), patients_as_units(range(20)))
    fold = deal_folds(rows, rows.label, np.random.default_rng(0))
    assert fold.max() + 1 == min(5, ones)
    assert all(set(label[fold == f]) == {True, False} for f in range(fold.max() + 1))


def test_blocks_of_slices_are_not_split():
    units = slices_as_units(23)
    assert np.all(np.diff(units.group) >= 0)
    rows = rows_of((np.arange(23) % 2), units)
    fold = deal_folds(rows, rows.label, np.random.default_rng(1))
    assert all(np.unique(fold[units.group == b]).size == 1 for b in range(5))
    assert np.unique(fold).size == 5


@pytest.mark.parametrize("seed", range(5))
def test_a_donor_is_of_another_patient(seed):
    names = np.array(["a", "b", "b", "c", "c", "c", "d"])
    donor = donor_cases(patients_as_units(names), np.random.default_rng(seed))
    assert np.all(names[donor] != names)


@pytest.mark.parametrize("exchange", [donor_cases, permuted_cases])
def test_units_of_equal_size_are_exchanged_case_by_case(exchange):
    giver = exchange(patients_as_units(PATIENTS), np.random.default_rng(0))
    assert np.array_equal(np.sort(giver), np.arange(36))
    assert np.array_equal(giver % 3, np.arange(36) % 3)
    assert all(np.unique(PATIENTS[giver[p == PATIENTS]]).size == 1 for p in range(12))


def test_the_outcomes_of_a_small_patient_are_repeated_in_order():
    units = Units(np.array([0, 0, 0, 1, 1]), np.array([0, 0, 0, 1, 1]), "patients", "")
    assert donor_cases(units, np.random.default_rng(0)).tolist() == [3, 4, 3, 0, 1]


def test_permuted_patient_outcomes_keep_their_counts():
    names = np.repeat(np.arange(8), [1, 2, 3, 4, 1, 2, 3, 4])
    outcome = np.arange(8) % 2
    units = patients_as_units(names)
    permuted = outcome[names][permuted_cases(units, np.random.default_rng(3))]
    per_patient = np.array([permuted[units.whole == u].mean() for u in range(8)])
    assert set(per_patient) == {0.0, 1.0}
    assert per_patient.sum() == outcome.sum()


def test_folds_that_split_one_patient_are_refused():
    units = patients_as_units(PATIENTS)
    fold = PATIENTS % 3
    refuse_split(units, fold)
    fold[4] += 1
    with pytest.raises(InputError, match=r"folds split 1 of 12 patients"):
        refuse_split(units, fold)


def test_every_fold_holds_low_and_high_numbers():
    number = np.random.default_rng(0).random(20)
    rows = replace(
        rows_of(np.zeros(20, int), patients_as_units(range(20))), label=number[:, None], classes=()
    )
    fold = deal_folds(rows, rows.label, np.random.default_rng(1))
    fifth = np.argsort(np.argsort(number)) // 5
    assert all(sorted(fold[fifth == f]) == [0, 1, 2, 3, 4] for f in range(4))
