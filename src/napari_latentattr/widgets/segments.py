"""A few views of one thing side by side, one of them open: a tab bar in the look of the cards."""

from __future__ import annotations

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QTabBar

from napari_latentattr.widgets.palette import Colours, faded


class Segments(QTabBar):
    """A tab bar: keyboard and screen readers know it."""

    def __init__(self, *titles: str) -> None:
        super().__init__()
        self.setExpanding(True)
        self.setDrawBase(False)
        self.setUsesScrollButtons(False)
        for title in titles:
            self.addTab(title)

    def tabSizeHint(self, index: int) -> QSize:
        """Room for the words when they are bold."""
        metrics = QFontMetrics(self._face(bold=True))
        em = metrics.height()
        return QSize(metrics.horizontalAdvance(self.tabText(index)) + em, round(1.7 * em))

    def minimumTabSizeHint(self, index: int) -> QSize:
        """Never cut a word."""
        return self.tabSizeHint(index)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint every view; the open one in the colour of what is selected."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        # A style sheet gives a tab bar a palette of its own.
        colours = Colours.of((self.parentWidget() or self).palette())
        painter.fillRect(self.rect(), QColor(colours.card))
        for index in range(self.count()):
            here = index == self.currentIndex()
            box = QRectF(self.tabRect(index)).adjusted(1, 1, -1, -1)
            painter.setBrush(QColor(colours.accent) if here else faded(colours.text, 0.08))
            painter.setPen(QPen(QColor(colours.accent if here else colours.line), 1))
            if here and self.hasFocus():
                painter.setPen(QPen(QColor(colours.text), 2))
            painter.drawRoundedRect(box, 4, 4)
            painter.setFont(self._face(bold=here))
            painter.setPen(QColor("white" if here else colours.text))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self.tabText(index))
        painter.end()

    def _face(self, *, bold: bool) -> QFont:
        font = QFont(self.font())
        font.setBold(bold)
        return font
