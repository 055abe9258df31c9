from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils.key_bindings import KeyBinding

from napari_latentattr.cohort.cohort import Cohort
from napari_latentattr.cohort.study import Study
from napari_latentattr.core.colours import picture_limits
from napari_latentattr.core.types import Grid, ImageStack
from napari_latentattr.session import Latents, Opened, Session
from napari_latentattr.widgets.canvas import Canvas

from .sessions import (
    CHANNELS,
    N_MAPS,
    SHAPE,
    SPACING,
    SPEC,
    add,
    encode,
    make_session,
    make_session_of,
    picture,
)

ORDERS = [(0, 1, 2, 3), (0, 2, 1, 3), (0, 3, 1, 2)]  # axial, coronal, sagittal


def layer_of(viewer: ViewerModel, kind: str, image: str | None = None):
    found = [
        layer
        for layer in viewer.layers
        for mine in [layer.metadata.get("napari-latentattr", {})]
        if "key" in mine
        and mine["key"][0] == kind
        and image in (None, mine["key"][2])
        and not mine.get("kept")
        and not mine.get("beside")
    ]
    assert len(found) <= 1
    return found[0] if found else None


def map_step(viewer: ViewerModel) -> int:
    return viewer.dims.current_step[viewer.dims.axis_labels.index("map")]


@pytest.fixture
def session() -> Session:
    return make_session()


@pytest.fixture
def canvas(viewer_model, session):
    made = Canvas(viewer_model, session)
    encode(session)
    yield made
    made.close()


def test_a_case_is_one_layer_an_image_and_one_of_all_latent_maps(viewer_model, session, canvas):
    assert {layer.name for layer in viewer_model.layers} == {*CHANNELS, "LA · latent maps"}
    assert [layer.name for layer in viewer_model.layers if layer.visible] == ["T1"]
    for channel, image in zip(CHANNELS, session.volumes[0].data, strict=True):
        np.testing.assert_array_equal(layer_of(viewer_model, "image", channel).data, image)
    np.testing.assert_array_equal(layer_of(viewer_model, "latents").data, session.latents.maps)


def test_another_case_comes_in_the_same_layers(viewer_model, session, canvas):
    before = list(viewer_model.layers)
    session.select(case=2)
    encode(session)
    assert list(viewer_model.layers) == before
    for channel, image in zip(CHANNELS, session.volumes[2].data, strict=True):
        layer = layer_of(viewer_model, "image", channel)
        np.testing.assert_array_equal(layer.data, image)
        assert layer.metadata["napari-latentattr"]["key"][3] == session.volumes.cases[2]


def test_no_image_of_the_last_case_stays_while_the_next_is_on_its_way(
    viewer_model, session, canvas
):
    add(session, picture(session))
    session.select(case=1)
    assert not [layer.name for layer in viewer_model.layers if layer.visible]
    encode(session)
    assert [layer.name for layer in viewer_model.layers if layer.visible] == ["T1"]


def test_only_the_selected_image_is_visible(viewer_model, session, canvas):
    session.select(channel=2)
    assert [layer.name for layer in viewer_model.layers if layer.visible] == ["PD"]


def test_every_layer_lies_where_its_source_lies_in_millimetres(viewer_model, session, canvas):
    add(session, picture(session), picture(session, "drawn"))
    canvas.keep()
    image = layer_of(viewer_model, "image", "T1")
    assert tuple(image.scale) == SPACING
    seen = 0
    for layer in viewer_model.layers:
        spatial = slice(1, None) if layer.ndim == 4 else slice(None)
        assert layer.axis_labels[spatial] == ("I", "P", "L")
        assert [str(unit) for unit in layer.units][spatial] == ["millimeter"] * 3
        grid = layer.metadata["napari-latentattr"]["grid"]
        index = np.array([2, 1, 0])
        # Display axes run against superior, anterior and right.
        true = -(grid.affine @ (*index, 1))[:3]
        shown = np.asarray(layer.data_to_world((0,) * (layer.ndim - 3) + tuple(index)))[-3:]
        np.testing.assert_allclose(shown, true, atol=1e-9)
        seen += 1
    assert seen == len(CHANNELS) + 4
    assert viewer_model.layers.extent.units is not None


def test_the_slider_follows_the_selected_map_and_sets_it(viewer_model, session, canvas):
    session.select(map=5)
    assert map_step(viewer_model) == 5
    viewer_model.dims.set_current_step(viewer_model.dims.axis_labels.index("map"), 3)
    assert session.selection.map == 3
    heard = []
    session.selection_changed.connect(lambda new, old: heard.append(new.map))
    viewer_model.dims.set_current_step(viewer_model.dims.axis_labels.index("map"), 6)
    assert heard == [6]


def test_latent_maps_that_come_later_do_not_change_the_selected_map(viewer_model, session):
    canvas = Canvas(viewer_model, session)
    session.select(map=4)
    encode(session)
    assert (session.selection.map, map_step(viewer_model)) == (4, 4)
    viewer_model.layers.remove(layer_of(viewer_model, "latents"))
    assert session.selection.map == 4
    encode(session)
    assert (session.selection.map, map_step(viewer_model)) == (4, 4)
    canvas.close()


def test_fifty_maps_leave_the_number_of_layers_as_it_was(viewer_model, session, canvas):
    add(session, *[picture(session, "where", k) for k in (0, 3, 6)], picture(session, "drawn", 3))
    session.select(map=3)
    before = list(viewer_model.layers)
    assert len(before) == len(CHANNELS) + 3
    for k in range(50):
        session.select(map=k % N_MAPS, channel=k % 3, case=0)
    assert list(viewer_model.layers) == before


def test_the_picture_of_the_selected_map_and_image_is_on_top_and_selected(
    viewer_model, session, canvas
):
    first, second = picture(session, "where", 0), picture(session, "where", 1)
    add(session, first, second)
    layer = layer_of(viewer_model, "where")
    assert (layer.name, layer.visible) == ("LA · map 0 · where in T1", True)
    np.testing.assert_array_equal(layer.data, first.volume[0])
    session.select(map=1, channel=2)
    assert layer_of(viewer_model, "where") is layer
    assert layer.name == "LA · map 1 · where in PD"
    np.testing.assert_array_equal(layer.data, second.volume[2])
    assert tuple(layer.contrast_limits) == picture_limits(second.volume)
    assert viewer_model.layers.selection.active is layer
    assert viewer_model.layers[-1] is layer
    assert layer.colorbar.visible


def test_a_map_without_a_picture_shows_none(viewer_model, session, canvas):
    add(session, picture(session))
    layer = layer_of(viewer_model, "where")
    session.select(map=2)
    assert not layer.visible
    assert not np.asarray(layer.data).any()
    assert layer.name == "LA · map 2 · where: not made yet"
    session.select(map=0)
    assert layer.visible
    assert np.asarray(layer.data).any()


def test_a_picture_of_another_case_is_not_shown(viewer_model, session, canvas):
    add(session, picture(session, case=1))
    assert layer_of(viewer_model, "where") is None
    session.select(case=1)
    encode(session)
    assert layer_of(viewer_model, "where").visible


def test_the_newest_kind_of_picture_is_the_one_that_is_seen(viewer_model, session, canvas):
    add(session, picture(session, "where"))
    add(session, picture(session, "drawn"))
    where, drawn = layer_of(viewer_model, "where"), layer_of(viewer_model, "drawn")
    assert (where.visible, drawn.visible) == (False, True)
    canvas.show("where")
    assert (where.visible, drawn.visible) == (True, False)
    assert viewer_model.layers.selection.active is where


def test_a_picture_that_was_taken_back_disappears(viewer_model, session, canvas):
    before = session.results
    add(session, picture(session))
    session.results = before
    session.results_changed.emit()
    assert not layer_of(viewer_model, "where").visible


def test_an_overlay_that_the_user_hid_stays_hidden(viewer_model, session, canvas):
    add(session, picture(session), picture(session, which=1))
    layer_of(viewer_model, "where").visible = False
    session.select(map=1)
    assert not layer_of(viewer_model, "where").visible


def test_layers_are_known_by_their_metadata_and_not_by_their_names(viewer_model, session, canvas):
    mine = viewer_model.add_image(np.ones(SHAPE), name="LA · map 0 · where in T1")
    layer_of(viewer_model, "image", "T2").name = "renamed"
    add(session, picture(session))
    assert layer_of(viewer_model, "where") is not mine
    assert (mine.data == 1).all()
    n = len(viewer_model.layers)
    session.select(case=1)
    encode(session)
    assert len(viewer_model.layers) == n
    assert mine.visible


def test_a_layer_that_the_user_deleted_is_made_anew(viewer_model, session, canvas):
    add(session, picture(session), picture(session, which=1))
    viewer_model.layers.remove(layer_of(viewer_model, "where"))
    viewer_model.layers.remove(layer_of(viewer_model, "image", "T2"))
    session.select(map=1)
    assert layer_of(viewer_model, "where").visible
    anew = layer_of(viewer_model, "image", "T2")
    latents, picture_ = layer_of(viewer_model, "latents"), layer_of(viewer_model, "where")
    index = viewer_model.layers.index
    assert index(anew) < index(latents) < index(picture_)


def test_a_kept_picture_stays_as_it_was(viewer_model, session, canvas):
    first = picture(session)
    add(session, first, picture(session, which=1))
    kept = canvas.keep()
    session.select(map=1)
    assert kept.name.startswith("★ LA · map 0 · where in T1")
    np.testing.assert_array_equal(kept.data, first.volume[0])
    np.testing.assert_allclose(kept.scale, SPACING)
    assert viewer_model.layers.selection.active is layer_of(viewer_model, "where")


def test_there_is_nothing_to_keep_without_a_picture(viewer_model, session, canvas):
    n = len(viewer_model.layers)
    assert canvas.keep() is None
    assert len(viewer_model.layers) == n


def test_clearing_removes_all_that_was_made_and_nothing_else(viewer_model, session, canvas):
    mine = viewer_model.add_image(np.ones(SHAPE))
    add(session, picture(session))
    canvas.keep()
    canvas.clear()
    assert list(viewer_model.layers) == [mine]
    assert viewer_model.canvas.background_color_override is None
    session.select(map=2)
    names = {layer.name for layer in viewer_model.layers if layer is not mine}
    assert names == {*CHANNELS, "LA · latent maps"}


def test_latent_maps_stay_visible_from_case_to_case(viewer_model, session, canvas):
    layer_of(viewer_model, "latents").visible = True
    session.select(case=1)
    assert not layer_of(viewer_model, "latents").visible
    encode(session)
    assert layer_of(viewer_model, "latents").visible


def test_another_study_takes_the_layers_of_the_last_one_away(viewer_model, session, canvas):
    add(session, picture(session))
    session.use(Opened(replace(session.study)))
    assert list(viewer_model.layers) == []
    encode(session)
    assert {layer.name for layer in viewer_model.layers} == {*CHANNELS, "LA · latent maps"}


def test_overlays_are_away_while_the_key_is_held(viewer_model, session, canvas):
    add(session, picture(session))
    layer = layer_of(viewer_model, "where")
    held = viewer_model.keymap[KeyBinding.from_str(".")](viewer_model)
    next(held)
    assert not layer.visible
    assert layer_of(viewer_model, "image", "T1").visible
    next(held, None)
    assert layer.visible


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("beside", [False, True])
def test_peeking_leaves_view_and_selection_as_they_were(
    viewer_model, session, canvas, order, beside
):
    add(session, picture(session), picture(session, "drawn"))
    if beside:
        canvas.toggle_side_by_side()
    camera, dims = viewer_model.scene.camera, viewer_model.dims
    dims.order = order
    dims.set_point(range(4), (0, 9.0, 6.0, 4.0))
    camera.center, camera.zoom = (0, 7.5, 11), 3.7

    def state():
        looks = [(layer.name, layer.visible, layer.opacity) for layer in viewer_model.layers]
        active = viewer_model.layers.selection.active
        return (looks, active, dims.order, dims.point, camera.center, camera.zoom)

    before = state()
    held = viewer_model.keymap[KeyBinding.from_str(".")](viewer_model)
    next(held)
    overlays = [one for one in viewer_model.layers if " map 0 · " in one.name]
    assert overlays
    assert not any(layer.visible for layer in overlays)
    next(held, None)
    assert state() == before


def test_overlays_can_be_switched_off_for_all_maps(viewer_model, session, canvas):
    add(session, picture(session), picture(session, which=1))
    canvas.toggle_overlay()
    assert not layer_of(viewer_model, "where").visible
    session.select(map=1)
    assert not layer_of(viewer_model, "where").visible
    canvas.toggle_overlay()
    assert layer_of(viewer_model, "where").visible


def test_slices_stay_where_they_are_when_maps_cases_and_pictures_change(
    viewer_model, session, canvas
):
    viewer_model.dims.set_point(range(4), (0, 9.0, 6.0, 4.0))
    add(session, picture(session))
    session.select(map=3, case=1)
    encode(session)
    assert viewer_model.dims.point[1:] == (9.0, 6.0, 4.0)


@pytest.mark.parametrize("synced", [True, False])
@pytest.mark.parametrize("order", ORDERS)
def test_3d_gives_the_camera_back_as_it_was(viewer_model, session, canvas, order, synced):
    camera, dims = viewer_model.scene.camera, viewer_model.dims
    camera.synced = synced
    dims.order = order
    camera.center, camera.zoom = (0, 7.5, 11), 3.7
    dims.ndisplay = 3
    camera.center, camera.zoom, camera.angles = (1, 2, 3), 9, (10, 20, 30)
    dims.ndisplay = 2
    assert (camera.center, camera.zoom) == ((0, 7.5, 11), 3.7)
    dims.ndisplay = 3
    assert camera.angles == pytest.approx((10, 20, 30))


@pytest.mark.parametrize("order", ORDERS)
def test_3d_turns_the_body_about_its_middle(viewer_model, session, canvas, order):
    viewer_model.dims.order = order
    viewer_model.dims.ndisplay = 3
    layer = layer_of(viewer_model, "image", "T1")
    middle, size = layer.extent.world.mean(axis=0), np.ptp(layer.extent.world, axis=0)
    off = np.abs(np.array(viewer_model.scene.camera.center) - middle)
    assert (off < 0.2 * size).all()  # all layers are fitted, also coarse latent maps


@pytest.mark.parametrize("order", ORDERS)
def test_3d_keeps_slice_order_and_opacity_for_the_way_back(viewer_model, session, canvas, order):
    add(session, picture(session))
    image, overlay = layer_of(viewer_model, "image", "T1"), layer_of(viewer_model, "where")
    image.opacity = 0.8
    viewer_model.dims.order = order
    viewer_model.dims.set_point(range(4), (0, 9.0, 6.0, 4.0))
    viewer_model.dims.ndisplay = 3
    assert viewer_model.dims.displayed == (1, 2, 3)
    assert (image.opacity, image.rendering) == (0.55, "attenuated_mip")
    assert (overlay.colormap.name, overlay.rendering) == ("LA signed 3D", "translucent")
    viewer_model.dims.ndisplay = 2
    assert viewer_model.dims.order == order
    assert viewer_model.dims.point[1:] == (9.0, 6.0, 4.0)
    assert (image.opacity, overlay.colormap.name) == (0.8, "LA signed")


def test_a_picture_made_in_3d_has_the_dead_zone(viewer_model, session, canvas):
    viewer_model.dims.ndisplay = 3
    add(session, picture(session))
    colormap = layer_of(viewer_model, "where").colormap
    alpha = colormap.map(np.array([0.0, 0.4, 0.5, 0.6, 1.0]))[:, 3]
    np.testing.assert_allclose(alpha, [1, 0, 0, 0, 1], atol=1e-6)


def test_zero_is_transparent_and_the_signs_are_blue_and_orange(viewer_model, session, canvas):
    add(session, picture(session))
    low, mid, high = layer_of(viewer_model, "where").colormap.map(np.array([0.0, 0.5, 1.0]))
    assert low[2] > 0.9 > low[0]
    assert high[0] > 0.9 > high[2]
    assert mid[3] == pytest.approx(0, abs=0.01)


def test_the_caption_names_case_image_map_and_kind(viewer_model, session, canvas):
    text = viewer_model.canvas.overlays.text
    assert text.text == f"{session.volumes.cases[0]} · T1\nmap 0"
    add(session, picture(session))
    session.select(channel=1)
    assert text.text == f"{session.volumes.cases[0]} · T2\nmap 0 · where in T2"
    viewer_model.dims.ndisplay = 3
    assert text.text.endswith("· 3D")


def test_closing_lets_go_of_the_session_and_puts_the_canvas_back(viewer_model, session):
    canvas = Canvas(viewer_model, session)
    encode(session)
    add(session, picture(session))
    overlays = viewer_model.canvas.overlays
    assert overlays.scale_bar.visible
    assert viewer_model.canvas.background_color_override is not None
    canvas.close()
    assert viewer_model.canvas.background_color_override is None
    assert not overlays.scale_bar.visible
    assert not overlays.text.visible
    assert not [name for name in overlays if name.startswith("la_")]
    assert KeyBinding.from_str(".") not in viewer_model.keymap
    names = [layer.name for layer in viewer_model.layers]
    session.select(map=3, channel=2)
    session.latents_changed.emit()
    assert [layer.name for layer in viewer_model.layers] == names
    viewer_model.dims.set_current_step(viewer_model.dims.axis_labels.index("map"), 6)
    assert session.selection.map == 3


def test_images_of_the_next_case_come_before_its_latent_maps(viewer_model, session, canvas):
    before = encode(session)
    session.select(case=1)
    assert not any(layer.visible for layer in viewer_model.layers)
    stack = session.volumes[1]
    session.images_read.emit(stack)
    shown = [layer.name for layer in viewer_model.layers if layer.visible]
    assert shown == [session.volumes.channels[session.selection.channel]]
    images = layer_of(viewer_model, "image", shown[0])
    assert images.metadata["napari-latentattr"]["key"][3] == session.volumes.cases[1]
    put = []
    images.events.data.connect(put.append)
    session.latents = replace(before, case=stack.case, stack=stack)
    session.latents_changed.emit()
    assert put == []  # they are there
    assert images.visible
    session.latents = replace(before, case=stack.case, stack=replace(stack))
    session.latents_changed.emit()
    assert len(put) == 1  # read again, they come again


def test_nothing_is_drawn_anew_for_what_is_shown_or_hidden_already(viewer_model, session, canvas):
    encode(session)
    heard = []
    for layer in viewer_model.layers:
        layer.events.visible.connect(heard.append)
    session.select(channel=session.selection.channel)
    session.results_changed.emit()
    assert heard == []
    session.select(channel=1)
    assert len(heard) == 2  # one goes, one comes


def test_an_image_of_unknown_orientation_has_no_letters(viewer_model):
    session = make_session()
    canvas = Canvas(viewer_model, session)
    known = session.volumes[0]
    grid = Grid(known.grid.shape, known.grid.affine, known=False)
    canvas.show_images(ImageStack("c", known.channels, known.data, grid))
    overlays = viewer_model.canvas.overlays
    assert not [n for n in overlays if n.startswith("la_") and overlays[n].visible]
    assert "orientation unknown" in overlays.text.text
    canvas.show_images(known)
    assert [overlays[f"la_{edge}"].text for edge in ("left", "right", "top", "bottom")] == [*"RLAP"]
    canvas.close()


def test_slices_of_two_dimensions_are_shown_too(viewer_model):
    x = np.random.default_rng(0).random((2, 2, 12, 10), dtype=np.float32)
    session = Session()
    cohort = Cohort.from_arrays(x, channels=("a", "b"))
    spec = replace(SPEC, ndim=2, n_channels=2, stride=(2.0, 2.0), offset=(0.5, 0.5))
    model = type("Model", (), {"spec": spec})()
    session.use(Opened(Study("s", None, model, cohort, None, 0)))
    canvas = Canvas(viewer_model, session)
    stack = session.volumes[0]
    maps = np.zeros((N_MAPS, 6, 5), np.float32)
    session.latents = Latents(stack.case, stack, maps, spec)
    session.latents_changed.emit()
    assert viewer_model.dims.axis_labels == ("map", "P", "L")
    session.select(map=7)
    assert map_step(viewer_model) == 7
    canvas.close()


def test_the_colours_change_when_a_picture_gets_a_sign(viewer_model):
    session = make_session()
    canvas = Canvas(viewer_model, session)
    encode(session)
    signed = picture(session)
    add(session, replace(signed, volume=np.abs(signed.volume)))
    (layer,) = [one for one in viewer_model.layers if "where in" in one.name]
    assert layer.colormap.name == "LA unsigned"
    add(session, signed)
    assert layer.colormap.name == "LA signed"
    canvas.close()


@pytest.mark.parametrize("width", [3, 4])
def test_a_narrow_volume_is_not_taken_for_a_colour_image(viewer_model, width):
    shape = (40, 40, width)
    data = np.random.default_rng(0).random((2, *shape), dtype=np.float32)
    stack = ImageStack("c", ("a", "b"), data, Grid.from_spacing(shape, SPACING))
    session = make_session_of(stack)
    stack = replace(stack, case=session.volumes.cases[0])
    canvas = Canvas(viewer_model, session)
    maps = np.zeros((N_MAPS, *shape), np.float32)
    session.latents = Latents(stack.case, stack, maps, SPEC)
    session.latents_changed.emit()
    add(session, replace(picture(session), volume=data - 0.5, grid=stack.grid))
    assert {layer.ndim for layer in viewer_model.layers} == {3, 4}
    assert not any(layer.rgb for layer in viewer_model.layers)
    canvas.close()
