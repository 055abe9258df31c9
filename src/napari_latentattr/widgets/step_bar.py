"""The steps of the dock: where one is, what is done, what comes next."""

from __future__ import annotations

from dataclasses import dataclass

from qtpy.QtCore import QPointF, QRect, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QTabBar, QWidget

from napari_latentattr.widgets.palette import Colours


@dataclass(frozen=True, slots=True)
class Step:
    """A step with its name and the sentence that explains it."""

    key: str
    title: str
    tip: str


STEPS = (
    Step("study", "Study", "Bring the images and the model"),
    Step("maps", "Maps", "Which latent maps carry the outcome"),
    Step("inspect", "Inspect", "Which image drives one map, and where"),
    Step(
        "cohort", "Cohort", "Which cases look alike to the model, and a typical one of each group"
    ),
)


class StepBar(QTabBar):
    """A tab bar: keyboard and screen readers know it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._done = {step.key: False for step in STEPS}
        self.setDrawBase(False)
        self.setExpanding(True)
        self.setUsesScrollButtons(False)
        self.setAccessibleName("steps")
        for index, step in enumerate(STEPS):
            self.addTab(step.title)
            self.setTabToolTip(index, f"{step.tip} (Ctrl+{index + 1})")
        self.setMouseTracking(True)

    def set_done(self, key: str, *, done: bool) -> None:
        """Show a tick instead of the number."""
        self._done[key] = done
        index = [step.key for step in STEPS].index(key)
        self.setAccessibleTabName(index, f"{STEPS[index].title}{', done' if done else ''}")
        self.update()

    def tabSizeHint(self, index: int) -> QSize:
        """Room for a number and the word."""
        em = self.fontMetrics().height()
        return QSize(round(self._word(index) + 1.7 * em), round(2.1 * em))

    def _word(self, index: int) -> int:
        """Width of a word as it is where one stands: bold."""
        font = self.font()
        font.setBold(True)
        return int(QFontMetrics(font).horizontalAdvance(STEPS[index].title))

    def minimumTabSizeHint(self, index: int) -> QSize:
        """Never cut a word."""
        return self.tabSizeHint(index)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint every step."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = Colours.of((self.parentWidget() or self).palette())
        painter.fillRect(self.rect(), QColor(colours.background))
        for index in range(self.count()):
            self._paint_step(painter, index, colours)

    def _paint_step(self, painter: QPainter, index: int, colours: Colours) -> None:
        rect, here = self.tabRect(index), index == self.currentIndex()
        em = self.fontMetrics().height()
        left = rect.center().x() - (self._word(index) + 1.35 * em) / 2
        badge = QRectF(left, rect.center().y() - 0.55 * em, 1.1 * em, 1.1 * em)
        if self._done[STEPS[index].key] and not here:
            _paint_tick(painter, badge, QColor(colours.ok))
        else:
            fill = QColor(colours.accent if here else colours.line)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(fill)
            painter.drawEllipse(badge)
            painter.setPen(QColor("white" if here else colours.text))
            painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, str(index + 1))
        font = self.font()
        font.setBold(here)
        painter.setFont(font)
        painter.setPen(QColor(colours.text if here else colours.muted))
        words = QRect(round(left + 1.35 * em), rect.top(), rect.right(), rect.height())
        painter.drawText(
            words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, STEPS[index].title
        )
        painter.setFont(self.font())
        line = QColor(colours.accent if here else colours.line)
        painter.setPen(QPen(line, 2 if here else 1))
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        if here and self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(line, 1, Qt.PenStyle.DotLine))
            painter.drawRect(rect.adjusted(2, 2, -3, -4))


def _paint_tick(painter: QPainter, box: QRectF, colour: QColor) -> None:
    painter.setPen(QPen(colour, max(2.0, box.height() / 7)))
    at = [(0.15, 0.55), (0.42, 0.8), (0.88, 0.25)]
    points = [QPointF(box.x() + x * box.width(), box.y() + y * box.height()) for x, y in at]
    painter.drawPolyline(QPolygonF(points))
