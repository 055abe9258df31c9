"""The pages of the dock, each in an area that scrolls."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QScrollArea, QStackedWidget, QWidget


class Pages(QStackedWidget):
    """One page is seen at a time; a page that is too high scrolls, and none is wider.

    Parameters
    ----------
    *pages : QWidget
        In the order of the steps.
    """

    def __init__(self, *pages: QWidget) -> None:
        super().__init__()
        for page in pages:
            area = QScrollArea()
            area.setWidget(page)
            area.setWidgetResizable(True)
            area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            self.addWidget(area)
