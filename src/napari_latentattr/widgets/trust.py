"""Asks whether code that came with a model may run."""

from __future__ import annotations

from qtpy.QtWidgets import QMessageBox, QWidget


def is_trusted(error: Exception, parent: QWidget) -> bool:
    """Ask, with the path and the hash that the error names; no is the default.

    Parameters
    ----------
    error : UntrustedModelError
    """
    answer = QMessageBox.question(
        parent,
        "Run this code?",
        f"{error}\n\nRun it only if you made it yourself or trust who did.",
        QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No,
        QMessageBox.StandardButton.No,
    )
    return bool(answer == QMessageBox.StandardButton.Yes)
