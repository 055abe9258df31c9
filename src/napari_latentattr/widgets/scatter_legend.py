"""What the shapes and colours of a scatter mean."""

from __future__ import annotations

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_latentattr.widgets.case_colours import LEVELS, NO_KIND, Kinds
from napari_latentattr.widgets.lettering import TypeSize, em, width, write
from napari_latentattr.widgets.palette import Colours
from napari_latentattr.widgets.scatter_paint import paint_stamp

_RING = "representative case"
_LINE = 1.4


class ScatterLegend(QWidget):
    """One entry a kind, in as many lines as it takes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kinds: Kinds | None = None
        self._ringed = False
        self._type = TypeSize(self)
        self._type.changed.connect(self.updateGeometry)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("legend")

    def set_kinds(self, kinds: Kinds, *, ringed: bool) -> None:
        """Explain these kinds, and the ring where there is one."""
        self._kinds, self._ringed = kinds, ringed
        self.setAccessibleDescription(", ".join(word for _, word in self._entries()))
        self.setFixedHeight(self._height(self.width()))
        self.update()

    def _entries(self) -> list[tuple[int | None, str]]:
        """Kind and word of each; None stands for the ring."""
        kinds = self._kinds
        if kinds is None:
            return []
        ends = (0, LEVELS - 1) if kinds.scale else range(len(kinds.words))
        found: list[tuple[int | None, str]] = list(zip(ends, kinds.words, strict=True))
        if kinds.rest:
            found.append((NO_KIND, kinds.rest))
        return [*found, (None, _RING)] if self._ringed else found

    def _laid(self, room: float) -> list[tuple[QRectF, int | None, str]]:
        face = self._type.face()
        unit = em(face)
        x, y, laid = 0.0, 0.0, []
        for kind, word in self._entries():
            wide = min(width(face, word) + 2.2 * unit, room)
            if x and x + wide > room:
                x, y = 0.0, y + _LINE * unit
            laid.append((QRectF(x, y, wide, _LINE * unit), kind, word))
            x += wide
        return laid

    def _height(self, room: float) -> int:
        laid = self._laid(max(room, 16 * em(self._type.face())))
        return round(laid[-1][0].bottom()) + 1 if laid else 0

    def resizeEvent(self, event: object) -> None:
        """Take the lines that this width needs."""
        self.setFixedHeight(self._height(self.width()))

    def sizeHint(self) -> QSize:
        """Height for this width."""
        return QSize(round(20 * em(self._type.face())), self._height(self.width()))

    def minimumSizeHint(self) -> QSize:
        """Narrow enough for a dock at the largest type."""
        return QSize(round(16 * em(self._type.face())), self._height(self.width()))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint each kind beside its word."""
        if self._kinds is None:
            return
        painter, face = QPainter(self), self._type.face()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours, unit = Colours.of(self.palette()), em(face)
        painter.setFont(face)
        for box, kind, word in self._laid(self.width()):
            centre = QPointF(box.left() + 0.7 * unit, box.center().y())
            if kind is None:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(QColor(colours.text), 1.8))
                painter.drawEllipse(centre, 0.45 * unit, 0.45 * unit)
            else:
                paint_stamp(painter, centre, kind, self._kinds, colours, unit)
            words = box.adjusted(1.4 * unit, 0, 0, 0)
            write(painter, words, word, colours.text)
        painter.end()
