"""Opening the dock: nothing but the dock appears."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QWidget

from napari_latentattr.widgets.entrance import dock_in
from napari_latentattr.widgets.text import Words


class Windows(QObject):
    """Notes widgets that are shown as windows of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(watched, QWidget) and event.type() == QEvent.Type.Show and watched.isWindow():
            self.seen.append(type(watched).__name__)
        return False


def test_no_part_of_the_dock_is_ever_a_window_of_its_own(viewer, qapp) -> None:
    windows = Windows()
    qapp.installEventFilter(windows)
    dock = dock_in(viewer)
    qapp.processEvents()
    qapp.removeEventFilter(windows)
    assert windows.seen == []
    dock.shut()


def test_words_without_a_parent_are_shown_with_what_they_are_put_into(qtbot) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    said, silent, late = Words("a"), Words(), Words()
    late.say("b")
    for words in (said, silent, late):
        assert not words.isVisible()
        words.setParent(page)
    page.show()
    assert [words.isVisible() for words in (said, silent, late)] == [True, False, True]
