"""A shape for every verdict, so that colour is never the only sign; painted, for fonts differ."""

from __future__ import annotations

from math import cos, pi, sin

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPen, QPolygonF

from napari_latentattr.core.verdict_words import NOT_FINAL
from napari_latentattr.widgets.palette import Colours

_DASHES = 7


def paint_verdict(painter: QPainter, rect: QRectF, word: str, colours: Colours) -> None:
    """Paint the shape of a verdict into the middle of `rect`.

    Parameters
    ----------
    word : str
        ``drives``: disc; ``negligible``: ring; ``no dependence found``: ring with a stroke through
        it, the sign of an empty set; ``undecided``: broken ring around a dot; ``tie``: two rings;
        ``mixed``: half a disc; ``not supported``: cross; ``ok`` and ``supported``: tick; ``not
        final``: three dots.

    Raises
    ------
    ValueError
        When `word` is no verdict.
    """
    colour = QColor(colours.verdict(word))
    radius = 0.45 * min(rect.width(), rect.height())
    pen = QPen(colour, 0.28 * radius)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    _SHAPES[word](painter, rect.center(), radius, colour)
    painter.restore()


def _disc(painter: QPainter, centre: QPointF, radius: float, colour: QColor) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawEllipse(centre, radius, radius)


def _ring(painter: QPainter, centre: QPointF, radius: float, colour: QColor) -> None:
    painter.drawEllipse(centre, 0.83 * radius, 0.83 * radius)


def _empty_set(painter: QPainter, centre: QPointF, radius: float, colour: QColor) -> None:
    painter.drawEllipse(centre, 0.7 * radius, 0.7 * radius)
    reach = QPointF(0.8 * radius, -0.8 * radius)
    painter.drawLine(centre - reach, centre + reach)


def _broken_ring(painter: QPainter, centre: QPointF, radius: float, colour: QColor) -> None:
    r = 0.83 * radius
    around = QRectF(centre.x() - r, centre.y() - r, 2 * r, 2 * r)
    step = 360 * 16 / _DASHES
    for k in range(_DASHES):
        painter.drawArc(around, round(k * step), round(0.58 * step))
    _disc(painter, centre, 0.34 * radius, colour)


def _two_rings(painter: QPainter, centre: QPointF, radius: float, colour: QColor) -> None:
    shift = QPointF(0.4 * radius, 0)
    for middle in (centre - shift, centre + shift):
        painter.drawEllipse(middle, 0.46 * radius, 0.46 * radius)


def _half_disc(painter: QPainter, centre: QPointF, radius: float, colour: QColor) -> None:
    _ring(painter, centre, radius, colour)
    r = 0.83 * radius
    painter.setBrush(colour)
    painter.drawPie(QRectF(centre.x() - r, centre.y() - r, 2 * r, 2 * r), 90 * 16, 180 * 16)


def _cross(painter: QPainter, centre: QPointF, radius: float, colour: QColor) -> None:
    painter.setPen(QPen(colour, 0.42 * radius))
    for angle in (pi / 4, 3 * pi / 4):
        reach = QPointF(radius * cos(angle), radius * sin(angle))
        painter.drawLine(centre - reach, centre + reach)


def _tick(painter: QPainter, centre: QPointF, radius: float, colour: QColor) -> None:
    painter.setPen(QPen(colour, 0.42 * radius))
    corners = ((-0.72, 0.0), (-0.2, 0.5), (0.76, -0.56))
    line = QPolygonF([centre + QPointF(x * radius, y * radius) for x, y in corners])
    painter.drawPolyline(line)


def _dots(painter: QPainter, centre: QPointF, radius: float, colour: QColor) -> None:
    for shift in (-0.7, 0.0, 0.7):
        _disc(painter, centre + QPointF(shift * radius, 0), 0.2 * radius, colour)


_SHAPES = {
    "drives": _disc,
    "negligible": _ring,
    "no dependence found": _empty_set,
    "undecided": _broken_ring,
    "tie": _two_rings,
    "mixed": _half_disc,
    "not supported": _cross,
    "ok": _tick,
    "supported": _tick,
    NOT_FINAL: _dots,
}
