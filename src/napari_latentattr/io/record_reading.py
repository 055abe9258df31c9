"""Results out of their JSON records, the way back of `records`; numbers come back to the last bit.

A record is believed only as far as it can be checked: kinds of values, lengths, names and whether
its answers can be said in words. Refuses to know where records lie.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from napari_latentattr.core.dependence import ChannelDependence, JointSwap
from napari_latentattr.core.errors import InputError
from napari_latentattr.core.types import (
    ClaimVerdict,
    Evidence,
    Float64,
    Gate,
    MapRef,
    Provenance,
    Ranking,
)
from napari_latentattr.core.verdict_words import DRIVES, NEGLIGIBLE, NO_DEPENDENCE, UNDECIDED
from napari_latentattr.io.entry import Entry
from napari_latentattr.io.records import VERSION

_VERDICTS = (DRIVES, NEGLIGIBLE, UNDECIDED, NO_DEPENDENCE)
_CLAIMS: dict[str, ClaimVerdict] = {"supported": "supported", "not supported": "not supported"}


def dependence_from(record: Mapping[str, Any]) -> ChannelDependence:
    """Rebuild which images drive which maps from the content of ``channels.json``.

    Parameters
    ----------
    record : mapping
        As `dependence_record` makes it, or as JSON gives it back.

    Raises
    ------
    InputError
        When a key is missing, a value is of another kind, or answers and numbers do not fit.
    """
    top = opened(record, "channel dependence")
    maps = _filled(top, "maps")
    channels = _channels(maps)
    table = [entry.entries("channels") for entry in maps]

    def numbers(key: str) -> Float64:
        return np.array([[cell.number(key) for cell in row] for row in table])

    refs = tuple(map_from(entry) for entry in maps)
    result = ChannelDependence(
        maps=refs,
        channels=channels,
        ratio=numbers("ratio"),
        low=numbers("low"),
        high=numbers("high"),
        p=numbers("p"),
        q=numbers("q"),
        counting=numbers("cases_that_count"),
        verdict=np.array([[_one_of(cell, "verdict", _VERDICTS) for cell in row] for row in table]),
        answer=np.array([entry.text("answer") for entry in maps]),
        interaction=np.array([entry.number("interaction") for entry in maps]),
        same_lead=np.array([entry.whole("same_lead") for entry in maps], dtype=np.int64),
        varying=top.whole("varying_maps"),
        joint=tuple(_joint(entry, refs, channels) for entry in top.entries("joint")),
        likeness=_likeness(top, len(channels)),
        tau=top.number("tau"),
        n=top.whole("n"),
        donors=top.whole("donors"),
        unit_name=top.text("unit_name"),
        n_cases=top.whole("n_cases"),
        region=top.text("region"),
        approximate=top.text("approximate"),
        family=top.text("family"),
        provenance=provenance_from(top.entry("provenance")),
    )
    _check_words(result)
    return result


def ranking_from(record: Mapping[str, Any]) -> Ranking:
    """Rebuild which maps carry an outcome from the content of ``ranking.json``.

    Parameters
    ----------
    record : mapping
        As `ranking_record` makes it, or as JSON gives it back.

    Raises
    ------
    InputError
        When a key is missing or a value is of another kind.
    """
    top = opened(record, "ranking")
    maps = _in_order(_filled(top, "maps"), top.texts("measured"))

    def numbers(key: str) -> Float64:
        return np.array([entry.number(key) for entry in maps])

    return Ranking(
        maps=tuple(map_from(entry) for entry in maps),
        importance=numbers("importance"),
        impurity=numbers("impurity"),
        shadow=numbers("shadow"),
        q=numbers("q"),
        verdict=np.array([_one_of(entry, "verdict", _CLAIMS) for entry in maps]),
        cluster=np.array([entry.whole("cluster") for entry in maps], dtype=np.int64),
        gate=gate_from(top.entry("gate")),
        evidence=tuple(_evidence(top, entry) for entry in maps),
        outcome=top.text("outcome"),
        folds=top.text("folds"),
        provenance=provenance_from(top.entry("provenance")),
    )


def provenance_from(entry: Entry) -> Provenance:
    """Rebuild everything needed to get the same numbers again."""
    versions = entry.entry("versions")
    return Provenance(
        method=entry.text("method"),
        params=dict(entry.entry("params").values),
        seed=entry.whole("seed"),
        model_sha256=entry.text("model_sha256"),
        data_sha256=entry.text("data_sha256"),
        versions={name: versions.text(name) for name in versions.values},
        seconds=entry.number("seconds"),
    )


def gate_from(entry: Entry) -> Gate:
    """Rebuild whether the maps predict an outcome at all."""
    null = entry.numbers("null")
    if not null:
        raise InputError(f"{entry.where} has no permutations; it is damaged")
    score = entry.text("score")
    return Gate(entry.number("auc"), null, entry.number("p"), entry.truth("passed"), score)


def map_from(entry: Entry) -> MapRef:
    """Map that an entry names by ``map`` and ``index``."""
    name, index = entry.text("map"), entry.whole("index")
    layer = name.removesuffix(f":{index}")
    if index < 0 or layer == name:
        raise InputError(f"{entry.where}: the map {name[:60]!r} cannot have the index {index}")
    return MapRef(layer, index)


def opened(record: Mapping[str, Any], kind: str) -> Entry:
    """Open a record of this kind.

    Raises
    ------
    InputError
        When it is of another kind or version.
    """
    top = Entry(dict(record), f"the {kind}")
    if top.text("kind") != kind:
        raise InputError(f"expected a record of kind {kind}, got {top.text('kind')[:60]!r}")
    if top.whole("version") != VERSION:
        raise InputError(
            f"the {kind} is of version {top.whole('version')}, this program reads {VERSION}; "
            "measure again or update the program"
        )
    return top


def _filled(top: Entry, key: str) -> list[Entry]:
    entries = top.entries(key)
    if not entries:
        raise InputError(f"{top.where} names no {key}; it is damaged")
    return entries


def _channels(maps: Sequence[Entry]) -> tuple[str, ...]:
    """Names of the images, which are the same for every map."""
    rows = [tuple(cell.text("channel") for cell in entry.entries("channels")) for entry in maps]
    if not rows[0] or len(set(rows)) > 1 or len(set(rows[0])) < len(rows[0]):
        raise InputError(f"{maps[0].where} do not all name the same images; the record is damaged")
    return rows[0]


def _one_of(entry: Entry, key: str, known: Sequence[str] | Mapping[str, str]) -> str:
    value = entry.text(key)
    if value not in known:
        raise InputError(f"{entry.where}: {key} must be {', '.join(known)}, got {value[:60]!r}")
    return value


def _joint(entry: Entry, refs: Sequence[MapRef], channels: Sequence[str]) -> JointSwap:
    members, maps = entry.texts("channels"), entry.entries("maps")
    ties = tuple(one.texts("tied") for one in maps)
    if [one.text("map") for one in maps] != [str(ref) for ref in refs]:
        raise InputError(f"{entry.where} names other maps than the record; it is damaged")
    if not set(members) <= set(channels) or any(not set(tie) <= set(members) for tie in ties):
        raise InputError(f"{entry.where} names images that the record does not have")

    def numbers(key: str) -> Float64:
        return np.array([one.number(key) for one in maps])

    likeness = entry.number("likeness")
    return JointSwap(members, likeness, numbers("ratio"), numbers("low"), numbers("high"), ties)


def _likeness(top: Entry, n: int) -> Float64:
    rows = top.rows("likeness")
    if [len(row) for row in rows] != [n] * n:
        raise InputError(f"{top.where}: likeness must be {n} x {n} numbers; the file is damaged")
    return np.array(rows)


def _check_words(result: ChannelDependence) -> None:
    """Refuse answers that no sentence can be made of."""
    for ref in result.maps:
        try:
            result.sentence(ref)
        except (LookupError, ValueError, StopIteration) as error:
            answer = str(result.answer[result.row(ref)])[:60]
            raise InputError(
                f"the channel dependence answers {answer!r} for map {ref}, which its numbers and "
                "images do not bear out; the record is damaged"
            ) from error


def _in_order(entries: Sequence[Entry], measured: Sequence[str]) -> list[Entry]:
    """Entries, listed by rank, in the order in which the maps were measured."""
    named = {entry.text("map"): entry for entry in entries}
    if sorted(named) != sorted(measured) or len(named) < len(entries):
        raise InputError("the ranking lists other maps than it measured; it is damaged")
    return [named[name] for name in measured]


def _evidence(top: Entry, entry: Entry) -> Evidence:
    number: Callable[[str], float] = entry.number
    return Evidence(
        estimate=number("importance"),
        low=number("low"),
        high=number("high"),
        p=number("p"),
        q=number("q"),
        n=entry.whole("n"),
        null=top.text("null"),
        family=top.text("family"),
        verdict=_CLAIMS[_one_of(entry, "verdict", _CLAIMS)],
    )
