from __future__ import annotations

from napari_latentattr.core.skip_words import skip_flag, skip_note, skip_suffix


def test_a_model_with_ways_around_its_maps_is_flagged_with_their_names():
    params = {"pairs": 1, **skip_flag(("encoder.0", "input"))}
    assert params == {"pairs": 1, "skips": "encoder.0, input"}
    assert skip_suffix(params) == " (skip connection)"
    assert "(encoder.0, input)" in skip_note(params)


def test_a_clean_bottleneck_is_not_mentioned():
    params = {"pairs": 1, **skip_flag(())}
    assert params == {"pairs": 1}
    assert skip_suffix(params) == skip_note(params) == ""
