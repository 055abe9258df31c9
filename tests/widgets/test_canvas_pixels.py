"""What reaches the screen: colours at voxels whose place on the screen is worked out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_latentattr.core.types import Grid, ImageStack
from napari_latentattr.widgets.canvas import Canvas

from .sessions import CHANNELS, add, make_session_of, picture, settle

SHAPE, SPACING = (12, 14, 10), (3.0, 1.5, 2.0)
POSITIVE, NEGATIVE = (6, 4, 3), (6, 10, 7)


@pytest.fixture
def shown(viewer, qapp):
    data = np.full((len(CHANNELS), *SHAPE), 0.5, np.float32)
    data[:, 0, 0, 0] = 1
    stack = ImageStack("case-001", CHANNELS, data, Grid.from_spacing(SHAPE, SPACING))
    session = make_session_of(stack)
    stack = replace(stack, case=session.volumes.cases[0])
    canvas = Canvas(viewer, session)
    canvas.show_images(stack)
    volume = np.zeros_like(data)
    for at, value in ((POSITIVE, 1), (NEGATIVE, -1)):
        volume[(slice(None), *(slice(i - 1, i + 2) for i in at))] = value
    add(session, replace(picture(session), volume=volume, grid=stack.grid))
    settle(canvas)
    viewer.layers["T1"].contrast_limits = (0, 1)
    viewer.dims.set_point(range(3), np.array(POSITIVE) * SPACING)
    yield viewer
    canvas.close()


def colour_at(viewer, qapp, index) -> np.ndarray:
    for _ in range(4):
        qapp.processEvents()
    shot = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    assert np.ptp(shot) > 200, "an empty canvas"
    axes = list(viewer.dims.displayed[-2:])
    camera = viewer.scene.camera
    mm = np.array(index) * SPACING
    at = (mm[axes] - np.array(camera.center[-2:])) * camera.zoom + np.array(shot.shape[:2]) / 2
    return shot[tuple(np.round(at).astype(int))]


def is_orange(colour) -> bool:
    return colour[0] > 200 and 90 < colour[1] < 160 and colour[2] < 60


def is_blue(colour) -> bool:
    return colour[2] > 200 and colour[0] < 80


def test_signs_are_orange_and_blue_and_zero_shows_the_image(shown, qapp):
    for theme in ("dark", "light"):
        shown.theme = theme
        assert is_orange(colour_at(shown, qapp, POSITIVE))
        assert is_blue(colour_at(shown, qapp, NEGATIVE))
        grey = colour_at(shown, qapp, (6, 7, 5))
        assert np.ptp(grey) < 4
        assert grey[0] == pytest.approx(128, abs=4)
        # Beyond the body the canvas is black in the light theme too.
        assert colour_at(shown, qapp, (6, -1.2, 2)).max() < 8


def test_the_two_signs_are_where_they_belong_in_3d(shown, qapp):
    shown.dims.ndisplay = 3
    # From the feet, as an axial slice is seen
    shown.scene.camera.set_view_direction((-1, 0, 0), (0, -1, 0))
    assert is_orange(colour_at(shown, qapp, POSITIVE))
    assert is_blue(colour_at(shown, qapp, NEGATIVE))
    assert np.ptp(colour_at(shown, qapp, (6, 7, 5))) < 8


def test_the_picture_is_away_when_it_is_switched_off(shown, qapp):
    assert is_orange(colour_at(shown, qapp, POSITIVE))
    shown.layers["LA · map 0 · where in T1"].visible = False
    assert np.ptp(colour_at(shown, qapp, POSITIVE)) < 4
