"""A scatter of cases: click one, or drag around several. It says what was meant, no more."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import (
    QColor,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
)
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from napari_latentattr.core.clusters import Clusters
from napari_latentattr.widgets.case_colours import Kinds
from napari_latentattr.widgets.lettering import TypeSize, em, tooltip
from napari_latentattr.widgets.palette import Colours, faded
from napari_latentattr.widgets.scatter_paint import Marks, Points, paint_dots, paint_marks, places

_REACH = 0.9  # lines of type from a dot at which it is hit
_TALL = 15  # lines of type


class Scatter(QWidget):
    """Dots that can be clicked and circled.

    Signals
    -------
    picked : int
        Position of the case that was clicked.
    chosen : list of int
        Positions of the cases that were circled; empty when there were none.
    """

    picked = Signal(int)
    chosen = Signal(list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._found: Clusters | None = None
        self._kinds = Kinds(np.zeros(0, dtype=np.int64), ())
        self._marks = Marks((), -1, "", np.zeros(0, dtype=bool))
        self._dots: QPixmap | None = None
        self._way: list[QPointF] = []
        self._type = TypeSize(self)
        self._type.changed.connect(self._fit)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Where the cases lie")

    def set_cases(self, found: Clusters, kinds: Kinds) -> None:
        """Show these cases in these kinds."""
        if found is not self._found:
            self._marks = Marks((), -1, "", np.zeros(len(found.cases), dtype=bool))
        self._found, self._kinds, self._dots = found, kinds, None
        self.setAccessibleDescription(found.sentence())
        self.update()

    def mark(self, marks: Marks) -> None:
        """Ring cases; the dots are not painted again."""
        self._marks = marks
        self.update()

    def at(self) -> Points:
        """Pixels of the cases (N, 2)."""
        if self._found is None:
            return np.empty((0, 2))
        unit = em(self._type.face())
        rect = QRectF(self.rect()).adjusted(0, 0, 0, -1.4 * unit)
        return places(rect, self._found.embedding, unit)

    def hit(self, point: QPointF) -> int:
        """Position of the case under a point; -1 where there is none."""
        at = self.at()
        if not len(at):
            return -1
        distance = np.hypot(*(at - [point.x(), point.y()]).T)
        nearest = int(distance.argmin())
        return nearest if distance[nearest] <= _REACH * em(self._type.face()) else -1

    def sizeHint(self) -> QSize:
        """Room for the dots and the name below."""
        unit = em(self._type.face())
        return QSize(round(27 * unit), round(_TALL * unit))

    def minimumSizeHint(self) -> QSize:
        """Narrow enough for a dock at the largest type."""
        return QSize(round(16 * em(self._type.face())), self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the kept dots, and what lies over them."""
        if self._found is None:
            return
        colours, face = Colours.of(self.palette()), self._type.face()
        painter = QPainter(self)
        if self._dots is None or self._dots.deviceIndependentSize().toSize() != self.size():
            self._dots = self._painted(colours)
        painter.drawPixmap(0, 0, self._dots)
        paint_marks(painter, QRectF(self.rect()), self.at(), self._marks, colours, face)
        if len(self._way) > 1:
            painter.setPen(QPen(QColor(colours.accent), 1.5, Qt.PenStyle.DashLine))
            painter.setBrush(faded(colours.accent, 0.12))
            painter.drawPolygon(QPolygonF(self._way))
        painter.end()

    def _painted(self, colours: Colours) -> QPixmap:
        ratio = self.devicePixelRatioF()
        dots = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
        dots.setDevicePixelRatio(ratio)
        dots.fill(Qt.GlobalColor.transparent)
        painter = QPainter(dots)
        paint_dots(painter, self.at(), self._kinds, colours, em(self._type.face()))
        painter.end()
        return dots

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a click or a way around."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._way = [event.position()]

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Draw on, or name the case under the pointer."""
        if self._way:
            self._way.append(event.position())
            self.update()
            return
        case = self.hit(event.position())
        if case >= 0 and self._found is not None:
            said = f"{self._found.cases[case]}, patient {self._found.patients[case]}"
            QToolTip.showText(event.globalPosition().toPoint(), tooltip([said]), self)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End it: a short way is a click."""
        way, self._way = self._way, []
        self.update()
        if not way:
            return
        far = max(abs(p.x() - way[0].x()) + abs(p.y() - way[0].y()) for p in way)
        if far < 0.5 * em(self._type.face()):
            case = self.hit(event.position())
            if case >= 0:
                self.picked.emit(case)
            else:
                self.chosen.emit([])
        else:
            self.chosen.emit(np.flatnonzero(self._within(way)).tolist())

    def _within(self, way: list[QPointF]) -> npt.NDArray[np.bool_]:
        path = QPainterPath()
        path.addPolygon(QPolygonF([*way, way[0]]))
        return np.array([path.contains(QPointF(x, y)) for x, y in self.at()], dtype=bool)

    def changeEvent(self, event: QEvent) -> None:
        """Paint the dots anew in the colours of another theme."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.PaletteChange):
            self._dots = None
            self.update()

    def _fit(self) -> None:
        self._dots = None
        self.updateGeometry()
        self.update()
