"""A real window and the model of one; no test may leave a window of its own behind."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator

import napari
import pytest
from napari.components import ViewerModel
from npe2 import PluginManager
from qtpy.QtCore import QCoreApplication, QEvent
from qtpy.QtWidgets import QApplication

HAS_SCREEN = sys.platform != "linux" or bool(os.environ.get("DISPLAY"))


def _deferred_deletes() -> None:
    """`processEvents` alone leaves widgets alive that were told to delete themselves."""
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QApplication.processEvents()


@pytest.fixture(autouse=True)
def _no_leaked_windows(qapp: QApplication) -> Iterator[None]:
    """Fail a test that leaves top-level widgets behind."""
    before = set(QApplication.topLevelWidgets())
    yield
    _deferred_deletes()
    gc.collect()
    _deferred_deletes()
    leaked = [w for w in QApplication.topLevelWidgets() if w not in before]
    names = [f"{type(w).__name__} {w.objectName()!r}" for w in leaked]
    for widget in leaked:
        widget.close()
        widget.deleteLater()
    _deferred_deletes()
    assert not names, f"widgets without a parent were left open: {', '.join(names)}"


@pytest.fixture
def viewer(qapp: QApplication) -> Iterator[napari.Viewer]:
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
def viewer_model(monkeypatch: pytest.MonkeyPatch) -> ViewerModel:
    """What a window shows, without the window; knows the plugins of this environment."""
    manager = PluginManager()
    manager.discover()
    monkeypatch.setattr(PluginManager, "instance", lambda: manager)
    return ViewerModel()
