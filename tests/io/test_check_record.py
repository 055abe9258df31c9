"""A check -> record -> JSON text -> the same check, or one sentence says that it is damaged."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.core.test_sanity import SHARES, checked

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.sanity import Curve
from napari_latentattr.core.types import Provenance
from napari_latentattr.io.check_record import check_from, check_record
from napari_latentattr.io.standard_json import json_text

from .test_record_reading import assert_same

STILL = Curve(SHARES, np.zeros(3), np.zeros(3), np.zeros((19, 3)))


def again(found):
    return check_from(json.loads(json_text(check_record(found))))


@pytest.mark.parametrize("similar", [(0.1, 0.3), (0.9, 0.95), (0.1, 0.8), (np.nan, 0.2)])
def test_a_check_comes_back_with_its_verdict_and_its_sentence(similar) -> None:
    found = replace(checked(*similar), provenance=Provenance("check", {"map": 3, "x": 0.1}, 4))
    assert_same(again(found), found)
    assert again(found).verdict == found.verdict
    assert again(found).sentence() == found.sentence()
    assert again(found).deletion.p == found.deletion.p


def test_a_map_that_nothing_moves_comes_back() -> None:
    found = checked(0.1, deletion=STILL)
    assert_same(again(found), found)
    assert np.isnan(again(found).deletion.p)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda r: r | {"kind": "ranking"}, "expected a record of kind sanity check"),
        (lambda r: r | {"random": {"deletion": [0.0], "insertion": [0.0]}}, "different lengths"),
        (lambda r: r | {"deletion": r["deletion"] | {"moved": [0.0]}}, "different lengths"),
        (lambda r: r | {"randomisation": r["randomisation"] | {"copies": []}}, "names no copies"),
        (lambda r: {k: v for k, v in r.items() if k != "random"}, "lacks random"),
        (lambda r: r | {"map": "nonsense"}, "cannot have the index 3"),
    ],
)
def test_a_damaged_record_is_refused(damage, said) -> None:
    with pytest.raises(InputError, match=said):
        check_from(damage(check_record(checked(0.1))))
