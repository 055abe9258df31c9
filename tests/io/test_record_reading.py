"""Result -> record -> JSON text -> result: nothing is lost, and nothing false is believed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_latentattr.core.dependence import ChannelDependence, JointSwap
from napari_latentattr.core.errors import InputError
from napari_latentattr.core.ranking_words import gate_sentence, top_map_sentence
from napari_latentattr.core.types import Evidence, Gate, MapRef, Provenance, Ranking
from napari_latentattr.io.atomic import write_json
from napari_latentattr.io.entry import parse
from napari_latentattr.io.record_reading import dependence_from, ranking_from
from napari_latentattr.io.records import dependence_record, ranking_record
from napari_latentattr.io.standard_json import json_text

NAN = math.nan
PROVENANCE = Provenance(
    "measure", {"tau": 0.03, "maps": "4,9", "quick": False, "none": None}, 2**40, "ab", "", {}, 0.1
)
# Answer, ratios and verdicts of three images T1, T2, PD; one row for every kind of answer.
D, N, U, X = "drives", "negligible", "undecided", "no dependence found"
ANSWERS = {
    "driven": ("T1", (0.6, 0.01, 0.0), (D, N, X)),
    "driven by two": ("T1, PD", (0.6, 0.01, 0.3), (D, U, D)),
    "driven alone": ("T1", (1.0, 0.0, 0.0), (D, X, X)),
    "tie": ("tie: T1 | T2", (0.3, 0.3, 0.01), (D, D, N)),
    "tie and another": ("tie: T1 | T2, PD", (0.3, 0.3, 0.2), (D, D, D)),
    "mixed": ("mixed", (0.3, 0.31, 0.32), (D, D, D)),
    "undecided": ("undecided", (0.1, 0.05, 0.01), (U, U, N)),
    "nothing": ("nothing", (0.01, 0.02, 0.0), (N, N, X)),
    "constant": ("nothing", (NAN, NAN, NAN), (X, X, X)),
}


def dependence(*kinds: str, **changes: Any) -> ChannelDependence:
    answers, ratios, verdicts = zip(*(ANSWERS[kind] for kind in kinds or ANSWERS), strict=True)
    ratio = np.array(ratios)
    k = len(ratio)
    ties = tuple(("T1", "T2") if answer.startswith("tie") else () for answer in answers)
    result = ChannelDependence(
        maps=tuple(MapRef("net.encoder:0", 3 * i + 1) for i in reversed(range(k))),
        channels=("T1", "T2", "PD"),
        ratio=ratio,
        low=ratio * 0.7,
        high=ratio / 0.7,
        p=np.minimum(1, ratio / 3),
        q=np.minimum(1, ratio / 7),
        counting=np.full(ratio.shape, 23.0),
        verdict=np.array(verdicts),
        answer=np.array(answers),
        interaction=ratio.sum(axis=1) - 1,
        same_lead=np.arange(k),
        varying=k,
        joint=(
            JointSwap(("T1", "T2"), 1 / 3, ratio.max(axis=1), ratio[:, 0], ratio[:, 1] + 1, ties),
        ),
        likeness=np.full((3, 3), 1 / 3),
        tau=0.1 + 0.2,
        n=23,
        donors=4,
        unit_name="patients",
        n_cases=46,
        region="",
        approximate="",
        family="9 maps x 3 images, Benjamini-Hochberg",
        provenance=PROVENANCE,
    )
    return replace(result, **changes)


def ranking(**changes: Any) -> Ranking:
    importance = np.array([0.02, 1 / 3, 0.1])
    q, verdict = np.array([0.02, 0.5, 1e-300]), ("supported", "not supported", "supported")
    evidence = tuple(
        Evidence(float(v), float(v) - 0.01, NAN, 0.01, float(one), 8, "shadows", "3 maps", claim)
        for v, one, claim in zip(importance, q, verdict, strict=True)
    )
    result = Ranking(
        maps=(MapRef("encoder", 7), MapRef("encoder", 0), MapRef("encoder", 3)),
        importance=importance,
        impurity=importance / 7,
        shadow=importance * 2,
        q=q,
        verdict=np.array(verdict),
        cluster=np.array([0, 1, 0]),
        gate=Gate(0.9, (0.4, 0.1 + 0.2, 0.5), 0.25, True),
        evidence=evidence,
        outcome="Läsion",
        folds="patients",
        provenance=PROVENANCE,
    )
    return replace(result, **changes)


def there_and_back(result: Any) -> Any:
    if isinstance(result, Ranking):
        return ranking_from(json.loads(json_text(ranking_record(result))))
    return dependence_from(json.loads(json_text(dependence_record(result, result.maps))))


def assert_same(one: Any, other: Any, where: str = "") -> None:
    """Equal to the last bit and in kind, NaN included."""
    if isinstance(one, np.ndarray):
        assert one.dtype.kind == other.dtype.kind, where
        np.testing.assert_array_equal(one, other, err_msg=where)
    elif is_dataclass(one):
        assert type(one) is type(other), where
        for field in fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name), field.name)
    elif isinstance(one, tuple):
        assert len(one) == len(other), where
        for a, b in zip(one, other, strict=True):
            assert_same(a, b, where)
    elif isinstance(one, float) and math.isnan(one):
        assert math.isnan(other), where
    else:
        assert type(one) is type(other), where
        assert one == other, where


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"region": "lesion"},
        {"approximate": "one case, stand-ins from itself"},
        {"unit_name": "slices of one person"},
    ],
    ids=lambda changes: ", ".join(changes) or "plain",
)
@pytest.mark.parametrize("kind", ANSWERS)
def test_every_kind_of_answer_comes_back_with_its_sentence(kind, changes):
    result = dependence(kind, **changes)
    again = there_and_back(result)
    assert_same(result, again)
    assert [again.sentence(ref) for ref in again.maps] == [result.sentence(r) for r in result.maps]


def test_all_maps_come_back_in_the_order_in_which_they_were_measured():
    result = dependence()
    assert there_and_back(result).maps == result.maps
    assert there_and_back(ranking()).maps == ranking().maps


def test_a_result_without_near_copies_comes_back():
    assert_same(dependence("driven", joint=()), there_and_back(dependence("driven", joint=())))


def test_results_below_six_units_come_back_without_intervals():
    none = np.full((1, 3), NAN)
    result = dependence("undecided", low=none, high=none, p=none, q=none)
    assert_same(result, there_and_back(result))


def test_a_ranking_comes_back_with_its_sentences():
    again = there_and_back(ranking())
    assert_same(ranking(), again)
    assert top_map_sentence(again) == top_map_sentence(ranking())
    assert gate_sentence(again) == gate_sentence(ranking())
    np.testing.assert_array_equal(again.order, ranking().order)


def test_a_ranking_whose_gate_did_not_pass_comes_back():
    low = ranking(gate=Gate(0.5, (0.6,), 1.0, False))
    assert_same(low, there_and_back(low))


numbers = st.one_of(st.just(NAN), st.floats(allow_nan=False, allow_infinity=False))


@settings(max_examples=60, deadline=None)
@given(st.lists(numbers, min_size=15, max_size=15), st.text(max_size=20))
def test_any_numbers_and_words_come_back(values, words):
    ratio, low, high, p, q = np.array(values).reshape(5, 1, 3)
    words = words.encode("utf-8", "ignore").decode()
    result = dependence("undecided", ratio=ratio, low=low, high=high, p=p, q=q, family=words)
    assert_same(result, there_and_back(result))
    ranked = ranking(importance=ratio[0], impurity=low[0], shadow=high[0], outcome=words)
    evidence = zip(ranked.evidence, ratio[0].tolist(), strict=True)
    ranked = replace(ranked, evidence=tuple(replace(e, estimate=v) for e, v in evidence))
    assert_same(ranked, there_and_back(ranked))


def test_files_of_the_command_line_are_read(tmp_path):
    write_json(tmp_path / "channels.json", dependence_record(dependence(), []))
    read = parse((tmp_path / "channels.json").read_text("utf-8"), "channels.json").values
    assert_same(dependence(), dependence_from(read))


def test_the_text_is_json_as_the_standard_has_it():
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    json.loads(json_text(dependence_record(dependence("constant"), [])), parse_constant=refuse)


RECORDS: list[tuple[Callable[[dict[str, Any]], Any], Callable[[], dict[str, Any]]]] = [
    (dependence_from, lambda: json.loads(json_text(dependence_record(dependence(), [])))),
    (ranking_from, lambda: json.loads(json_text(ranking_record(ranking())))),
]


@pytest.mark.parametrize(("read", "record"), RECORDS)
def test_a_record_without_any_one_key_is_refused(read, record):
    for path in _needed(record()):
        damaged = record()
        _parent(damaged, path).pop(path[-1])
        with pytest.raises(InputError, match=f"lacks {path[-1]};"):
            read(damaged)


@pytest.mark.parametrize(("read", "record"), RECORDS)
def test_a_value_of_another_kind_is_refused_in_one_sentence(read, record):
    for path in _needed(record()):
        damaged = record()
        _parent(damaged, path)[path[-1]] = (
            7 if path[-1] in ("versions", "params") else {"x": [True]}
        )
        with pytest.raises(InputError, match=r"\A[^\n]{20,300}\Z"):
            read(damaged)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "ranking"}, "expected a record of kind channel dependence, got 'ranking'"),
        ({"version": 2}, "of version 2, this program reads 1"),
        ({"version": True}, "version must be a whole number, got True"),
        ({"maps": []}, "names no maps"),
        ({"tau": 10**400}, "tau must be a finite number or null"),
        ({"n": 2.5}, "n must be a whole number"),
        ({"n": 2**70}, "n must be a whole number"),
        ({"joint": []}, "answers 'tie: T1 | T2' for map"),
    ],
)
def test_a_dependence_that_does_not_hold_together_is_refused(change, message):
    record = json.loads(json_text(dependence_record(dependence(), [])))
    with pytest.raises(InputError, match=message.replace("|", r"\|")):
        dependence_from(record | change)


@pytest.mark.parametrize("answer", ["FLAIR", "tie: T1 | FLAIR", "", "T1, T1x", "tie"])
def test_an_answer_that_names_no_image_of_the_record_is_refused(answer):
    record = dependence_record(dependence("driven"), [])
    record["maps"][0]["answer"] = answer
    with pytest.raises(InputError, match="do not bear out"):
        dependence_from(record)


def test_a_joint_swap_of_other_maps_or_images_is_refused():
    record = dependence_record(dependence("tie"), [])
    swap = record["joint"][0]
    with pytest.raises(InputError, match="images that the record does not have"):
        dependence_from(record | {"joint": [swap | {"channels": ["T1", "FLAIR"]}]})
    with pytest.raises(InputError, match="names other maps"):
        dependence_from(record | {"joint": [swap | {"maps": []}]})


def test_maps_with_other_images_are_refused():
    record = dependence_record(dependence("driven", "nothing"), [])
    record["maps"][1]["channels"].pop()
    with pytest.raises(InputError, match="do not all name the same images"):
        dependence_from(record)


def test_a_ranking_that_lists_a_map_twice_or_none_is_refused():
    record = ranking_record(ranking())
    for measured in (["encoder:7"], ["encoder:7", "encoder:0", "encoder:0"]):
        with pytest.raises(InputError, match="lists other maps"):
            ranking_from(record | {"measured": measured})
    with pytest.raises(InputError, match="no permutations"):
        ranking_from(record | {"gate": record["gate"] | {"null": []}})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cut or no JSON"),
        ('{"kind": "ranking", ', "cut or no JSON"),
        ("[1]", "must hold keys and values, got a list of 1 values"),
        ("null", "must hold keys and values, got nothing"),
        ('{"a": NaN}', "NaN is no number of JSON"),
        ('{"a": -Infinity}', "-Infinity is no number of JSON"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ('{"n": ' + "9" * 5000 + "}", "cut or no JSON"),
    ],
    ids=range(9),
)
def test_text_that_is_no_record_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        parse(text, "ranking.json")


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10_000), st.binary(max_size=3))
def test_a_damaged_file_is_refused_or_still_holds_together(at, noise):
    text = json_text(dependence_record(dependence("driven", "tie"), []))
    raw = text.encode()
    damaged = raw[: at % len(raw)] + noise + raw[at % len(raw) + len(noise) :]
    said = ""
    try:
        again = dependence_from(parse(damaged.decode(errors="replace"), "channels.json").values)
        assert all(again.sentence(ref) for ref in again.maps)
    except InputError as error:
        said = str(error)
    assert "\n" not in said


def _needed(record: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Where every key lies that a result is made of."""
    told = {"asked", "sentence", "cases_to_settle", "null_maximum", "rank"}
    inside = [path for path in _paths(record) if "params" not in path[:-1]]
    found = [path for path in inside if path[-1] not in told]
    assert len(found) > 40
    return found


def _paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where every key of a record lies."""
    if isinstance(value, dict):
        return [p for k, v in value.items() for p in ((*at, k), *_paths(v, (*at, k)))]
    if isinstance(value, list):
        return [p for i, v in enumerate(value) for p in _paths(v, (*at, i))]
    return []


def _parent(record: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        record = record[key]
    return record
