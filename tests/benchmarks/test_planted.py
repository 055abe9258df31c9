from __future__ import annotations

import json

import pytest

from napari_latentattr.benchmarks import planted
from napari_latentattr.benchmarks.planted import find_planted


def test_planted_channels_are_found_and_nothing_outside_the_plan() -> None:
    found = find_planted(worlds=1, n_cases=12, reference=80)
    assert found.outside + found.inside + found.weak == 64
    assert found.outside > 40
    assert found.outside_unseen == found.outside
    assert found.inside >= 8
    assert found.inside_driving >= 0.9 * found.inside
    assert found.weak_unseen == 0
    assert json.loads(json.dumps(found.record()))["outside"] == found.outside


def test_a_tool_that_calls_the_wrong_pairs_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = planted.channel_dependence

    class Rolled:
        def __init__(self, *args: object, **keywords: object) -> None:
            result = honest(*args, **keywords)  # type: ignore[arg-type]
            self.verdict = result.verdict[:, ::-1]

    monkeypatch.setattr(planted, "channel_dependence", Rolled)
    found = find_planted(worlds=1, n_cases=8, reference=40)
    assert found.outside_unseen < found.outside
    assert found.inside_driving < found.inside
    assert len(found.misses) >= found.outside - found.outside_unseen
    assert all(miss.planted or miss.verdict != "no dependence found" for miss in found.misses)
