"""When the window around a widget is there, is asked to close, and is gone."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QTimer, Signal
from qtpy.QtWidgets import QWidget


class WindowEnd(QObject):
    """Watches the window of a widget.

    Signals
    -------
    asked : ()
        The window is asked to close; one may still say no.
    gone : ()
        It closed.
    """

    asked = Signal()
    gone = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._window: QWidget | None = None
        self._asked = False
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._tell_if_gone)

    def watch(self, window: QWidget) -> bool:
        """Watch the first window that is given; False where one is watched already."""
        if self._window is not None:
            return False
        self._window = window
        window.installEventFilter(self)
        return True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Look on."""
        if watched is self._window and event.type() == QEvent.Type.Close:
            self._asked = True
            self.asked.emit()
        elif watched is self._window and event.type() == QEvent.Type.Hide and self._asked:
            self._soon.start(0)
        return False

    def _tell_if_gone(self) -> None:
        if self._window is not None and not self._window.isVisible():
            self.gone.emit()
