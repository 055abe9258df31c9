"""Side by side in a window: one layer a turn of the event loop, a clean end whatever happens."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from napari_latentattr.widgets.canvas import Canvas

from .sessions import CHANNELS, add, encode, make_session, picture, settle


@pytest.fixture
def viewer(shared_viewer):
    return shared_viewer


@pytest.fixture
def canvas(viewer):
    session = make_session()
    made = Canvas(viewer, session)
    encode(session)
    settle(made)
    add(session, picture(session), picture(session, which=1))
    settle(made)
    yield made
    made.close()


def names(viewer) -> list[str]:
    return [layer.name for layer in viewer.layers]


def cells(viewer) -> list[list[str]]:
    grid, layers = viewer.canvas.grid, viewer.layers
    found = [
        [layers[i].name for i in at if layers[i].visible] for _, at in grid.iter_viewboxes(layers)
    ]
    return sorted(cell for cell in found if cell)


def pairs(which: int) -> list[list[str]]:
    return sorted([name, f"LA · map {which} · {name} · where"] for name in CHANNELS)


def beside(viewer) -> list[str]:
    found = [one.metadata.get("napari-latentattr", {}) for one in viewer.layers]
    return [mine["key"][2] for mine in found if mine.get("beside")]


def turn(canvas, until) -> None:
    """Let the window live until something holds while it is still busy."""
    while not until():
        assert canvas.busy
        QApplication.processEvents()


def is_single(viewer, before) -> bool:
    return names(viewer) == before and not viewer.canvas.grid.enabled and not beside(viewer)


def test_the_caption_leaves_before_a_cell_with_a_name_comes(viewer, canvas):
    text = viewer.canvas.overlays.text
    assert text.position == "top_left"
    canvas.toggle_side_by_side()
    turn(canvas, lambda: viewer.canvas.grid.enabled)
    assert text.position == "bottom_left"
    settle(canvas)
    canvas.toggle_side_by_side()
    settle(canvas)
    assert text.position == "top_left"


def test_no_turn_makes_removes_or_reveals_more_than_one_layer(viewer, canvas):
    before, seen = names(viewer), []
    for toggle in range(2):
        canvas.toggle_side_by_side()
        while canvas.busy:
            shown = sum(one.visible for one in viewer.layers)
            seen.append((toggle, len(viewer.layers), shown if viewer.canvas.grid.enabled else 0))
            QApplication.processEvents()
        if toggle == 0:
            assert cells(viewer) == pairs(0)
    assert is_single(viewer, before)
    for toggle in range(2):
        steps = np.array([(n, shown) for at, n, shown in seen if at == toggle])
        made, shown = np.abs(np.diff(steps, axis=0)).T
        assert made.max() == 1
        assert shown[steps[1:, 1] * steps[:-1, 1] > 0].max() <= 2  # an image and what lies over it


@pytest.mark.parametrize("after", [1, 2, 3, 4, 6])
def test_turning_back_half_way_leaves_nothing(viewer, canvas, after):
    before = names(viewer)
    visible = [one.visible for one in viewer.layers]
    canvas.toggle_side_by_side()
    for _ in range(after):
        QApplication.processEvents()
    canvas.toggle_side_by_side()
    settle(canvas)
    assert is_single(viewer, before)
    assert [one.visible for one in viewer.layers] == visible


def test_coming_back_half_way_lays_all_of_them_again(viewer, canvas):
    canvas.toggle_side_by_side()
    settle(canvas)
    canvas.toggle_side_by_side()
    turn(canvas, lambda: len(beside(viewer)) == 1)
    canvas.toggle_side_by_side()
    settle(canvas)
    assert cells(viewer) == pairs(0)


def test_another_map_half_way_is_the_one_that_is_shown(viewer, canvas):
    canvas.toggle_side_by_side()
    turn(canvas, lambda: len(beside(viewer)) == 2)
    canvas.session.select(map=1)
    settle(canvas)
    assert cells(viewer) == pairs(1)
    for name in CHANNELS:
        layer = viewer.layers[f"LA · map 1 · {name} · where"]
        shown = canvas.session.picture("where")
        np.testing.assert_array_equal(layer.data, shown.volume[CHANNELS.index(name)])


def test_another_case_half_way_shows_nothing_of_the_first(viewer, canvas):
    canvas.toggle_side_by_side()
    turn(canvas, lambda: len(beside(viewer)) == 2)
    canvas.session.select(case=1)
    assert not any(one.visible for one in viewer.layers)
    settle(canvas)
    assert not any(one.visible for one in viewer.layers)
    encode(canvas.session)
    settle(canvas)
    assert cells(viewer) == [["PD"], ["T1"], ["T2"]]
    case = canvas.session.volumes.cases[1]
    keys = [one.metadata["napari-latentattr"]["key"] for one in viewer.layers if one.visible]
    assert {key[3] for key in keys} == {case}
    canvas.toggle_side_by_side()
    settle(canvas)
    assert not beside(viewer)


@pytest.mark.parametrize("going", ["in", "out"])
def test_closing_half_way_leaves_no_cell(viewer, canvas, going):
    before = names(viewer)
    canvas.toggle_side_by_side()
    if going == "out":
        settle(canvas)
        canvas.toggle_side_by_side()
    turn(canvas, lambda: len(beside(viewer)) == 2)
    canvas.close()
    assert is_single(viewer, before)
    assert not any(one.name_overlay.visible for one in viewer.layers)


def test_the_letters_come_back_from_3d_side_by_side(viewer, canvas):
    viewer.dims.ndisplay = 3
    canvas.toggle_side_by_side()
    settle(canvas)
    viewer.dims.ndisplay = 2
    settle(canvas)
    overlays = viewer.canvas.overlays
    assert overlays["la_left"].visible
    assert overlays["la_left"].gridded
    assert not overlays["la_top"].visible
