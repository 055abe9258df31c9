"""A real window and the model of one; no test may leave a window of its own behind."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import napari
import pytest
from napari.components import ViewerModel
from npe2 import PluginManager
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QCoreApplication, QEvent
from qtpy.QtWidgets import QApplication, QMenu, QWidget

from napari_latentattr.ranking import effort
from napari_latentattr.widgets import entrance
from napari_latentattr.widgets.dock import LatentAttribution

_known_for: Path | None = None
HAS_SCREEN = sys.platform != "linux" or bool(os.environ.get("DISPLAY"))


def _deferred_deletes() -> None:
    """`processEvents` alone leaves widgets alive that were told to delete themselves."""
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QApplication.processEvents()


def _root(widget: QWidget) -> QWidget:
    """Window that a list or a menu drops down from, as long as that window lives."""
    while (parent := widget.parentWidget()) is not None:
        widget = parent
    return widget


@pytest.fixture(autouse=True)
def _no_leaked_windows(qapp: QApplication, request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves top-level widgets behind."""
    before = set(QApplication.topLevelWidgets())
    # napari's menus for a layer live as long as its window.
    lasting = (QMenu,) if "shared_viewer" in request.fixturenames else ()

    def left() -> list[QWidget]:
        _deferred_deletes()
        new = [w for w in QApplication.topLevelWidgets() if w not in before]
        return [w for w in new if _root(w) not in before and not isinstance(w, lasting)]

    yield
    leaked = left()
    if leaked:  # it takes 0.2 s
        gc.collect()
        leaked = left()
    names = [f"{type(w).__name__} {w.objectName()!r}" for w in leaked]
    for widget in leaked:
        widget.close()
        widget.deleteLater()
    _deferred_deletes()
    assert not names, f"widgets without a parent were left open: {', '.join(names)}"


@pytest.fixture(autouse=True)
def _known_objects(request: pytest.FixtureRequest) -> None:
    """Keep what is there for good out of the search for garbage, anew for each file.

    napari goes through all objects for every layer that is removed, 0.2 s each time. A dock that
    ends puts all of them back into the search.
    """
    global _known_for
    if request.path != _known_for or not gc.get_freeze_count():
        gc.collect()
        gc.freeze()
        _known_for = request.path


@pytest.fixture(autouse=True)
def _small_forests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rank with fewer trees: what a window shows of a ranking does not depend on their number."""
    monkeypatch.setattr(effort, "STANDARD", replace(effort.STANDARD, trees=5))


@contextmanager
def a_window(qapp: QApplication) -> Iterator[napari.Viewer]:
    """A window with a canvas that draws; skipped where there is no screen."""
    if not HAS_SCREEN:
        pytest.skip("needs a screen: xvfb-run")
    made = napari.Viewer(show=True)
    made.window.resize(800, 600)
    for _ in range(5):
        qapp.processEvents()
    yield made
    made.close()


@pytest.fixture
def viewer(qapp: QApplication) -> Iterator[napari.Viewer]:
    """A window for one test."""
    with a_window(qapp) as made:
        yield made


@pytest.fixture(scope="module")
def _window(qapp: QApplication) -> Iterator[napari.Viewer]:
    with a_window(qapp) as made:
        yield made
    _deferred_deletes()
    gc.collect()
    _deferred_deletes()


@pytest.fixture
def shared_viewer(_window: napari.Viewer) -> Iterator[napari.Viewer]:
    """One window for all tests of a file, each time without layers; opening one takes a second."""
    known = set(_window.canvas.overlays)
    yield _window
    _window.layers.clear()
    for name in set(_window.canvas.overlays) - known:
        _window.canvas.overlays.pop(name)
    _window.dims.ndisplay, _window.dims.order = 2, (0, 1)
    _window.scene.camera.orientation2d = ("down", "right")
    _window.theme = "dark"


def put_away(dock: LatentAttribution, qtbot: QtBot) -> None:
    """End a dock, and take it out of its window, which may live on."""
    dock.shut()
    qtbot.waitUntil(lambda: not dock.runner.leaving and not dock.keeping.busy, timeout=30_000)
    window = dock.viewer.window
    if dock.parent() is not None:
        window.remove_dock_widget(dock)
    delattr(window, entrance._ATTRIBUTE)
    dock.deleteLater()


@pytest.fixture
def viewer_model(monkeypatch: pytest.MonkeyPatch) -> ViewerModel:
    """What a window shows, without the window; knows the plugins of this environment."""
    manager = PluginManager()
    manager.discover()
    monkeypatch.setattr(PluginManager, "instance", lambda: manager)
    return ViewerModel()
