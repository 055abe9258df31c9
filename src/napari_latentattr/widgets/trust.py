"""Asks whether code that came with a model may run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtWidgets import QMessageBox, QWidget

from napari_latentattr.jobs import Job


class Trusting:
    """Starts a job that may ask for trust in code, and starts it anew once that is given.

    Parameters
    ----------
    start : callable
        Makes a job and runs it.
    parent : QWidget
        The question is asked over it.
    """

    def __init__(self, start: Callable[[Callable[[], Job[Any]]], None], parent: QWidget) -> None:
        self._start, self._parent = start, parent
        self._maker: Callable[[bool], Job[Any]] | None = None

    def start(self, make: Callable[[bool], Job[Any]]) -> None:
        """Run the job without trust."""
        self._maker = make
        self._start(lambda: make(False))

    def ask(self, error: Exception) -> None:
        """Run the last job with trust, if that is given."""
        make = self._maker
        if make is not None and is_trusted(error, self._parent):
            self._start(lambda: make(True))


def question(error: Exception, parent: QWidget) -> QMessageBox:
    """Return the question, with what the error names; not to run is the default.

    Parameters
    ----------
    error : UntrustedModelError
    """
    box = QMessageBox(
        QMessageBox.Icon.Question,
        "Run this code?",
        f"{error}\n\nRun it only if you made it yourself or trust who did.",
        parent=parent,
    )
    box.addButton("Run it", QMessageBox.ButtonRole.AcceptRole)
    stop = box.addButton("Do not run", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(stop)
    box.setEscapeButton(stop)
    return box


def is_trusted(error: Exception, parent: QWidget) -> bool:
    """Ask; closing the question is a no."""
    box = question(error, parent)
    box.exec()
    clicked = box.clickedButton()
    answer = clicked is not None and box.buttonRole(clicked) == QMessageBox.ButtonRole.AcceptRole
    box.deleteLater()
    return bool(answer)
