from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_latentattr.widgets.canvas import Canvas
from napari_latentattr.widgets.side_by_side import cell_order

from .sessions import CHANNELS, add, encode, make_session, picture


@pytest.fixture
def session():
    return make_session()


@pytest.fixture
def canvas(viewer_model, session):
    made = Canvas(viewer_model, session)
    encode(session)
    yield made
    made.close()


def cells(viewer) -> list[list[str]]:
    """Names of what is visible in each cell, from the top of the list to the bottom."""
    grid, layers = viewer.canvas.grid, viewer.layers
    found = [
        [layers[i].name for i in at if layers[i].visible] for _, at in grid.iter_viewboxes(layers)
    ]
    return [cell for cell in found if cell]


def test_each_image_has_a_cell_with_its_picture_the_strongest_first(viewer_model, session, canvas):
    shown = picture(session)
    shown.volume[1] *= 3
    shown.volume[2] *= 2
    viewer_model.add_image(np.zeros((4, 4, 4)), name="mine", visible=False)
    add(session, shown)
    canvas.toggle_side_by_side()
    assert cells(viewer_model) == [
        [name, f"LA · map 0 · {name} · where"] for name in ("T2", "PD", "T1")
    ]
    limits = {
        tuple(layer.contrast_limits) for layer in viewer_model.layers if " · where" in layer.name
    }
    m = float(np.abs(shown.volume).max())
    assert limits == {(-m, m)}


def test_leaving_brings_the_single_view_back(viewer_model, session, canvas):
    add(session, picture(session))
    before = [(layer.name, layer.visible) for layer in viewer_model.layers]
    stride = viewer_model.canvas.grid.stride
    canvas.toggle_side_by_side()
    assert canvas.is_side_by_side
    canvas.toggle_side_by_side()
    assert [(layer.name, layer.visible) for layer in viewer_model.layers] == before
    assert (viewer_model.canvas.grid.enabled, viewer_model.canvas.grid.stride) == (False, stride)
    assert not any(layer.name_overlay.visible for layer in viewer_model.layers)


def test_another_map_image_and_case_are_followed_side_by_side(viewer_model, session, canvas):
    add(session, picture(session), picture(session, which=1), picture(session, case=1))
    canvas.toggle_side_by_side()
    n = len(viewer_model.layers)
    session.select(map=1, channel=2)
    assert len(viewer_model.layers) == n
    assert {cell[1] for cell in cells(viewer_model)} == {
        f"LA · map 1 · {name} · where" for name in CHANNELS
    }
    session.select(map=5)
    assert sorted(cells(viewer_model)) == [["PD"], ["T1"], ["T2"]]
    session.select(map=0, case=1)
    encode(session)
    assert [len(cell) for cell in cells(viewer_model)] == [2, 2, 2]


def test_each_cell_has_its_own_left_and_right(viewer_model, session, canvas):
    canvas.toggle_side_by_side()
    overlays = viewer_model.canvas.overlays
    assert [overlays[f"la_{edge}"].gridded for edge in ("left", "right")] == [True, True]
    assert not overlays["la_top"].visible
    canvas.toggle_side_by_side()
    assert not overlays["la_left"].gridded
    assert overlays["la_top"].visible


def test_of_more_than_eight_images_the_six_strongest_are_shown(session):
    shown = picture(session)
    names = tuple("abcdefghi")
    strength = np.array([1, 9, 2, 8, 3, 7, 4, 6, 5], dtype=np.float32)
    volume = np.ones((9, 2, 2, 2), np.float32) * strength[:, None, None, None]
    assert cell_order(names, replace(shown, volume=volume)) == [*"bdfhig"]
    assert sorted(cell_order(names[:8], replace(shown, volume=volume[:8]))) == [*names[:8]]
    assert cell_order(names, None) == [*"abcdef"]
