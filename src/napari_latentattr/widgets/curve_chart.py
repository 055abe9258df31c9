"""How far a map moves while the voxels that a picture marks are exchanged, beside random orders.

It draws the curves that it is given; what they mean was decided elsewhere.
"""

from __future__ import annotations

from math import isnan

import numpy as np
from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_latentattr.core.sanity import Curve, SanityCheck
from napari_latentattr.core.types import Float64
from napari_latentattr.widgets.lettering import (
    CENTRE,
    SMALL,
    TypeSize,
    em,
    scaled,
    tooltip,
    write,
)
from napari_latentattr.widgets.palette import Colours, faded

_NAMES = ("deletion", "insertion")
_TALL = 8.0  # lines of type
_TICKS = ((1 / 64, "1/64"), (1 / 8, "1/8"), (1.0, "all"))


def curve_points(rect: QRectF, curve: Curve, moved: Float64) -> list[QPointF]:
    """Pixels of one line: shares in even steps to the right, as they double; the whole move up."""
    whole, last = float(curve.moved[-1]), len(curve.shares) - 1
    heights = np.zeros(len(moved)) if whole == 0 else np.clip(moved / whole, 0, 1.2) / 1.2
    return [
        QPointF(rect.left() + rect.width() * i / last, rect.bottom() - rect.height() * float(h))
        for i, h in enumerate(heights)
    ]


def paint_curve(
    painter: QPainter, rect: QRectF, name: str, curve: Curve, colours: Colours, font: QFont
) -> None:
    """Paint the curve of the picture over the band of random orders, with its name and p."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    small = scaled(font, SMALL)
    line = 1.25 * em(small)
    plot = rect.adjusted(0.6 * line, line, -0.6 * line, -2 * line)
    painter.setFont(small)
    write(painter, QRectF(rect.left(), rect.top(), rect.width(), line), name, colours.text)
    low = curve_points(plot, curve, curve.random.min(axis=0))
    high = curve_points(plot, curve, curve.random.max(axis=0))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(faded(colours.muted, 0.4))
    painter.drawPolygon(QPolygonF([*low, *reversed(high)]))
    painter.setPen(QPen(QColor(colours.line), 1))
    painter.drawLine(plot.bottomLeft(), plot.bottomRight())
    painter.setPen(QPen(QColor(colours.drives), 2))
    painter.drawPolyline(QPolygonF(curve_points(plot, curve, curve.moved)))
    places = curve_points(plot, curve, np.zeros(len(curve.shares)))
    for share, words in _TICKS:
        near = int(np.abs(curve.shares - share).argmin())
        box = QRectF(places[near].x() - 2 * line, plot.bottom(), 4 * line, line)
        box.moveRight(min(box.right(), rect.right() + 1.4 * line))
        write(painter, box, words, colours.muted, align=CENTRE)
    said = "nothing moves it" if isnan(curve.p) else f"lead {curve.area:.2f}, p = {curve.p:.2f}"
    end = QRectF(rect.left(), plot.bottom() + line, rect.width(), line)
    write(painter, end, said, colours.muted, align=CENTRE)


def curve_words(found: SanityCheck) -> str:
    """Say in words what the chart shows."""
    parts = []
    for name in _NAMES:
        curve: Curve = getattr(found, name)
        parts.append(
            f"{name}: nothing moves the map"
            if isnan(curve.p)
            else f"{name}: {curve.area:.2f} of the whole move ahead of {len(curve.random)} random "
            f"orders, p = {curve.p:.2f}"
        )
    return "; ".join(parts)


class CurveChart(QWidget):
    """Deletion and insertion side by side."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._found: SanityCheck | None = None
        self._type = TypeSize(self)
        self._type.changed.connect(self._fit)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Deletion and insertion curves")

    def set_check(self, found: SanityCheck | None) -> None:
        """Show the curves of a check."""
        self._found = found
        words = "" if found is None else curve_words(found)
        about = "Share of voxels exchanged, those first that the picture marks; grey: random orders"
        self.setAccessibleDescription(words)
        self.setToolTip(tooltip([about, words]) if words else "")
        self.update()

    def sizeHint(self) -> QSize:
        """Two plots with a line above each and two below."""
        unit = em(self._type.face())
        return QSize(round(26 * unit), round(_TALL * unit))

    def minimumSizeHint(self) -> QSize:
        """Narrow enough for a dock at the largest type."""
        unit = em(self._type.face())
        return QSize(round(16 * unit), round(_TALL * unit))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint in the colours of the palette."""
        if self._found is None:
            return
        painter, face = QPainter(self), self._type.face()
        rect, colours = QRectF(self.rect()), Colours.of(self.palette())
        gap = em(face)
        wide = (rect.width() - gap) / 2
        for i, name in enumerate(_NAMES):
            box = QRectF(rect.left() + i * (wide + gap), rect.top(), wide, rect.height())
            paint_curve(painter, box, name, getattr(self._found, name), colours, face)
        painter.end()

    def _fit(self) -> None:
        self.updateGeometry()
        self.update()
