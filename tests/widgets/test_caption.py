"""A caption keeps out of the way of letters and the scale bar, whatever the canvas."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_latentattr.core.place import Place
from napari_latentattr.core.results import Selection
from napari_latentattr.widgets.caption import caption, fitted, room

from .sessions import make_session, picture

ROOMY = (1000.0, 1000.0)


def lines_of(shown=None, **how):
    session = make_session()
    about = {"beside": False, "deep": False, **how}
    return caption(session.volumes[0], Selection(map=3), shown, **about)


def test_a_part_of_the_map_and_a_step_have_a_line_of_their_own():
    session = make_session()
    part = replace(picture(session, which=3), place=Place(region="lesion"))
    assert lines_of(part)[1:] == ["map 3 · where in T1", "of lesion"]
    assert lines_of(picture(session, which=3))[1:] == ["map 3 · where in T1"]
    assert lines_of(None, steps="step 2 of 9")[1:] == ["map 3 · traversal in T1", "step 2 of 9"]
    assert lines_of(None, steps="step 2 of 9", beside=True)[1:] == ["map 3"]


def test_a_made_up_picture_is_never_called_by_the_name_of_a_case():
    session = make_session()
    for deep, end in ((False, ""), (True, " · 3D")):
        said = lines_of(picture(session, which=3), made_up=True, deep=deep)
        assert said == ["made up · not a patient", f"map 3 · T1{end}"]
    assert lines_of(None, made_up=True, beside=True) == [session.volumes.cases[0], "map 3"]


def test_lines_that_fit_stay_as_they_are():
    assert fitted(["c1 · T1", "map 3 · where in T1"], ROOMY) == (
        ["c1 · T1", "map 3 · where in T1"], 11,
    )  # fmt: skip


def test_a_long_line_is_broken_between_its_parts_before_the_type_gets_smaller():
    said, size = fitted(["c1 · T1", "map 3 · where in T1 · 3D"], (1000.0, 125.0))
    assert said == ["c1 · T1", "map 3", "where in T1", "3D"]
    assert size == 11


@pytest.mark.parametrize(("height", "size"), [(200.0, 11), (40.0, 8), (1.0, 8)])
def test_type_gets_smaller_where_the_canvas_is_low_but_never_too_small(height, size):
    assert fitted(["a", "b", "c"], (height, 500.0))[1] == size


@pytest.mark.parametrize("beside", [False, True])
def test_the_room_grows_with_the_canvas(viewer_model, beside):
    rooms = []
    for size in ((650, 380), (700, 500), (900, 1000)):
        viewer_model.canvas.size = size
        rooms.append(room(viewer_model, beside=beside))
    assert rooms == sorted(rooms)
    assert all(tall < 900 / 2 and 0 < wide < 1000 for tall, wide in rooms)


def test_below_images_side_by_side_it_ends_at_the_scale_bar(viewer_model):
    viewer_model.canvas.size = (700, 500)
    assert room(viewer_model, beside=True)[1] < 500 - 150
