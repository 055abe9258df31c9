"""A check belongs to exactly one picture, and pictures of parts do not replace each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.io.test_case_sheet_record import a_sheet

from napari_latentattr.core.place import WHOLE, Place
from napari_latentattr.core.results import MOST_CHECKS, MOST_SHEETS, Picture, Results
from napari_latentattr.core.types import Grid, MapRef, Provenance

from .test_sanity import checked

PARAMS = {"map": 3, "case": "c1", "donors": 4}


def picture(place: Place = WHOLE, **params: object) -> Picture:
    made = Provenance("swaps", {**PARAMS, **params}, 1)
    return Picture(
        "where", MapRef("Encoder", 3), "c1", ("A",), np.zeros((1, 2, 2), np.float32),
        Grid.from_spacing((2, 2), (1, 1)), "", "swaps", "Swap", "", made, place=place,
    )  # fmt: skip


def check_of(shown: Picture, *similar: float):
    params = {**shown.provenance.params, "method": shown.method, "exchanged_for": "zero"}
    return replace(checked(*(similar or (0.1,))), provenance=Provenance("check", params, 9))


def test_pictures_of_different_parts_of_a_map_stand_side_by_side() -> None:
    places = (
        WHOLE,
        Place(region="a"),
        Place(layer="a"),
        Place(latent=(1, 2)),
        Place(latent=(2, 1)),
    )
    found = Results()
    for place in (*places, Place(region="a")):
        found = found.with_picture(picture(place))
    assert {p.place for p in found.pictures.values()} == set(places)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (WHOLE, ""),
        (Place(region="lesion"), "lesion"),
        (Place(layer="lesion"), "layer lesion"),
        (Place(latent=(3, 0, 2)), "latent 3,0,2"),
    ],
)
def test_a_place_is_said_in_words(place, words) -> None:
    assert str(place) == words
    assert place.is_whole == (words == "")


def test_a_check_is_found_by_its_picture_and_by_no_other() -> None:
    shown = picture()
    found = Results().with_check(check_of(shown))
    assert found.check_of(shown) is found.checks[0]
    for other in (
        picture(donors=5),
        picture(region="lesion"),
        picture(voxel="1,2"),
        replace(shown, method="occlusion"),
        replace(shown, case="c2"),
        replace(shown, target=MapRef("Encoder", 4)),
    ):
        assert found.check_of(other) is None


def test_a_check_of_a_part_says_nothing_of_the_whole_map() -> None:
    part = picture(region="lesion")
    found = Results().with_check(check_of(part))
    assert found.check_of(part) is not None
    assert found.check_of(picture()) is None


def test_a_newer_check_of_the_same_picture_replaces_the_older() -> None:
    shown, other = picture(), picture(donors=5)
    found = Results()
    for one, similar in ((shown, 0.1), (other, 0.2), (shown, 0.3)):
        found = found.with_check(check_of(one, similar))
    assert [c.randomised[0] for c in found.checks] == [0.3, 0.2]
    assert found.checks_of_map(3) == list(found.checks)
    assert found.checks_of_map(4) == []


def test_the_oldest_checks_go_first() -> None:
    found = Results()
    for donors in range(MOST_CHECKS + 2):
        found = found.with_check(check_of(picture(donors=donors)))
    assert len(found.checks) == MOST_CHECKS
    assert found.check_of(picture(donors=1)) is None
    assert found.check_of(picture(donors=2)) is not None


def test_a_later_sheet_of_cases_replaces_that_of_its_map_and_the_oldest_goes() -> None:
    sheet = a_sheet(1)
    found = Results()
    for which in (*range(MOST_SHEETS + 1), 1):
        target = replace(sheet.found, target=MapRef("encoder", which))
        found = found.with_cases(replace(sheet, found=target))
    assert list(found.cases) == [*range(2, MOST_SHEETS + 1), 1]
