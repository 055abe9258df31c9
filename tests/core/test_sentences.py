from __future__ import annotations

from tests.io.test_record_reading import dependence


def test_a_tie_names_the_image_that_drives_beside_it() -> None:
    assert "; it is also driven by PD (ratio 0.20" in dependence("tie and another").sentence(1)
    assert "also driven" not in dependence("tie").sentence(1)


def test_where_nothing_drives_every_image_is_accounted_for() -> None:
    said = dependence("nothing").sentence(1)
    assert "T1 and T2 are negligible; no dependence found on PD" in said


def test_an_undecided_leader_is_named_once() -> None:
    said = dependence("undecided").sentence(1)
    assert said.count("T1") == 1
    assert "PD is negligible; T2 is undecided" in said
