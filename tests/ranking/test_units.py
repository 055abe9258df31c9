from types import SimpleNamespace

import numpy as np
import pytest

from napari_latentattr.core.errors import InputError
from napari_latentattr.ranking.units import units_of


class Cases(SimpleNamespace):
    def __len__(self):
        return len(self.patients)


def cohort(patients, unit_name="patients"):
    cases = tuple(f"case-{i}" for i in range(len(patients)))
    return Cases(patients=tuple(patients), cases=cases, unit_name=unit_name)


def test_the_cohorts_patients_are_used_unless_others_are_given():
    assert units_of(cohort("aabbccdd")).n == 4
    assert units_of(cohort("aabbccdd"), list(range(8))).n == 8


@pytest.mark.parametrize("missing", [None, float("nan"), "", "NA"])
def test_two_cases_of_unknown_patients_are_not_taken_for_one_patient(missing):
    patients = ["a", "b", missing, "c", "d", missing]
    with pytest.raises(InputError, match="patient of case case-2 is missing; name one"):
        units_of(cohort("uvwxyz"), patients)


def test_slices_of_one_person_become_five_blocks_exchanged_slice_by_slice():
    units = units_of(cohort("a" * 12, "slices of one person"))
    assert units.n == 5
    assert np.unique(units.whole).size == 12
    assert "approximate" in units.groups


@pytest.mark.parametrize(
    ("cases", "patients", "match"),
    [
        (cohort("aaaa"), None, r"a study with 1 patient cannot be ranked.*4 are needed"),
        (cohort("aabbcc"), None, r"a study with 3 patients cannot be ranked"),
        (cohort("abcde"), ["a", "b"], r"5 cases came with 2 patients; name one patient a case"),
        (cohort("aaaa", "slices of one person"), None, r"4 slices of one person cannot be ranked"),
    ],
)
def test_too_few_units_are_refused_in_one_sentence(cases, patients, match):
    with pytest.raises(InputError, match=match) as raised:
        units_of(cases, patients)
    assert "\n" not in str(raised.value)
