"""Asks whether code that came with a model may run."""

from __future__ import annotations

from qtpy.QtWidgets import QMessageBox, QWidget


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
