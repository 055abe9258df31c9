"""The rule of a check, the areas that it rests on, and its words."""

from __future__ import annotations

import re

import numpy as np
import pytest

from napari_latentattr.core.sanity import SURVIVES, Curve, SanityCheck
from napari_latentattr.core.types import MapRef, Provenance

SHARES = np.array([0, 0.25, 1])


def curve(lead: float = 0.5, *, spread: float = 0.1, whole: float = 2.0) -> Curve:
    """Moved straight, but `lead` of the whole move more at a quarter; 19 orders around it."""
    offsets = np.linspace(-spread, spread, 19)
    moved = whole * np.array([0, 0.25 + lead, 1])
    random = whole * np.array([[0, 0.25 + offset, 1] for offset in offsets])
    return Curve(SHARES, np.zeros(3), moved, random)


def checked(*similar: float, deletion: Curve | None = None, insertion: Curve | None = None):
    copies = np.array(similar)
    return SanityCheck(
        target=MapRef("Encoder", 3),
        case="c1",
        method="swaps",
        layers=("Encoder.2", "Encoder.0"),
        similarity=np.array([0.9, copies.mean()]),
        randomised=copies,
        deletion=deletion or curve(),
        insertion=insertion or curve(0.4),
        baseline="zero",
        provenance=Provenance("check"),
    )


def test_the_area_is_the_lead_over_random_orders_whatever_the_unit() -> None:
    for whole in (2.0, 7.0):
        found = curve(0.5, whole=whole)
        assert found.area == pytest.approx(0.5 * 0.5)  # a triangle of base 1 and height 0.5
        assert found.null.mean() == pytest.approx(0)
        assert found.null.max() == pytest.approx(0.1 * 0.5)


@pytest.mark.parametrize(("lead", "beaten"), [(0.2, 19), (0.0, 9), (0.055, 14), (-0.3, 0)])
def test_p_counts_the_orders_that_move_the_map_as_much(lead, beaten) -> None:
    assert curve(lead).p == pytest.approx((1 + 19 - beaten) / 20)


def test_a_map_that_nothing_moves_has_no_area_and_no_p() -> None:
    still = Curve(SHARES, np.zeros(3), np.zeros(3), np.zeros((19, 3)))
    assert np.isnan(still.area)
    assert np.isnan(still.p)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (checked(0.1, 0.2, 0.0, 0.3), "supported"),
        (checked(0.9, 0.9, 0.9, 0.9), "not supported"),
        (checked(*4 * [SURVIVES]), "not supported"),
        (checked(0.9, 0.9, 0.9, 0.9, deletion=curve(-0.2)), "not supported"),
        (checked(0.1, 0.1, 0.1, SURVIVES), "undecided"),
        (checked(0.1, 0.1, 0.1, 0.1, deletion=curve(0.05)), "undecided"),
        (checked(0.1, 0.1, 0.1, 0.1, insertion=curve(0.05)), "undecided"),
        (checked(*4 * [float("nan")]), "undecided"),
        (checked(0.1, 0.1, 0.1, 0.1, deletion=curve(whole=0.0)), "undecided"),
    ],
)
def test_supported_needs_all_three_tests_and_random_weights_alone_refute(found, verdict) -> None:
    assert found.verdict == verdict


def test_the_sentences_name_what_they_rest_on() -> None:
    assert checked(0.9, 0.92, 0.9, 0.92).sentence() == (
        "No answer. 4 copies of this model with random weights give nearly the same picture "
        "(similarity 0.91), so it would not be about what your model learned."
    )
    assert checked(0.1, 0.2, 0.0, 0.3).sentence() == (
        "The picture of map Encoder:3 by swaps hangs on what the model learned: 4 copies of this "
        "model with random weights give other pictures (similarity 0.15, limit 0.7), and the "
        "voxels that it marks move the map more than 19 random orders: deletion by 0.25 of the "
        "whole move (p = 0.05) and insertion by 0.20 of the whole move (p = 0.05), both needed, "
        "not corrected."
    )


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (checked(0.1, 0.1, 0.1, 0.8), "one of 4 copies .* nearly the same .similarity 0.80"),
        (checked(0.1, 0.1, 0.1, 0.1, deletion=curve(0.05)), "not shown to move .* more than 19 ra"),
        (checked(*4 * [float("nan")]), "the same everywhere, also with random weights"),
        (
            checked(0.1, 0.1, 0.1, 0.1, deletion=curve(whole=0.0), insertion=curve(whole=0.0)),
            "the map stays as it is when all voxels are exchanged for zero",
        ),
    ],
)
def test_an_undecided_check_says_why(found, words) -> None:
    assert found.sentence().startswith("Not decided whether the picture of map Encoder:3 by swaps")
    assert re.search(words, found.sentence())
