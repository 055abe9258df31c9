"""Few false voxels for the methods that promise it; wrong pictures are caught."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_latentattr.benchmarks import planted_decoders
from napari_latentattr.benchmarks.planted_decoders import (
    INTERACTIONS,
    METHODS,
    false_voxels,
    find_drawn,
    make_drawing_world,
    share,
)


def test_share_counts_the_outside_that_is_as_bright_as_nine_tenths_of_the_inside() -> None:
    inside = np.arange(20) < 10
    image = np.concatenate([np.arange(1, 11), [-9, 1.5, 1.95, 0, 0, 0, 0, 0, 0, 0]])
    # nine tenths of 1 ... 10 lie from 1.9 on
    assert share(image.astype(np.float32), inside, ~inside) == pytest.approx(2 / 10)


def test_main_effect_and_shapley_keep_their_promise_and_the_control_fails() -> None:
    found = find_drawn(worlds=2, n_cases=2, cohort=20)
    assert found.keeps_promise
    for interaction in INTERACTIONS:
        assert found.rate(interaction, "solo").value > 0.4
    for method in METHODS[:3]:
        assert found.rate("none", method).value == 0
        assert found.rate("gates 1", method).value > found.rate("gates 0.5", method).value > 0
    record = json.loads(json.dumps(found.record()))
    assert (record["worlds"], record["n_cases"], record["n_maps"]) == (2, 2, 8)
    assert len(record["found"]) == len(INTERACTIONS) * len(METHODS)
    with pytest.raises(KeyError, match="magic was not measured with none"):
        found.rate("none", "magic")


def test_pictures_of_the_wrong_map_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = planted_decoders.decompose

    class Rolled:
        def __init__(self, *args: object, **keywords: object) -> None:
            self.found = honest(*args, **keywords)  # type: ignore[arg-type]

        def image(self, which: int) -> np.ndarray:
            return self.found.image(which - 1 if which else 7)

        main_effect = image

    monkeypatch.setattr(planted_decoders, "decompose", Rolled)
    wrong = false_voxels(make_drawing_world(10, seed=0), INTERACTIONS["none"], n_cases=1)
    assert (wrong > 0.3).all()
