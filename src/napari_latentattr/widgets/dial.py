"""The entanglement dial: how much of a decoder's picture depends on other maps, from 0 to 1."""

from __future__ import annotations

from math import isnan, nan

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QFont, QLinearGradient, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_latentattr.widgets.lettering import (
    RIGHT,
    SMALL,
    TypeSize,
    em,
    scaled,
    tooltip,
    width,
    write,
)
from napari_latentattr.widgets.palette import Colours

# Ends of the dial in words; the shorter ones where the type is large.
_OWN = ("0  picture is its own", "0  its own", "0")
_OTHERS = ("depends on other maps  1", "on other maps  1", "1")


def dial_x(rect: QRectF, value: float, font: QFont) -> float:
    """Pixel of an entanglement; beyond 1, the right end."""
    margin = 0.5 * em(font)
    share = min(1.0, max(0.0, value))
    return float(rect.left() + margin + (rect.width() - 2 * margin) * share)


def paint_dial(
    painter: QPainter, rect: QRectF, value: float, colours: Colours, font: QFont
) -> None:
    """Paint the scale, its two ends in words, and a marker; none where `value` is NaN."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    unit = em(font)
    track = QRectF(dial_x(rect, 0, font), rect.top() + 0.85 * unit, 0, 0.45 * unit)
    track.setRight(dial_x(rect, 1, font))
    blend = QLinearGradient(track.topLeft(), track.topRight())
    stops = ((0.3, colours.drives), (0.5, colours.negligible), (0.7, colours.not_supported))
    for place, colour in stops:
        blend.setColorAt(place, QColor(colour))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(blend)
    painter.drawRoundedRect(track, track.height() / 2, track.height() / 2)
    if not isnan(value):
        _marker(painter, track, dial_x(rect, value, font), unit, colours)
    painter.setFont(scaled(font, SMALL))
    words = QRectF(track.left(), track.bottom() + 0.1 * unit, track.width(), 1.2 * unit)
    own, others = _ends(painter.font(), words.width())
    write(painter, words, own, colours.muted)
    write(painter, words, others, colours.muted, align=RIGHT)


def entanglement_sentence(value: float) -> str:
    """Say what the number means: the size of what changes with other maps, as a ratio."""
    if isnan(value):
        return "Entanglement is not measured yet."
    return (
        f"Entanglement {value:.2f}: what other maps add to this picture or take from it is "
        f"{value:.2f} times its size."
    )


class EntanglementDial(QWidget):
    """Scale from a picture of its own to one that depends on other maps."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._type = TypeSize(self)
        self._type.changed.connect(self._fit)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Entanglement")
        self.set_value(nan)

    def set_value(self, value: float) -> None:
        """Show an entanglement; NaN shows the scale alone."""
        self._value = value
        words = entanglement_sentence(value)
        self.setAccessibleDescription(words)
        self.setToolTip(tooltip([words]))
        self.update()

    def sizeHint(self) -> QSize:
        """Marker, scale and words."""
        unit = em(self._type.face())
        return QSize(round(24 * unit), round(2.7 * unit))

    def minimumSizeHint(self) -> QSize:
        """Narrow enough for a dock at the largest type."""
        unit = em(self._type.face())
        return QSize(round(10 * unit), round(2.7 * unit))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint in the colours of the palette."""
        painter = QPainter(self)
        colours = Colours.of(self.palette())
        paint_dial(painter, QRectF(self.rect()), self._value, colours, self._type.face())
        painter.end()

    def _fit(self) -> None:
        self.updateGeometry()
        self.update()


def _marker(painter: QPainter, track: QRectF, x: float, unit: float, colours: Colours) -> None:
    painter.setBrush(QColor(colours.text))
    top = track.top() - 0.1 * unit
    half, tall = 0.38 * unit, 0.6 * unit
    corners = [QPointF(x, top), QPointF(x - half, top - tall), QPointF(x + half, top - tall)]
    painter.drawPolygon(QPolygonF(corners))
    painter.setPen(QPen(QColor(colours.text), 2))
    painter.drawLine(QPointF(x, top), QPointF(x, track.bottom() + 0.1 * unit))


def _ends(font: QFont, room: float) -> tuple[str, str]:
    for own, others in zip(_OWN, _OTHERS, strict=True):
        if width(font, own) + width(font, others) + em(font) <= room:
            return own, others
    return "", ""
