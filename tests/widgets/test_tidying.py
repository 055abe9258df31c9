"""Garbage is collected while idle, and nothing that is removed is held on to."""

from __future__ import annotations

import gc
import weakref

from napari.utils.events import EventedList
from qtpy.QtCore import QObject

from napari_latentattr.widgets import tidying
from napari_latentattr.widgets.tidying import Tidying


class Loop:
    """Holds itself, as layers do: only a search finds that nobody else does."""

    def __init__(self) -> None:
        self.itself = self


def test_what_was_there_is_left_out_of_the_search_until_the_end(qtbot, monkeypatch):
    monkeypatch.setattr(tidying, "_AFTER_MS", 1)
    gc.unfreeze()
    busy, owner = [True], QObject()
    one = Tidying(EventedList(), lambda: busy[0], owner)
    one.start()
    qtbot.wait(30)
    assert gc.get_freeze_count() == 0, "somebody would notice"
    busy[0] = False
    qtbot.waitUntil(lambda: gc.get_freeze_count() > 0, timeout=10_000)
    one.close()
    assert gc.get_freeze_count() == 0


def test_a_layer_that_was_there_is_given_back_after_it_was_removed(
    viewer_model, qtbot, monkeypatch
):
    monkeypatch.setattr(tidying, "_AFTER_MS", 1)
    owner, layers = QObject(), EventedList()
    one = Tidying(layers, lambda: False, owner)
    layer = Loop()
    layers.append(layer)
    there = weakref.ref(layer)
    one.start()
    qtbot.waitUntil(lambda: one._kept is not None, timeout=10_000)
    layers.clear()
    del layer
    gc.collect()
    assert there() is not None
    qtbot.waitUntil(lambda: there() is None, timeout=10_000)
    one.close()
