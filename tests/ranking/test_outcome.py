from types import SimpleNamespace

import numpy as np
import pytest

from napari_latentattr.core.errors import InputError
from napari_latentattr.ranking.outcome import CaseOutcome, Regions, read_outcome
from napari_latentattr.ranking.units import patients_as_units


class Cases(SimpleNamespace):
    def __len__(self):
        return len(self.cases)


COHORT = Cases(cases=tuple("abcdef"))
UNITS = patients_as_units(range(6))


def read(outcome):
    return read_outcome(COHORT, outcome, UNITS, name="grade")


@pytest.mark.parametrize(
    ("outcome", "classes"),
    [
        ([0, 1, 0, 1, 0, 1], ("0", "1")),
        (np.array([0.0, 1.0] * 3), ("0", "1")),
        (["low", "high"] * 3, ("high", "low")),
        (np.array([True, False] * 3), ("False", "True")),
        ([3, 1, 2, 3, 1, 2], ("1", "2", "3")),
    ],
)
def test_classes_of_any_kind_are_read(outcome, classes):
    found = read(outcome)
    assert isinstance(found, CaseOutcome)
    assert found.classes == classes
    same_class = np.asarray(outcome)[:, None] == np.asarray(outcome)
    assert np.array_equal(found.code[:, None] == found.code, same_class)


def test_a_string_and_arrays_mean_regions():
    assert isinstance(read("lesion"), Regions)
    assert isinstance(read(np.zeros((6, 4, 4), bool)), Regions)


@pytest.mark.parametrize(
    ("outcome", "match"),
    [
        ([0, 1], r"'grade' has 2 entries, the cohort 6 cases"),
        ([1] * 6, r"'grade' is 1 in all 6 cases; at least 2 classes"),
        ([np.inf, 1.0, 0, 1, 0, 1], r"is inf for case a; give a finite number"),
        ([0, 1, 0, np.nan, 0, 1], r"missing for case d"),
        ([0, 1, 0, 1, "", 1], r"missing for case e"),
        ([0, 0, 0, 0, 0, 1], r"class '1' is found in 1 of 6 patients, at least 2"),
    ],
)
def test_an_outcome_that_cannot_be_ranked_is_refused_in_one_sentence(outcome, match):
    with pytest.raises(InputError, match=match) as raised:
        read(outcome)
    assert "\n" not in str(raised.value)


def test_a_region_of_another_shape_is_refused():
    regions = read(np.zeros((6, 4, 4), bool))
    stack = SimpleNamespace(case="b", grid=SimpleNamespace(shape=(5, 4)))
    with pytest.raises(InputError, match=r"case b has shape \(4, 4\), its images \(5, 4\)"):
        regions.of(1, stack.grid)


@pytest.mark.parametrize("outcome", [[63, 71, 55, 48, 80, 66], [0.5, 1, 0.1, 0.0, 7e9, 0.7]])
def test_numbers_are_put_in_order(outcome):
    found = read(outcome)
    assert found.classes == ()
    assert np.array_equal(np.argsort(found.code), np.argsort(outcome))
    assert (found.code.min(), found.code.max()) == (0, 1)


def test_numbers_of_few_patients_are_refused():
    units = patients_as_units("aabbcd")
    with pytest.raises(InputError, match=r"number known of 4 patients, at least 6"):
        read_outcome(COHORT, [1.5, 2, 3, 4, 5, 6], units, name="age")
