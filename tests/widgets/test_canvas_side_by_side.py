from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_latentattr.core.colours import picture_limits
from napari_latentattr.widgets.canvas import Canvas
from napari_latentattr.widgets.cell_order import cell_order

from .sessions import CHANNELS, SHAPE, SPACING, add, encode, make_session, picture

MANY = tuple("abcdefghi")


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


def pairs(*names: str, which: int = 0) -> list[list[str]]:
    return [[name, f"LA · map {which} · {name} · where"] for name in names]


def test_each_image_has_a_cell_with_its_picture_the_strongest_first(viewer_model, session, canvas):
    shown = picture(session)
    shown.volume[1] *= 3
    shown.volume[2] *= 2
    viewer_model.add_image(np.zeros((4, 4, 4)), name="mine", visible=False)
    add(session, shown)
    canvas.toggle_side_by_side()
    assert cells(viewer_model) == pairs("T2", "PD", "T1")
    limits = {
        tuple(layer.contrast_limits) for layer in viewer_model.layers if " · where" in layer.name
    }
    assert limits == {picture_limits(shown.volume)}


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


def test_a_grid_of_the_user_comes_back(viewer_model, session, canvas):
    grid = viewer_model.canvas.grid
    grid.enabled, grid.stride, grid.shape = True, 3, (2, -1)
    canvas.toggle_side_by_side()
    canvas.toggle_side_by_side()
    assert (grid.enabled, grid.stride, grid.shape) == (True, 3, (2, -1))


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 1, 3), (0, 3, 1, 2)])
@pytest.mark.parametrize("ndisplay", [2, 3])
def test_leaving_brings_slices_and_camera_back(viewer_model, session, canvas, order, ndisplay):
    dims, camera = viewer_model.dims, viewer_model.scene.camera
    dims.order = order
    dims.set_point(range(4), (0, 9.0, 6.0, 4.0))
    dims.ndisplay = ndisplay
    camera.center, camera.zoom, camera.angles = (0, 7.5, 11), 3.7, (10, 20, 30)
    before = (dims.order, dims.point, camera.center, camera.zoom, camera.angles)
    canvas.toggle_side_by_side()
    assert camera.zoom != 3.7
    canvas.toggle_side_by_side()
    assert (dims.order, dims.point, camera.center, camera.zoom, camera.angles) == before


def test_another_map_image_and_case_are_followed_side_by_side(viewer_model, session, canvas):
    add(session, picture(session), picture(session, which=1), picture(session, case=1))
    canvas.toggle_side_by_side()
    n = len(viewer_model.layers)
    session.select(map=1, channel=2)
    assert len(viewer_model.layers) == n
    assert sorted(cells(viewer_model)) == sorted(pairs(*CHANNELS, which=1))
    session.select(map=5)
    assert sorted(cells(viewer_model)) == [["PD"], ["T1"], ["T2"]]
    session.select(map=0, case=1)
    encode(session)
    assert [len(cell) for cell in cells(viewer_model)] == [2, 2, 2]


def test_another_map_does_not_move_the_camera(viewer_model, session, canvas):
    add(session, picture(session), picture(session, which=1))
    canvas.toggle_side_by_side()
    camera = viewer_model.scene.camera
    camera.center, camera.zoom = (0, 7.5, 11), 3.7
    session.select(map=1)
    assert (camera.center, camera.zoom) == ((0, 7.5, 11), 3.7)


def test_layers_of_the_user_take_no_cell_and_come_back_as_they_were(viewer_model, session, canvas):
    add(session, picture(session))
    kept = canvas.keep()
    kept.visible = True
    seen = viewer_model.add_image(np.zeros(SHAPE), name="seen", scale=SPACING)
    viewer_model.add_image(np.zeros(SHAPE), name="hidden", visible=False)
    viewer_model.add_labels(np.zeros(SHAPE, int), name="painted")
    before = [(layer, layer.visible) for layer in viewer_model.layers]
    canvas.toggle_side_by_side()
    assert sorted(cells(viewer_model)) == sorted(pairs(*CHANNELS))
    session.select(map=1)
    session.select(map=0)
    assert sorted(cells(viewer_model)) == sorted(pairs(*CHANNELS))
    canvas.toggle_side_by_side()
    assert [(layer, layer.visible) for layer in viewer_model.layers] == before
    assert seen.visible


def test_what_the_user_shows_side_by_side_stays_and_what_is_deleted_is_gone(
    viewer_model, session, canvas
):
    add(session, picture(session))
    gone = viewer_model.add_image(np.zeros(SHAPE), name="gone")
    hidden = viewer_model.add_image(np.zeros(SHAPE), name="hidden", visible=False)
    canvas.toggle_side_by_side()
    viewer_model.layers.remove(gone)
    hidden.visible = True
    session.select(map=1)
    assert hidden.visible
    canvas.toggle_side_by_side()
    assert hidden.visible
    assert gone not in viewer_model.layers


def test_a_layer_that_is_opened_meanwhile_does_not_part_an_image_from_its_picture(
    viewer_model, session, canvas
):
    add(session, picture(session))
    canvas.toggle_side_by_side()
    viewer_model.add_image(np.zeros(SHAPE), name="new")
    found = cells(viewer_model)
    assert sorted(found[:3]) == sorted(pairs(*CHANNELS))
    assert found[3:] == [["new"]]
    canvas.toggle_side_by_side()
    viewer_model.add_image(np.zeros(SHAPE), name="later")
    assert viewer_model.layers[-1].name == "later"


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
    strength = np.array([1, 9, 2, 8, 3, 7, 4, 6, 5], dtype=np.float32)
    volume = np.ones((9, 2, 2, 2), np.float32) * strength[:, None, None, None]
    assert cell_order(MANY, replace(shown, volume=volume)) == [*"bdfhig"]
    assert sorted(cell_order(MANY[:8], replace(shown, volume=volume[:8]))) == [*MANY[:8]]
    assert cell_order(MANY, None) == [*"abcdef"]
    assert cell_order(MANY, None, every=True) == [*MANY]


def test_the_image_that_drives_the_map_most_comes_first_and_unmeasured_ones_last(session):
    ratio = np.array([0.1, np.nan, 0.5, 0.2])
    loud = picture(session)
    volume = np.ones((4, 2, 2, 2), np.float32)
    volume[1] = 9
    assert cell_order("abcd", replace(loud, volume=volume), ratio) == [*"cdab"]
    assert cell_order("abcd", None, ratio) == [*"cdab"]
    assert cell_order("abcd", None, np.full(4, np.nan)) == [*"abcd"]


def test_all_of_nine_images_are_shown_when_they_are_asked_for(viewer_model):
    session = make_session(MANY)
    canvas = Canvas(viewer_model, session)
    encode(session)
    shown = picture(session)
    shown.volume[:3] *= 0.01
    add(session, shown)
    canvas.toggle_side_by_side()
    assert sorted(cell[0] for cell in cells(viewer_model)) == [*"defghi"]
    canvas.show_every_image(True)
    assert sorted(cell[0] for cell in cells(viewer_model)) == [*MANY]
    assert all(len(cell) == 2 for cell in cells(viewer_model))
    canvas.show_every_image(False)
    assert sorted(cell[0] for cell in cells(viewer_model)) == [*"defghi"]
    canvas.toggle_side_by_side()
    assert [layer.name for layer in viewer_model.layers if layer.name in MANY] == [*MANY]
    canvas.close()


@pytest.mark.parametrize(("entanglement", "said"), [(0.49, False), (0.51, True)])
def test_a_picture_that_depends_on_other_maps_says_so_in_its_name(
    viewer_model, session, canvas, entanglement, said
):
    numbers = {"entanglement": entanglement}
    add(session, replace(picture(session, "drawn"), numbers=numbers))
    add(session, replace(picture(session, "where"), numbers=numbers))
    canvas.show("drawn")
    names = {
        layer.metadata["napari-latentattr"]["key"]: layer.name for layer in viewer_model.layers
    }
    case, end = session.volumes.cases[0], " (entangled)" if said else ""
    assert names["drawn", 0, "T1", case] == f"LA · map 0 · drawn in T1{end}"
    assert names["where", 0, "T1", case] == "LA · map 0 · where in T1"
    canvas.toggle_side_by_side()
    assert any(one.name == f"LA · map 0 · T2 · drawn{end}" for one in viewer_model.layers)


def test_an_image_that_the_user_hid_stays_hidden_when_pictures_come(viewer_model, session, canvas):
    viewer_model.layers["T1"].visible = False
    add(session, picture(session))
    assert not viewer_model.layers["T1"].visible
