"""A widget that follows the session only while somebody looks, and catches up when it is shown."""

from __future__ import annotations

from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QWidget


class Late(QWidget):
    """Base of what is costly to bring up to date and often hidden; says in `_show` how."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stale = True

    def refresh(self, *_: object) -> None:
        """Follow what has changed, once somebody looks."""
        self._stale = True
        if self.isVisible():
            self.catch_up()

    def showEvent(self, event: QShowEvent) -> None:
        """Show what came while something else was looked at."""
        super().showEvent(event)
        self.catch_up()

    def catch_up(self) -> None:
        """Show what has changed since the last time."""
        if self._stale:
            self._stale = False
            self._show()

    def _show(self) -> None:
        raise NotImplementedError
