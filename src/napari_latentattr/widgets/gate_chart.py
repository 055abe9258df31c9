"""The gate as a histogram: the study's own AUC among those of exchanged outcomes.

It draws the gate that it is given; whether that passed was decided elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import numpy as np
from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_latentattr.core.types import Gate
from napari_latentattr.widgets.lettering import (
    CENTRE,
    SMALL,
    TypeSize,
    em,
    scaled,
    tooltip,
    width,
    write,
)
from napari_latentattr.widgets.palette import Colours

_BIN = 0.02  # of AUC
_HEIGHT = 6.2  # lines of type


@dataclass(frozen=True, slots=True)
class GateAxis:
    """Pixels of the axis of AUC from `low` to 1."""

    left: float
    right: float
    low: float

    def x(self, auc: float) -> float:
        """Pixel of an AUC."""
        return self.left + (self.right - self.left) * (auc - self.low) / (1 - self.low)


def gate_axis(rect: QRectF, gate: Gate, font: QFont) -> GateAxis:
    """Axis that shows every permuted AUC, the study's own one, and chance."""
    lowest = min(*gate.null, gate.auc, 0.5)
    margin = width(scaled(font, SMALL), "0.5") / 2
    return GateAxis(rect.left() + margin, rect.right() - margin, floor(10 * lowest) / 10)


def paint_gate(painter: QPainter, rect: QRectF, gate: Gate, colours: Colours, font: QFont) -> None:
    """Paint the histogram, its 95 % line and the study's own line; no two labels touch."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    axis = gate_axis(rect, gate, font)
    line = 1.3 * em(scaled(font, SMALL))
    first = QRectF(rect.left(), rect.top(), rect.width(), 1.3 * em(font))
    second = QRectF(rect.left(), first.bottom(), rect.width(), line)
    plot = QRectF(rect.left(), second.bottom(), rect.width(), 0)
    plot.setBottom(rect.bottom() - 2 * line)
    _bars(painter, plot, gate, axis, colours)
    painter.setFont(scaled(font, SMALL))
    _ticks(painter, plot, axis, line, colours)
    words = QRectF(rect.left(), plot.bottom() + line, rect.width(), line)
    said = f"{gate.score} · grey: {len(gate.null)} exchanged outcomes"
    write(painter, words, said, colours.muted, align=CENTRE)
    clear = _null_line(painter, second, plot, gate, axis, colours)
    _own_line(painter, first, plot, gate, axis, colours, font, through=clear)


def gate_words(gate: Gate) -> str:
    """Say what the chart shows in one line."""
    verdict = "passed" if gate.passed else "did not pass"
    return (
        f"gate {verdict}: {gate.score} {gate.auc:.2f}; {len(gate.null)} exchanged outcomes, 95 % "
        f"of them up to {_null_limit(gate):.2f}; p = {gate.p:.3f}"
    )


class GateChart(QWidget):
    """Histogram of the permuted AUCs with the study's own line."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._gate: Gate | None = None
        self._type = TypeSize(self)
        self._type.changed.connect(self._fit)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Is the ranking more than luck")

    def set_gate(self, gate: Gate | None) -> None:
        """Show this gate; None shows nothing."""
        self._gate = gate
        words = "" if gate is None else gate_words(gate)
        self.setAccessibleDescription(words)
        self.setToolTip(tooltip([words]) if words else "")
        self.update()

    def sizeHint(self) -> QSize:
        """Histogram, two lines of labels above and two below."""
        unit = em(self._type.face())
        return QSize(round(27 * unit), round((_HEIGHT + 4) * unit))

    def minimumSizeHint(self) -> QSize:
        """Narrow enough for a dock at the largest type."""
        return QSize(round(16 * em(self._type.face())), self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint in the colours of the palette."""
        if self._gate is None:
            return
        painter = QPainter(self)
        colours = Colours.of(self.palette())
        paint_gate(painter, QRectF(self.rect()), self._gate, colours, self._type.face())
        painter.end()

    def _fit(self) -> None:
        self.updateGeometry()
        self.update()


def _null_limit(gate: Gate) -> float:
    return float(np.quantile(gate.null, 0.95))


def _bars(painter: QPainter, plot: QRectF, gate: Gate, axis: GateAxis, colours: Colours) -> None:
    edges = axis.low + _BIN * np.arange(np.ceil((1 - axis.low) / _BIN - 1e-9) + 1)
    counts = np.histogram(gate.null, edges)[0]
    for count, start in zip(counts.tolist(), edges.tolist(), strict=False):
        tall = plot.height() * count / max(1, counts.max())
        left, right = axis.x(start), axis.x(start + _BIN)
        bar = QRectF(left, plot.bottom() - tall, right - left - 1, tall)
        painter.fillRect(bar, QColor(colours.negligible))
    painter.setPen(QPen(QColor(colours.line), 1))
    painter.drawLine(QPointF(axis.left, plot.bottom()), QPointF(axis.right, plot.bottom()))


def _ticks(painter: QPainter, plot: QRectF, axis: GateAxis, line: float, colours: Colours) -> None:
    half = width(painter.font(), "0.5") / 2
    step = 0.1 if axis.x(axis.low + 0.1) - axis.left > 4 * half else 0.2
    for tick in np.arange(1.0, axis.low - 1e-9, -step).tolist():
        box = QRectF(axis.x(tick) - half, plot.bottom(), 2 * half, line)
        write(painter, box, f"{tick:.1f}".removesuffix(".0"), colours.muted, align=CENTRE)


def _null_line(
    painter: QPainter, row: QRectF, plot: QRectF, gate: Gate, axis: GateAxis, colours: Colours
) -> bool:
    """Draw the 95 % line; True when the study's own line may pass through its row."""
    limit = _null_limit(gate)
    x, own = axis.x(limit), axis.x(gate.auc)
    painter.setPen(QPen(QColor(colours.text), 1.2, Qt.PenStyle.DashLine))
    painter.drawLine(QPointF(x, row.bottom()), QPointF(x, plot.bottom()))
    words = f"95 % up to {limit:.2f}"
    wide = width(painter.font(), words)
    starts = (x + 4, x - 4 - wide, min(max(row.left(), x - wide / 2), row.right() - wide))
    boxes = [QRectF(start, row.top(), wide, row.height()) for start in starts]
    inside = [b for b in boxes if row.left() <= b.left() and b.right() <= row.right() + 0.5]
    apart = [b for b in inside if not b.left() - 4 < own < b.right() + 4]
    write(painter, (apart or inside)[0], words, colours.muted)
    return bool(apart)


def _own_line(
    painter: QPainter,
    row: QRectF,
    plot: QRectF,
    gate: Gate,
    axis: GateAxis,
    colours: Colours,
    font: QFont,
    *,
    through: bool,
) -> None:
    """Draw the study's own line under its label."""
    colour = colours.drives if gate.passed else colours.not_supported
    x = axis.x(gate.auc)
    painter.setPen(QPen(QColor(colour), 3))
    top = row.bottom() if through else plot.top()
    painter.drawLine(QPointF(x, top), QPointF(x, plot.bottom()))
    painter.setFont(scaled(font, 1.0, bold=True))
    words = f"this study {gate.auc:.2f}"
    wide = width(painter.font(), words)
    start = max(row.left(), min(x - wide / 2, row.right() - wide))
    write(painter, QRectF(start, row.top(), wide, row.height()), words, colour)
