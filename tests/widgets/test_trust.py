"""Nothing runs unless the button that says so was clicked."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication, QMessageBox, QWidget

from napari_latentattr.core.errors import UntrustedModelError
from napari_latentattr.widgets.trust import is_trusted, question

ERROR = UntrustedModelError("mine.py (sha256 3f2a) is Python code")


@pytest.fixture
def parent(qtbot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    return made


def _answer(parent: QWidget, act) -> bool:
    QTimer.singleShot(50, lambda: act(QApplication.activeModalWidget()))
    return is_trusted(ERROR, parent)


def _named(box: QMessageBox, text: str):
    return next(b for b in box.buttons() if b.text().replace("&", "") == text)


def test_the_buttons_say_what_they_do_and_not_to_run_is_the_default(parent):
    box = question(ERROR, parent)
    assert {b.text().replace("&", "") for b in box.buttons()} == {"Run it", "Do not run"}
    assert box.defaultButton() is _named(box, "Do not run")
    assert "3f2a" in box.text()


@pytest.mark.parametrize(
    ("act", "runs"),
    [
        (lambda box: _named(box, "Run it").click(), True),
        (lambda box: _named(box, "Do not run").click(), False),
        (lambda box: box.close(), False),
    ],
)
def test_only_the_button_that_says_so_runs_it(parent, act, runs):
    assert _answer(parent, act) is runs


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Escape])
def test_neither_enter_nor_escape_runs_it(parent, qtbot, key):
    assert not _answer(parent, lambda box: qtbot.keyClick(box, key))
