from __future__ import annotations

import numpy as np

from napari_latentattr.core.ranking_words import gate_sentence, top_map, top_map_sentence
from napari_latentattr.core.types import Evidence, Gate, MapRef, Provenance, Ranking


def ranking(*, passed: bool, verdicts: list[str], folds: str = "patients") -> Ranking:
    importance = np.array([0.1, 0.3, 0.2])
    evidence = tuple(
        Evidence(float(v), 0.0, 1.0, 0.01, 0.0004, 28, "null", "family", "supported")
        for v in importance
    )
    return Ranking(
        maps=tuple(MapRef("encoder", k) for k in range(3)),
        importance=importance,
        impurity=importance,
        shadow=importance,
        q=np.full(3, 0.01),
        verdict=np.array(verdicts),
        cluster=np.array([0, 1, 1]),
        gate=Gate(0.97, (0.5, 0.71), 0.025, passed),
        evidence=evidence,
        outcome="lesion",
        folds=folds,
        provenance=Provenance("rank_maps"),
    )


SUPPORTED = ["supported"] * 3
REFUSED = ["not supported"] * 3


def test_a_passed_gate_is_told_with_its_null():
    assert gate_sentence(ranking(passed=True, verdicts=SUPPORTED)) == (
        "gate passed: patient-grouped AUC 0.97, null maximum 0.71 (2 permutations), p = 0.025"
    )


def test_a_refusing_gate_says_not_supported_and_names_no_map():
    said = gate_sentence(ranking(passed=False, verdicts=REFUSED))
    assert said.startswith("not supported: ")
    assert said.endswith("no map is named for lesion")
    assert top_map(ranking(passed=False, verdicts=REFUSED)) is None


def test_slices_of_one_person_are_not_called_patients():
    said = gate_sentence(ranking(passed=True, verdicts=SUPPORTED, folds="blocks of slices"))
    assert "patient" not in said


def test_the_first_map_is_told_with_those_that_rise_and_fall_with_it():
    found = ranking(passed=True, verdicts=SUPPORTED)
    assert top_map(found) == MapRef("encoder", 1)
    assert top_map_sentence(found) == (
        "map encoder:1 ranks first (loss of AUC 0.300, q < 0.001, n = 28); encoder:2 rises and "
        "falls with it, the data cannot say which matters"
    )


def test_no_map_is_named_when_none_is_supported_alone():
    found = ranking(passed=True, verdicts=REFUSED)
    assert top_map(found) is None
    assert top_map_sentence(found).startswith("no single map is supported")
