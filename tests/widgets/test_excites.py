"""What excites a map: never without real cases, never taken for a patient; no network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication
from tests.retrieval.test_beside import made_up
from tests.toy import linear_model, people, planes

from napari_latentattr import Cohort
from napari_latentattr.cohort.study import Study
from napari_latentattr.core.maximisation import MADE_UP
from napari_latentattr.core.types import MapRef
from napari_latentattr.layers import KEY
from napari_latentattr.session import Latents, Opened, Session
from napari_latentattr.widgets.canvas import Canvas
from napari_latentattr.widgets.excites import Excites
from napari_latentattr.widgets.own_layers import case_images

CAPTION = "made up · not a patient"


def session_of(cohort: Cohort) -> Session:
    session = Session()
    session.use(Opened(Study("s", None, linear_model(), cohort, None, 0)))
    return session


@pytest.fixture
def session() -> Session:
    made = session_of(people())
    made.select(map=1)
    return made


@pytest.fixture
def part(qtbot, session) -> Excites:
    made = Excites(session)
    qtbot.addWidget(made)
    made.resize(400, 600)
    made.show()
    return made


def show(session: Session, *found) -> None:
    for one in found:
        session.keep(session.results.with_made_up(one))
    QApplication.processEvents()


def words(part: Excites, rows: str) -> list[str]:
    return [t.words.text() for t in getattr(part, rows).tiles if t.isVisible()]


def test_the_question_says_what_it_is_before_anything_is_made_up(part, session):
    assert "light up map 1 as much as the strongest 1" in part.question.text()
    assert "never a patient" in part.question.text()
    assert not part.made.isVisible()
    assert not part.real.isVisible()
    session.pass_seconds = 0.1
    part.refresh()
    assert part.go.text().startswith("Imagine  ~")
    part.toward.setCurrentText("low")
    assert "as little as the weakest 1" in part.question.text()


def test_one_case_offers_nothing(qtbot):
    part = Excites(session_of(Cohort.from_arrays(planes(1), channels=("A", "B", "C"))))
    qtbot.addWidget(part)
    part.show()
    assert "One case is not a cohort" in part.question.text()
    assert not part.go.isVisible()
    assert not part.toward.isVisible()


def test_made_up_pictures_stand_above_real_ones_and_are_called_so(part, session):
    show(session, made_up(1))
    found = made_up(1).found
    assert "Made up, not a patient" in part.title.text()
    assert [w for w in words(part, "made") if "seed" in w or "nothing" in w] == words(part, "made")
    assert len(words(part, "made")) == 4
    assert [case in w for case, w in zip(found.top_cases, words(part, "real"), strict=True)]
    assert "with most of the map" in part.real_title.text()
    assert part.sentence.text().count("times their error")
    assert "seeds agree" in part.sentence.text()
    assert all(MADE_UP[1:] in t.picture.toolTip() for t in part.made.tiles)


def test_a_made_up_picture_cannot_be_clicked_like_a_case(part, session, qtbot):
    show(session, made_up(1))
    asked = []
    part.picked.connect(lambda case, voxel: asked.append(case))
    tile = part.made.tiles[0]
    qtbot.mouseClick(tile.picture, Qt.MouseButton.LeftButton)
    assert asked == []
    assert tile.picture.focusPolicy() == Qt.FocusPolicy.NoFocus
    qtbot.mouseClick(part.real.tiles[0].picture, Qt.MouseButton.LeftButton)
    assert asked == [people().cases.index(made_up(1).found.top_cases[0])]


def test_pictures_follow_map_and_image(part, session):
    show(session, made_up(2), made_up(1))
    for image in (0, 2):
        session.select(channel=image)
        for which in (1, 2):
            session.select(map=which)
            shown = part.made.tiles[0].picture.image
            np.testing.assert_array_equal(shown, made_up(which).pictures[0][image])
    session.select(map=3)
    assert not part.made.isVisible()
    assert not part.sentence.isVisible()


def test_the_picture_so_far_is_shown_alone_and_goes_with_the_job(part, session):
    show(session, made_up(1))
    grey = np.full((3, 8, 8), 7, np.uint8)
    session.show_preview((1, grey))
    assert words(part, "made") == ["<b>so far</b>"]
    assert not part.real.isVisible()
    assert "not ready yet" in part.title.text()
    session.select(map=2)
    assert not part.made.isVisible()
    session.select(map=1)
    session.show_preview(None)
    assert len(words(part, "made")) == 4


def test_little_of_the_map_is_said_so(part, session):
    show(session, made_up(1, "low"))
    assert "with least of the map" in part.real_title.text()


@pytest.fixture
def canvas(viewer_model, session):
    made = Canvas(viewer_model, session)
    stack = session.volumes[0]
    maps = linear_model().encode(stack.data[None])[0]
    session.latents = Latents(stack.case, stack, maps, linear_model().spec)
    session.latents_changed.emit()
    yield made
    made.close()


def layer_of(viewer_model):
    return next((one for one in viewer_model.layers if "made up" in one.name), None)


def test_it_is_one_layer_that_lies_where_the_images_lie(viewer_model, session, canvas):
    show(session, made_up(1))
    layer, image = layer_of(viewer_model), case_images(viewer_model)["A"]
    assert layer.name == "LA · map 1 · made up in A"
    np.testing.assert_array_equal(layer.data, made_up(1).found.pictures[0, 0])
    for name in ("scale", "translate", "units", "axis_labels", "contrast_limits"):
        assert tuple(getattr(layer, name)) == tuple(getattr(image, name)), name
    mine = layer.metadata[KEY]
    assert mine["key"] == ("made up", 1, "A", None)
    assert (mine["what"], mine["method"]) == (MADE_UP, "maximise")
    assert "times their error" in mine["sentence"]
    assert layer.visible
    assert viewer_model.layers.selection.active is layer
    assert viewer_model.canvas.overlays.text.text.splitlines()[0] == CAPTION
    session.select(channel=1)
    assert layer_of(viewer_model) is layer
    assert layer.name.endswith("made up in B")
    again = replace(made_up(1), found=replace(made_up(1).found, pictures=made_up(1).found.pictures))
    show(session, again)
    assert [one for one in viewer_model.layers if "made up" in one.name] == [layer]


def test_it_goes_with_its_map_and_with_its_view(viewer_model, session, canvas):
    show(session, made_up(1))
    session.select(map=2)
    assert layer_of(viewer_model) is None
    assert "made up" not in viewer_model.canvas.overlays.text.text
    session.select(map=1)
    assert layer_of(viewer_model).visible
    canvas.show("where")
    assert not layer_of(viewer_model).visible
    assert CAPTION not in viewer_model.canvas.overlays.text.text
    canvas.show("excites")
    assert layer_of(viewer_model).visible
    canvas.look_at(0, (3.0, 3.0))
    assert not layer_of(viewer_model).visible
    session.undo()
    assert layer_of(viewer_model) is None


def test_peeking_shows_the_images_below(viewer_model, session, canvas):
    show(session, made_up(1))
    canvas._overlays.hide_for_peek()
    assert not layer_of(viewer_model).visible
    canvas._overlays.show_after_peek()
    assert layer_of(viewer_model).visible


def test_at_most_two_maps_are_kept_and_an_undo_does_not_hold_on_to_others(session):
    for which in range(4):
        target = MapRef("encoder", which)
        one = made_up(1)
        show(session, replace(one, found=replace(one.found, target=target)))
    assert list(session.results.made_up) == [2, 3]
    assert session.undo()
    assert list(session.results.made_up) == [1, 2]
    assert session.undo()
    assert list(session.results.made_up) == []
