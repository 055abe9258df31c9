"""Sheets of cases come back to the last bit, or are refused."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from tests.io.test_record_reading import assert_same
from tests.toy import linear_model, people

from napari_latentattr import find_cases
from napari_latentattr.core.case_sheet import CaseSheet
from napari_latentattr.core.errors import InputError
from napari_latentattr.io.case_sheet_record import (
    case_sheet_from,
    case_sheet_planes,
    case_sheet_record,
)
from napari_latentattr.io.retrieval_records import retrieval_from, retrieval_record
from napari_latentattr.io.standard_json import json_text
from napari_latentattr.retrieval.sheet import picture_cases


@cache
def a_sheet(which: int = 1, top: int = 3) -> CaseSheet:
    cohort = people()
    return picture_cases(find_cases(linear_model(), cohort, which, top=top), cohort)


def assert_same_sheet(one: CaseSheet, other: CaseSheet) -> None:
    assert_same(one.found, other.found)
    assert one.channels == other.channels
    for name, views in one.views.items():
        assert_same(views, other.views[name])


def test_a_sheet_comes_back_to_the_last_bit() -> None:
    made = a_sheet()
    record = json.loads(json_text(case_sheet_record(made)))
    assert_same_sheet(case_sheet_from(record, case_sheet_planes(made)), made)


def test_an_order_by_relevance_comes_back_with_its_gate() -> None:
    cohort = people()
    found = find_cases(linear_model(), cohort, 0, by="relevance", outcome=[0, 1] * 3, top=2)
    record = json.loads(json_text(retrieval_record(found, {})))
    assert_same(retrieval_from(record), replace(found, statistics=None))


def damaged(change: str) -> dict[str, Any]:
    record = json.loads(json_text(case_sheet_record(a_sheet())))
    lists, views = record["retrieval"]["lists"], record["views"]
    if change == "no cases":
        lists["top"] = []
    elif change == "half a pair":
        lists["contrast"] = lists["contrast"][:1]
    elif change == "a box of one axis":
        lists["top"][0]["box"] = [[0, 1]]
    elif change == "an order":
        record["retrieval"]["by"] = "beauty"
    elif change == "a picture less":
        views["random"] = views["random"][:-1]
    elif change == "an outline of one edge":
        views["top"][0]["box"] = [[0.0, 1.0]]
    return record


@pytest.mark.parametrize(
    "change",
    [
        "no cases",
        "half a pair",
        "a box of one axis",
        "an order",
        "a picture less",
        "an outline of one edge",
    ],
)
def test_a_damaged_record_is_refused(change: str) -> None:
    with pytest.raises(InputError, match=r"damaged"):
        case_sheet_from(damaged(change), case_sheet_planes(a_sheet()))


@pytest.mark.parametrize("planes", [None, np.zeros((3, 4, 4)), np.zeros((2, 4, 4), np.uint8)])
def test_a_missing_or_strange_picture_is_refused(planes: np.ndarray | None) -> None:
    pictures = {**case_sheet_planes(a_sheet()), "top_0": planes}
    record = json.loads(json_text(case_sheet_record(a_sheet())))
    with pytest.raises(InputError, match="lacks a picture"):
        case_sheet_from(record, pictures)
