"""A few views of one thing side by side, one of them open: a tab bar in the look of the cards."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QTabBar

from napari_latentattr.widgets.palette import Colours, faded


class Segments(QTabBar):
    """A tab bar: keyboard and screen readers know it.

    Parameters
    ----------
    titles : str
    short : sequence of str
        What is painted where there is no room for all titles.
    """

    def __init__(self, *titles: str, short: Sequence[str] = ()) -> None:
        super().__init__()
        self._short = tuple(short) or titles
        self.setExpanding(True)
        self.setDrawBase(False)
        self.setUsesScrollButtons(False)
        for index, title in enumerate(titles):
            self.addTab(title)
            if self._short[index] != title:
                self.setTabToolTip(index, title)

    def tabSizeHint(self, index: int) -> QSize:
        """Room for the words when they are bold."""
        return self._room(self.tabText(index))

    def minimumTabSizeHint(self, index: int) -> QSize:
        """Never cut a word."""
        return self._room(self._short[index])

    def painted(self, index: int) -> str:
        """Words that are painted: the title, or the short one where not all titles fit."""
        tabs = range(self.count())
        fits = all(self.tabRect(i).width() >= self.tabSizeHint(i).width() for i in tabs)
        return self.tabText(index) if fits else self._short[index]

    def _room(self, text: str) -> QSize:
        metrics = QFontMetrics(self._face(bold=True))
        em = metrics.height()
        return QSize(metrics.horizontalAdvance(text) + em, round(1.7 * em))

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
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self.painted(index))
        painter.end()

    def _face(self, *, bold: bool) -> QFont:
        font = QFont(self.font())
        font.setBold(bold)
        return font
