"""What is offered to ask about, and where the latent under the cursor lies."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from napari.utils._proxies import ReadOnlyWrapper
from napari.utils.interactions import (
    mouse_move_callbacks,
    mouse_press_callbacks,
    mouse_release_callbacks,
)

from napari_latentattr.cohort.cohort import Cohort
from napari_latentattr.cohort.study import Study
from napari_latentattr.core.errors import InputError
from napari_latentattr.core.latent_grid import latent_centres
from napari_latentattr.core.place import WHOLE, Place
from napari_latentattr.layers import placement
from napari_latentattr.session import Opened, Session
from napari_latentattr.widgets.canvas import Canvas
from napari_latentattr.widgets.place_choice import PlaceChoice

from .sessions import (
    CHANNELS,
    LATENT,
    N_CASES,
    SHAPE,
    SPACING,
    SPEC,
    OnlySpec,
    add,
    encode,
    picture,
)


@pytest.fixture
def session() -> Session:
    x = np.random.default_rng(0).random((N_CASES, len(CHANNELS), *SHAPE), dtype=np.float32)
    labels = {"lesion": np.ones((N_CASES, *SHAPE), dtype=bool)}
    cohort = Cohort.from_arrays(x, channels=CHANNELS, spacing=SPACING, labels=labels)
    made = Session()
    made.use(Opened(Study("s", None, OnlySpec(), cohort, None, 0)))
    return made


@pytest.fixture
def choice(qtbot, viewer_model, session):
    canvas = Canvas(viewer_model, session)
    encode(session)
    made = PlaceChoice(viewer_model, session)
    qtbot.addWidget(made)
    qtbot.addWidget(made.hint)
    session.selection_changed.connect(made.refresh)
    made.refresh()
    made.show()
    yield made
    made.close_down()
    canvas.close()


def offered(choice: PlaceChoice) -> list[str]:
    return [choice.itemText(i) for i in range(choice.count())]


def choose(choice: PlaceChoice, text: str) -> None:
    index = offered(choice).index(text)
    choice.setCurrentIndex(index)
    choice.activated.emit(index)


def paint(viewer_model, session, name="painted"):
    grid = session.latents.stack.grid
    return viewer_model.add_labels(np.ones(SHAPE, np.uint8), name=name, **placement(grid))


LATENT_WORDS = "one latent, at the cursor"


def test_labels_of_the_study_and_layers_of_the_viewer_are_offered(choice, viewer_model, session):
    assert offered(choice) == ["the whole map", "inside lesion", LATENT_WORDS]
    layer = paint(viewer_model, session)
    assert offered(choice)[2] == "inside layer painted"
    viewer_model.layers.remove(layer)
    assert offered(choice) == ["the whole map", "inside lesion", LATENT_WORDS]


def test_what_is_chosen_is_what_is_looked_at(choice, session):
    choose(choice, "inside lesion")
    assert session.selection.place == choice.place() == Place(region="lesion")
    session.select(place=WHOLE)
    assert choice.currentText() == "the whole map"


def test_a_layer_gives_its_voxels_while_it_is_open(choice, viewer_model, session):
    layer = paint(viewer_model, session)
    choose(choice, "inside layer painted")
    found = choice.labels(choice.place())
    assert found.grid.same_as(session.latents.stack.grid)
    assert found.data.sum() == np.prod(SHAPE)
    viewer_model.layers.remove(layer)
    assert choice.place() == Place(layer="painted")
    assert choice.labels(choice.place()) is None
    assert choice.labels(WHOLE) is None


def test_the_latent_at_the_cursor_is_the_one_whose_centre_is_nearest(choice, viewer_model, session):
    choose(choice, LATENT_WORDS)
    layer = viewer_model.layers["T1"]
    for index in np.ndindex(LATENT):
        centre = [a[i] for a, i in zip(latent_centres(SPEC, LATENT), index, strict=True)]
        viewer_model.dims.set_point(range(1, 4), layer.data_to_world(centre))
        assert choice.place() == Place(latent=index)
        assert choice.hint.text().count(f"Latent {','.join(map(str, index))};") == 1


def test_beyond_the_latent_map_there_is_nothing_to_ask(choice, viewer_model, session):
    viewer_model.add_points(np.full((2, 3), [[500.0], [-500.0]]))  # else the slices cannot leave
    choose(choice, LATENT_WORDS)
    viewer_model.dims.set_point(range(1, 4), (400, 400, 400))
    with pytest.raises(InputError, match="click on the image"):
        choice.place()
    assert "No latent here" in choice.hint.text()


def test_choosing_one_latent_shows_the_picture_that_was_made_of_one(choice, session):
    add(session, replace(picture(session), place=Place(latent=(0, 1, 2))))
    choose(choice, LATENT_WORDS)
    assert session.selection.place == Place(latent=(0, 1, 2))
    assert session.picture("where") is not None


def press(viewer_model, at, moved: float = 0.0) -> None:
    """Press at a place in mm, move so many pixels and let go."""
    start, end = (100.0, 100.0), (100.0 + moved, 100.0)
    for type_, pos, pass_on in (
        ("mouse_press", start, mouse_press_callbacks),
        ("mouse_move", end, mouse_move_callbacks),
        ("mouse_release", end, mouse_release_callbacks),
    ):
        event = SimpleNamespace(
            type=type_, pos=pos, position=at, button=1, modifiers=(), is_dragging=True
        )
        pass_on(viewer_model, ReadOnlyWrapper(event))


def test_a_click_takes_the_latent_there_and_a_drag_moves_the_image(choice, viewer_model, session):
    centre = [a[i] for a, i in zip(latent_centres(SPEC, LATENT), (2, 3, 0), strict=True)]
    world = viewer_model.layers["T1"].data_to_world(centre)
    viewer_model.dims.set_point(1, world[0])
    before = viewer_model.dims.point
    press(viewer_model, (0.0, *world))
    assert viewer_model.dims.point == before  # nobody asked for a latent
    choose(choice, LATENT_WORDS)
    press(viewer_model, (0.0, *world), moved=30)
    assert viewer_model.dims.point == before
    press(viewer_model, (0.0, *world))
    assert choice.place() == Place(latent=(2, 3, 0))
    before = viewer_model.dims.point
    paint(viewer_model, session).mode = "paint"
    press(viewer_model, (0.0, 0.0, 0.0, 0.0))
    assert viewer_model.dims.point == before  # the click painted


def test_a_method_of_the_whole_map_cannot_be_asked_about_a_part(choice, session):
    session.select(place=Place(region="lesion"))
    choice.set_able(False)
    assert not choice.isEnabled()
    assert choice.currentText() == "the whole map"
    assert choice.place() == WHOLE
    assert "whole map alone" in choice.toolTip()
    choice.set_able(True)
    assert choice.place() == Place(region="lesion")
