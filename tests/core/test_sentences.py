from __future__ import annotations

import re

import numpy as np
from tests.io.test_record_reading import dependence


def test_a_tie_names_the_image_that_drives_beside_it() -> None:
    assert "; it is also driven by PD (ratio 0.20" in dependence("tie and another").sentence(1)
    assert "also driven" not in dependence("tie").sentence(1)


def test_what_is_alike_is_noted_of_images_that_do_not_drive_and_once() -> None:
    alike = np.full((3, 3), 0.8)
    noted = "also carries much of the pattern of T1 in these cases"
    assert f"; PD (r 0.80) {noted}" in dependence("driven", likeness=alike).sentence(1)
    assert "T2 carries the same pattern" in dependence("driven", likeness=alike).sentence(1)
    both = dependence("driven", likeness=alike, joint=()).sentence(1)
    assert "T2 (r 0.80) and PD (r 0.80) also carry much of the pattern of T1" in both
    for kind in ("mixed", "undecided", "nothing"):
        assert "much of the pattern" not in dependence(kind, likeness=alike).sentence(1)
    drives = dependence("driven by two", likeness=alike, joint=()).sentence(1)
    assert "PD (r 0" not in drives
    assert "much" not in dependence("driven", likeness=np.full((3, 3), 0.7)).sentence(1)


def test_where_nothing_drives_every_image_is_accounted_for() -> None:
    said = dependence("nothing").sentence(1)
    assert "T1 and T2 are negligible; no dependence found on PD" in said


def test_an_undecided_leader_is_named_once() -> None:
    said = dependence("undecided").sentence(1)
    assert said.count("T1") == 1
    assert "PD is negligible; T2 is undecided" in said


def test_an_undecided_answer_says_how_many_would_settle_it() -> None:
    said = dependence("undecided", low=np.array([[0.2, 0.02, 0.01]]), n=46).sentence(1)
    assert re.search(r"\. About \d+ cases would settle it; you have 46\.$", said)
    patients = dependence("undecided", low=np.array([[0.2, 0.02, 0.01]])).sentence(1)
    assert re.search(r"About \d+ patients would settle it; you have 23\.$", patients)


def test_what_more_cases_will_hardly_settle_is_said() -> None:
    ratio = np.array([[0.3000001, 0.02, 0.01]])
    found = dependence("undecided", ratio=ratio, low=ratio * 0.7, high=ratio / 0.7)
    assert found.sentence(1).endswith("too near tau 0.3 for more cases to settle it soon.")


def test_an_approximate_answer_promises_nothing_of_more_cases() -> None:
    said = dependence("undecided", approximate="slices of one person").sentence(1)
    assert "settle" not in said


def test_a_few_cases_that_move_it_most_are_told() -> None:
    few = np.full((1, 3), 9.4)
    told = " A few patients move it most: all 23 weigh as much as 9 alike ones."
    for kind in ("driven", "driven by two", "tie", "mixed", "undecided", "nothing"):
        assert told in dependence(kind, counting=few).sentence(1)
        assert "weigh" not in dependence(kind).sentence(1)
    of_another_image = np.array([[23.0, 23.0, 9.4]])
    assert "weigh" not in dependence("driven", counting=of_another_image).sentence(1)
    assert "weigh" not in dependence("driven", counting=few, approximate="one case").sentence(1)
