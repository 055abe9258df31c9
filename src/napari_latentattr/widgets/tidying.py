"""Collects garbage once, while nobody waits for the window.

Opening a study makes so many objects that Python soon goes through all there are, for 200 ms;
better then than amid work.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

from qtpy.QtCore import QObject, QTimer

_AFTER_MS = 1500  # by then the layers of a study are there


class Tidying(QObject):
    """Waits for an idle moment.

    Parameters
    ----------
    is_busy : callable
        Whether somebody would notice.
    """

    def __init__(self, is_busy: Callable[[], bool], parent: QObject) -> None:
        super().__init__(parent)
        self._is_busy = is_busy
        self._timer = QTimer(self)
        self._timer.setInterval(_AFTER_MS)
        self._timer.timeout.connect(self._tidy)

    def start(self) -> None:
        """Tidy up soon."""
        self._timer.start()

    def _tidy(self) -> None:
        if not self._is_busy():
            self._timer.stop()
            gc.collect()
