"""Parts of maps, checks, traversals and the star in a real window; one window for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import napari
import numpy as np
import pytest
from napari.settings import get_settings
from qtpy.QtCore import QCoreApplication, QEvent
from tests.io.test_record_reading import ranking

from napari_latentattr.core.place import WHOLE, Place
from napari_latentattr.widgets.dock import LatentAttribution
from napari_latentattr.widgets.entrance import dock_in

from .conftest import HAS_SCREEN


@pytest.fixture(scope="module")
def dock(qapp, tiny_study: Path, tmp_path_factory) -> Iterator[LatentAttribution]:
    if not HAS_SCREEN:
        pytest.skip("needs a screen: xvfb-run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NAPARI_LATENTATTR_DATA", str(tmp_path_factory.mktemp("kept")))
        appearance = get_settings().appearance
        before, appearance.font_size = appearance.font_size, 9
        viewer = napari.Viewer(show=True)
        viewer.window.resize(1100, 800)
        made = dock_in(viewer)
        made.open_path(tiny_study)
        yield made
        made.shut()
        viewer.close()
        appearance.font_size = before
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture(autouse=True)
def _no_leaked_windows() -> None:
    """One window lives on from test to test, with the lists that drop down from it."""


@pytest.fixture
def done(dock: LatentAttribution, qtbot) -> Callable[[], None]:
    def wait() -> None:
        for _ in range(2):
            qtbot.waitUntil(lambda: not dock.runner.busy and not dock.canvas.busy, timeout=60_000)
            qtbot.wait(30)
        assert not dock.footer.dismiss.isVisible(), dock.footer.title.text()

    return wait


@pytest.fixture(autouse=True)
def _fresh(dock: LatentAttribution, done) -> None:
    """Every test begins with the first map of the first case and no pictures."""
    dock.footer.ready()
    done()
    dock.session.clear()
    dock.session.select(map=0, channel=0, case=0, place=WHOLE)
    dock.show_step("inspect")
    dock.inspect.closer.views.setCurrentIndex(0)
    done()


def choose(dock: LatentAttribution, text: str) -> None:
    place = dock.inspect.closer.place
    index = place.findText(text)
    assert index >= 0
    place.setCurrentIndex(index)
    place.activated.emit(index)


def overlay(dock: LatentAttribution) -> str:
    return next(one.name for one in dock.viewer.layers if "· where" in one.name)


def show_where(dock: LatentAttribution, done, text: str) -> None:
    choose(dock, text)
    dock.inspect.closer.go.click()
    done()


def test_layer_and_caption_say_of_which_part_a_picture_is(dock, done) -> None:
    for text, place, words in (
        ("inside blob", Place(region="blob"), "blob"),
        ("one latent, at the cursor", None, "latent "),
    ):
        show_where(dock, done, text)
        shown = dock.session.picture("where")
        assert shown.place == (place or dock.session.selection.place)
        assert not shown.place.is_whole
        assert f"where in bright ({words}" in overlay(dock)
        assert f"of {shown.place}" in dock.viewer.canvas.overlays.text.text
    choose(dock, "the whole map")
    assert "not made yet" in overlay(dock)
    choose(dock, "inside blob")
    assert overlay(dock).endswith("where in bright (blob)")


def test_a_latent_moves_nothing_beyond_its_field(dock, done) -> None:
    show_where(dock, done, "one latent, at the cursor")
    shown = dock.session.picture("where")
    spec = dock.session.study.model.spec
    moved = np.argwhere(shown.volume.any(axis=0))
    assert len(moved) > 0
    assert (np.ptp(moved, axis=0) < np.array(spec.receptive_field) + spec.stride).all()


def test_painted_labels_are_a_part_that_one_can_ask_about(dock, done) -> None:
    dock.viewer._new_labels()
    layer = dock.viewer.layers.selection.active
    try:
        layer.name = "painted"
        layer.data[2:12, 2:12, 2:12] = 1
        dock.inspect.closer.refresh()
        show_where(dock, done, "inside layer painted")
        assert "(layer painted)" in overlay(dock)
        assert dock.session.picture("where").place == Place(layer="painted")
    finally:
        dock.viewer.layers.remove(layer)


def test_a_check_is_shown_beside_its_picture_and_its_map_and_is_there_again(
    dock, done, tiny_study, qtbot
) -> None:
    show_where(dock, done, "inside blob")
    part = dock.inspect.closer.check
    assert part.button.text().startswith("Check this picture  ~")
    part.button.click()
    done()
    (found,) = dock.session.results.checks
    assert part.pill.isVisible()
    assert part.pill.accessibleName().startswith(found.verdict)
    assert part.chart.isVisible()
    assert dock.maps.table.rows.check(0) == found.verdict
    dock.session.undo()
    assert part.button.isVisible()
    dock.session.keep(dock.session.results.with_check(found))

    dock.keeping.save_now()
    dock.open_path(tiny_study)
    done()
    dock.show_step("inspect")
    (again,) = dock.session.results.checks
    assert again.sentence() == found.sentence()
    assert dock.session.selection.place == Place(region="blob")
    assert part.pill.accessibleName().startswith(found.verdict)
    choose(dock, "the whole map")
    assert not part.isVisible()


def test_a_check_can_be_cancelled(dock, done, qtbot) -> None:
    show_where(dock, done, "inside blob")
    dock.inspect.closer.check.button.click()
    assert dock.runner.busy
    dock.footer.cancel.click()
    qtbot.waitUntil(lambda: not dock.runner.busy, timeout=10_000)
    qtbot.waitUntil(lambda: not dock.runner.leaving, timeout=10_000)
    assert dock.footer.title.text().startswith("Stopped")
    assert dock.session.results.checks == ()
    dock.footer.ready()


def test_a_method_of_the_whole_map_is_asked_about_that(dock, done) -> None:
    choose(dock, "inside blob")
    method = dock.inspect.closer.method
    method.setCurrentIndex(method.findData("channel_shapley"))
    assert not dock.inspect.closer.place.isEnabled()
    dock.inspect.closer.go.click()
    done()
    assert dock.session.picture("where").place == WHOLE
    method.setCurrentIndex(method.findData("swaps"))
    assert dock.inspect.closer.place.isEnabled()


def test_a_traversal_has_a_slider_that_goes_with_it(dock, done, qtbot) -> None:
    closer, dims = dock.inspect.closer, dock.viewer.dims
    assert not closer.traverse.isVisible()
    closer.views.setCurrentIndex(1)
    closer.traverse.click()
    done()
    layer = dock.viewer.layers.selection.active
    assert layer.name == "LA · map 0 · traversal in bright"
    assert dims.axis_labels == ("step", "map", "I", "P", "L")
    sliders = dock.viewer.window._qt_viewer.dims.slider_widgets
    shown = [s.axis_label.text() for s in sliders if s.isVisible()]
    assert set(shown) == {"step", "map", "I"}
    assert "9 steps" in closer.note.text()
    pictures = []
    for step in (0, 8):
        dims.set_current_step(0, step)
        qtbot.wait(20)
        pictures.append(dock.viewer.screenshot(canvas_only=True, flash=False).astype(int))
    assert np.abs(pictures[0] - pictures[1]).max() > 10
    dims.set_current_step(1, 2)
    done()
    assert dock.session.selection.map == 2
    shown = [s.axis_label.text() for s in sliders if s.isVisible()]
    assert set(shown) == {"map", "I"}
    assert not layer.visible
    assert not np.any(layer.data)
    dock.session.select(map=0)
    dock.viewer.dims.ndisplay = 3
    qtbot.wait(20)
    dock.viewer.dims.ndisplay = 2
    dock.undo()
    assert dims.nsteps[0] == 1


def test_the_star_keeps_what_is_on_top_and_leaves_it_alone(dock, done) -> None:
    dock.context.star.click()
    assert "There is no picture to keep yet" in dock.footer.detail.text()
    show_where(dock, done, "the whole map")
    dock.context.star.click()
    kept = next(one for one in dock.viewer.layers if one.name.startswith("★"))
    try:
        assert kept.name in dock.footer.detail.text().replace("\u200b", "")
        before = kept.data.copy()
        show_where(dock, done, "inside blob")
        np.testing.assert_array_equal(kept.data, before)
        assert dock.context.star.accessibleName() == "keep the picture"
        assert "copy" in dock.context.star.toolTip()
    finally:
        dock.viewer.layers.remove(kept)


def test_a_low_window_shows_the_table_and_a_high_one_the_whole_gate(dock, done, qtbot) -> None:
    dock.show_step("maps")
    dock.maps.gate.set_ranking(ranking())
    maps, window = dock.maps, dock.viewer.window._qt_window
    before = window.size()
    window.resize(1100, 560)
    qtbot.waitUntil(lambda: not maps.gate.chart.isVisible(), timeout=2_000)
    seen = dock.pages.currentWidget().viewport()

    def below_the_top_of_the_table() -> int:
        return seen.height() - maps.table.mapTo(seen, maps.table.rect().topLeft()).y()

    line = maps.table.fontMetrics().height()
    qtbot.waitUntil(lambda: below_the_top_of_the_table() > 4 * line, timeout=2_000)
    assert "AUC" in maps.gate.pill.accessibleName()
    maps.gate.more.click()
    assert maps.gate.chart.isVisible()
    maps.gate.more.click()
    window.resize(1100, 1000)
    qtbot.waitUntil(maps.gate.chart.isVisible, timeout=2_000)
    assert not maps.gate.more.isVisible()
    window.resize(before)
