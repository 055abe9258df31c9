"""Collects garbage once, while nobody waits for the window; what is there is left out from then on.

Opening a study makes so many objects that Python soon goes through all there are, for 200 ms; and
napari itself goes through all of them for every layer that is removed. Better once, while idle.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from qtpy.QtCore import QObject, QTimer

_YOUNG = 1  # objects that were made lately
_AFTER_MS = 1500  # by then the layers of a study are there


def leave_out() -> None:
    """Leave out what has come since, where a search was made already: it takes no time."""
    if gc.get_freeze_count():
        gc.collect(_YOUNG)
        gc.freeze()


class Tidying(QObject):
    """Waits for an idle moment.

    Parameters
    ----------
    layers : LayerList
        Of the viewer. What a layer held is given back also where it was there before.
    is_busy : callable
        Whether somebody would notice.
    """

    def __init__(self, layers: Any, is_busy: Callable[[], bool], parent: QObject) -> None:
        super().__init__(parent)
        self._layers, self._is_busy = layers, is_busy
        self._kept: WeakSet[Any] | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_AFTER_MS)
        self._timer.timeout.connect(self._tidy)
        layers.events.removed.connect(self._on_removed)

    def start(self) -> None:
        """Tidy up soon."""
        self._timer.start()

    def close(self) -> None:
        """Leave everything to Python again."""
        self._timer.stop()
        self._layers.events.removed.disconnect(self._on_removed)
        if self._kept is not None:
            gc.unfreeze()

    def _tidy(self) -> None:
        if not self._is_busy():
            self._timer.stop()
            gc.unfreeze()
            gc.collect()
            gc.freeze()
            self._kept = WeakSet(self._layers)

    def _on_removed(self, event: Any) -> None:
        if self._kept is not None and event.value in self._kept:
            self.start()
