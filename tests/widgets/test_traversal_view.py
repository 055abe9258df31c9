"""A traversal is a layer with a slider of its own, of the map and case it is about alone."""

from __future__ import annotations

import numpy as np
import pytest

from napari_latentattr.core.traversal import Traversal
from napari_latentattr.core.types import MapRef, Provenance
from napari_latentattr.widgets.canvas import Canvas

from .sessions import add, encode, make_session, picture

OWN = 3  # the step that is most like the case


@pytest.fixture
def session():
    return make_session()


@pytest.fixture
def canvas(viewer_model, session):
    made = Canvas(viewer_model, session)
    encode(session)
    session.select(map=2)
    yield made
    made.close()


def traversal(session, which: int = 2, seed: int = 0) -> Traversal:
    stack = session.volumes[0]
    pictures = np.random.default_rng(seed).random((5, *stack.data.shape), dtype=np.float32)
    return Traversal(
        MapRef("encoder", which), stack.case, stack.channels, np.linspace(0, 1, 5), 0.7,
        "root mean square", pictures, stack.grid, Provenance("traverse"),
    )  # fmt: skip


def names(viewer_model) -> list[str]:
    return [layer.name for layer in viewer_model.layers]


def layer_of(viewer_model):
    return next((one for one in viewer_model.layers if "traversal" in one.name), None)


def test_it_is_one_layer_and_its_slider_begins_at_the_case(viewer_model, session, canvas):
    found = traversal(session)
    session.keep(session.results.with_traversal(found))
    layer, dims = layer_of(viewer_model), viewer_model.dims
    assert layer.visible
    assert dims.axis_labels == ("step", "map", "I", "P", "L")
    assert dims.nsteps[0] == 5
    assert dims.current_step[:2] == (OWN, 2)
    np.testing.assert_array_equal(layer.data[:, 0], found.images("T1"))
    image = viewer_model.layers["T1"]
    assert layer.contrast_limits == image.contrast_limits
    np.testing.assert_allclose(layer.scale[2:], image.scale)
    np.testing.assert_allclose(layer.translate[2:], image.translate)
    assert viewer_model.layers.extent.units is not None


def test_the_slider_of_maps_still_counts_maps_and_that_of_steps_selects_none(
    viewer_model, session, canvas
):
    session.keep(session.results.with_traversal(traversal(session)))
    viewer_model.dims.set_current_step(0, 1)
    assert session.selection.map == 2
    assert "step 2 of 5 · strength 0.25" in viewer_model.canvas.overlays.text.text
    viewer_model.dims.set_current_step(1, 5)
    assert session.selection.map == 5


def is_empty(viewer_model) -> bool:
    """Nothing is left of it: no picture, no step, no record of what it was."""
    layer = layer_of(viewer_model)
    mine = layer.metadata["napari-latentattr"]
    gone = not layer.visible and not np.any(layer.data) and viewer_model.dims.nsteps[0] == 1
    return bool(gone and mine["key"][1] is None and set(mine) == {"key", "grid"})


@pytest.mark.parametrize("hidden", [False, True])
def test_another_map_empties_it_with_its_slider_and_its_own_brings_it_back(
    viewer_model, session, canvas, hidden
):
    session.keep(session.results.with_traversal(traversal(session)))
    if hidden:
        canvas.toggle_overlay()
    session.select(map=4)
    layer = layer_of(viewer_model)
    assert is_empty(viewer_model)
    assert layer.name == "LA · map 4 · traversal: not made yet"
    assert viewer_model.dims.current_step[1] == 4
    session.select(map=2)
    assert layer_of(viewer_model) is layer
    assert layer.visible != hidden
    assert viewer_model.dims.nsteps[0] == 5
    assert viewer_model.dims.current_step[:2] == (OWN, 2)
    np.testing.assert_array_equal(layer.data[:, 0], traversal(session).images("T1"))


def test_it_follows_the_image_and_is_replaced_by_the_next_one(viewer_model, session, canvas):
    session.keep(session.results.with_traversal(traversal(session)))
    before = len(viewer_model.layers)
    session.select(channel=1)
    assert layer_of(viewer_model).name == "LA · map 2 · traversal in T2"
    other = traversal(session, seed=1)
    session.keep(session.results.with_traversal(other))
    assert len(viewer_model.layers) == before
    np.testing.assert_array_equal(layer_of(viewer_model).data[:, 0], other.images("T2"))


def test_undo_empties_it_and_shows_what_was_there(viewer_model, session, canvas):
    add(session, picture(session, "drawn", 2))
    drawn = viewer_model.layers["LA · map 2 · drawn in T1"]
    session.keep(session.results.with_traversal(traversal(session)))
    assert not drawn.visible
    session.undo()
    assert is_empty(viewer_model)
    assert drawn.visible


def test_a_picture_that_is_made_later_is_seen_in_its_place(viewer_model, session, canvas):
    session.keep(session.results.with_traversal(traversal(session)))
    add(session, picture(session, "where", 2))
    assert viewer_model.layers["LA · map 2 · where in T1"].visible
    assert not layer_of(viewer_model).visible
    canvas.show("drawn")
    assert layer_of(viewer_model).visible
    canvas.show("where")
    assert not layer_of(viewer_model).visible


def test_it_hides_with_the_overlays_and_while_images_lie_side_by_side(
    viewer_model, session, canvas
):
    session.keep(session.results.with_traversal(traversal(session)))
    canvas.toggle_overlay()
    assert not layer_of(viewer_model).visible
    canvas.toggle_overlay()
    assert layer_of(viewer_model).visible
    canvas.toggle_side_by_side()
    assert not layer_of(viewer_model).visible
    canvas.toggle_side_by_side()
    assert layer_of(viewer_model).visible


def test_another_case_empties_it_and_clearing_takes_it_away(viewer_model, session, canvas):
    session.keep(session.results.with_traversal(traversal(session)))
    session.select(case=1)
    encode(session)
    assert is_empty(viewer_model)
    session.select(case=0)
    encode(session)
    assert layer_of(viewer_model).visible
    canvas.clear()
    assert names(viewer_model) == []
