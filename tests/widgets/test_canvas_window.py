"""What only a window that draws can show: the colour bar, and layers that come one after another.

The image is one grey from edge to edge, so that its pixels are its whole extent.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import QTimer

from napari_latentattr.core.types import Grid, ImageStack
from napari_latentattr.widgets.canvas import Canvas

from .sessions import add, encode, make_session, make_session_of, picture, settle

GREY = 0.5


def shot_of(viewer, qapp) -> np.ndarray:
    for _ in range(4):
        qapp.processEvents()
    return viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)


def bar_pixels(viewer, qapp) -> np.ndarray:
    """Pixels that the bar covers: those that change when it is hidden."""
    (bar,) = [one.colorbar for one in viewer.layers if hasattr(one, "colorbar") and _seen(one)]
    with_bar = shot_of(viewer, qapp)
    bar.visible = False
    changed = np.abs(shot_of(viewer, qapp) - with_bar).sum(axis=-1) > 30
    bar.visible = True
    assert changed.sum() > 100
    return changed


def image_pixels(viewer, qapp) -> np.ndarray:
    """Pixels of the grey images, with nothing written over them."""
    for layer in viewer.layers:
        layer.colorbar.visible = layer.name_overlay.visible = False
    for overlay in viewer.canvas.overlays.values():
        overlay.visible = False
    return np.abs(shot_of(viewer, qapp) - round(255 * GREY)).max(axis=-1) < 6


def _seen(layer) -> bool:
    return bool(layer.visible and layer.colorbar.visible)


@pytest.fixture
def laid_out(viewer, qapp):
    """Canvas on grey images of a shape, with a picture of a limit on each."""
    made = []

    def lay_out(shape, *, n=4, low=-1.0, high=1.0) -> Canvas:
        data = np.full((n, *shape), GREY, np.float32)
        data[:, 0, 0, 0] = 1
        channels = tuple("abcdefghi"[:n])
        stack = ImageStack("c", channels, data, Grid.from_spacing(shape, (2.0,) * 3))
        session = make_session_of(stack)
        stack = replace(stack, case=session.volumes.cases[0])
        canvas = Canvas(viewer, session)
        made.append(canvas)
        canvas.show_images(stack)
        volume = np.zeros_like(data)
        volume[0].flat[:2] = low, high
        add(session, replace(picture(session), volume=volume, grid=stack.grid))
        settle(canvas)
        for layer in viewer.layers:
            if layer.name in channels:
                layer.contrast_limits = (0, 1)
        return canvas

    yield lay_out
    for canvas in made:
        canvas.close()


@pytest.mark.parametrize(
    ("size", "shape", "n"),
    [
        ((1100, 700), (8, 30, 20), 2),
        ((1100, 700), (8, 20, 30), 4),
        ((900, 600), (8, 30, 20), 4),
        ((900, 600), (8, 20, 30), 2),
        ((900, 600), (8, 20, 20), 3),
    ],
)
def test_the_colour_bar_stands_beside_the_first_image_and_not_on_it(
    viewer, qapp, laid_out, size, shape, n
):
    viewer.window.resize(*size)
    canvas = laid_out(shape, n=n, low=-0.05, high=0.05)
    shot_of(viewer, qapp)  # the window has its size
    canvas.toggle_side_by_side()
    settle(canvas)
    bar = bar_pixels(viewer, qapp)
    image = image_pixels(viewer, qapp)
    rows, columns = viewer.canvas.grid.actual_shape(viewer.layers)
    assert rows * columns >= n
    height, width = np.ceil(viewer.canvas.viewbox_size(viewer.layers)).astype(int)
    assert image.sum() > 0.2 * image.size, "images fill their cells"
    assert not (bar & image).any()
    assert not bar[height:].any()
    assert not bar[:, width:].any()


@pytest.mark.parametrize("low", [-1, 0])
def test_the_colour_bar_names_more_than_zero_whatever_the_limit(viewer, qapp, laid_out, low):
    # Numbers at which the bar of napari alone says 0, or 0 and 0.5
    canvas = laid_out((6, 20, 20), n=1, low=low, high=1)
    viewer.layers["a"].visible = False
    first = canvas.session.picture("where")
    for limit in (0.9, 0.45, 0.83, 0.0087, 8.4, 47.0):
        add(canvas.session, replace(first, volume=first.volume * np.float32(limit)))
        settle(canvas)
        found = np.argwhere(bar_pixels(viewer, qapp))
        ((top, bar),) = [(one, one.colorbar) for one in viewer.layers if _seen(one)]
        assert 1 <= top.contrast_limits[1] / limit < 1.3, "the picture of this limit"
        numbers = found[found[:, 1] > found[:, 1].min() + bar.size[0] + bar.tick_length + 4, 0]
        heights = np.unique(numbers)
        lines = 1 + (np.diff(heights) > 2).sum()
        assert lines >= (3 if low else 2), limit


def test_a_layer_that_is_opened_side_by_side_gets_a_cell_of_its_own(viewer, qapp, laid_out):
    canvas = laid_out((8, 20, 20), n=2)
    canvas.toggle_side_by_side()
    settle(canvas)
    before = shot_of(viewer, qapp)
    new = viewer.add_image(np.ones((8, 20, 20), np.float32), scale=(2, 2, 2), name="new")
    grid, layers = viewer.canvas.grid, viewer.layers
    found = [[layers[i] for i in at] for _, at in grid.iter_viewboxes(layers)]
    assert [new] in found
    assert [len(cell) for cell in found].count(2) == 2
    assert np.abs(shot_of(viewer, qapp) - before).max() > 100
    layers.remove(new)
    canvas.toggle_side_by_side()
    settle(canvas)
    assert not grid.enabled


def test_the_layers_of_the_first_case_come_one_at_a_time(viewer, qapp, qtbot):
    session = make_session()
    canvas = Canvas(viewer, session)
    numbers = []
    viewer.layers.events.inserted.connect(lambda event: numbers.append(len(viewer.layers)))
    encode(session)
    assert canvas.busy
    assert len(viewer.layers) == 0
    turns = []
    qtbot.waitUntil(lambda: turns.append(len(viewer.layers)) or not canvas.busy, timeout=20_000)
    assert numbers == [1, 2, 3, 4]
    visible = [layer.name for layer in viewer.layers if layer.visible]
    assert visible == ["T1"]
    assert viewer.layers.selection.active.name == "T1"
    assert viewer.canvas.overlays.text.visible
    session.select(case=1)
    encode(session)
    assert not canvas.busy, "the layers are there, so nothing is slow"
    canvas.close()


def test_of_a_case_that_is_left_before_it_is_there_nothing_is_shown(viewer, qapp, qtbot):
    session = make_session()
    canvas = Canvas(viewer, session)
    add(session, picture(session), picture(session, case=1))
    encode(session)
    inserted = viewer.layers.events.inserted
    inserted.connect(lambda event: QTimer.singleShot(0, lambda: session.select(case=1)))
    qtbot.waitUntil(lambda: session.selection.case == 1, timeout=20_000)
    assert not canvas.busy
    assert 0 < len(viewer.layers) < 4
    assert not [layer.name for layer in viewer.layers if layer.visible]
    encode(session)
    qtbot.waitUntil(lambda: not canvas.busy, timeout=20_000)
    for layer in viewer.layers:
        assert layer.metadata["napari-latentattr"]["key"][3] == session.volumes.cases[1]
    visible = [layer.name for layer in viewer.layers if layer.visible]
    assert visible == ["T1", "LA · map 0 · where in T1"]
    canvas.close()


def test_black_edges_do_not_make_the_images_smaller(viewer, qapp, laid_out):
    canvas = laid_out((8, 40, 40), n=4)
    for layer in viewer.layers:
        if layer.name in "abcd":
            body = np.zeros_like(layer.data)
            body[:, 10:30, 14:26] = GREY
            layer.data = body
    shot_of(viewer, qapp)
    canvas.toggle_side_by_side()
    settle(canvas)
    bar = bar_pixels(viewer, qapp)
    grey = image_pixels(viewer, qapp)
    assert not (bar & grey).any()
    cell = np.array(viewer.canvas.viewbox_size(viewer.layers))
    height, width = (np.ptp(np.argwhere(grey[: int(cell[0]), : int(cell[1])]), axis=0) + 1) / cell
    assert height > 0.7 or width > 0.6  # half of the cell when nothing is fitted
