"""Paints the drivers chart: data, colours and a font in; it holds nothing and knows no window."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from qtpy.QtCore import QLineF, QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QFont, QPainter, QPen, QPolygonF

from napari_latentattr.widgets.driver_rows import DriverRow, rest_words
from napari_latentattr.widgets.drivers_layout import (
    DriversLayout,
    is_still,
    lay_out,
    shape_side,
    tick_height,
    verdict_face,
    verdict_lines,
)
from napari_latentattr.widgets.lettering import (
    CENTRE,
    SMALL,
    scaled,
    width,
    wrapped,
    write,
    write_lines,
)
from napari_latentattr.widgets.palette import Colours, faded
from napari_latentattr.widgets.verdict_shapes import paint_verdict

_TAU_WORDS = "left of this line: too small to matter"
_STILL = "does not vary between these cases"
# Bars that prove nothing stay in the background.
_STRONG = ("drives", "supported")


def paint_drivers(
    painter: QPainter,
    rect: QRectF,
    rows: Sequence[DriverRow],
    tau: float,
    colours: Colours,
    font: QFont,
    *,
    selected: int = -1,
    focused: int = -1,
    end: float | None = None,
) -> None:
    """Paint bars from zero, their intervals, the line at tau and a verdict for every image.

    Parameters
    ----------
    rows : sequence of DriverRow
        In any order; they are drawn by falling ratio.
    tau : float
        Ratio below which a dependence is too small to matter.
    selected, focused : int
        Positions in `rows`: the image that is shown, and the one that the keyboard is on.
    end : float or None
        Right end of the axis, where several charts share one.
    """
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.setFont(font)
    if is_still(rows):
        write(painter, rect, _STILL if rows else "", colours.muted)
        return
    layout = lay_out(rect, rows, font, end)
    _marked_rows(painter, layout, colours, selected, focused)
    _axis(painter, layout, tau, colours)
    for place, position in enumerate(layout.shown):
        _image(painter, layout, place, rows[position], colours)
        _bar(painter, layout, place, rows[position], colours)
        _verdict(painter, layout, place, rows[position].verdict, colours)
    _tau(painter, layout, tau, colours)
    if layout.rest:
        painter.setFont(scaled(font, SMALL))
        line = layout.row(len(layout.shown)).adjusted(layout.gap, 0, -layout.gap, 0)
        words = rest_words([rows[k] for k in layout.rest])
        write_lines(painter, line, wrapped(painter.font(), words, line.width()), colours.muted)


def _marked_rows(
    painter: QPainter, layout: DriversLayout, colours: Colours, selected: int, focused: int
) -> None:
    def place(position: int) -> QRectF:
        if position in layout.rest:
            return layout.row(len(layout.shown)).adjusted(1, 1, -1, -1)
        return layout.row(layout.shown.index(position)).adjusted(1, 1, -1, -1)

    known = (*layout.shown, *layout.rest)
    round_by = layout.gap
    if selected in known:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(faded(colours.accent, 0.22))
        painter.drawRoundedRect(place(selected), round_by, round_by)
    if focused in known:
        painter.setPen(QPen(QColor(colours.accent), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(place(focused), round_by, round_by)


def _axis(painter: QPainter, layout: DriversLayout, tau: float, colours: Colours) -> None:
    zone = QRectF(layout.left, layout.top, layout.x(tau) - layout.left, 0)
    zone.setBottom(layout.bottom)
    painter.fillRect(zone, faded(colours.text, 0.08))
    painter.setFont(scaled(layout.font, SMALL))
    for tick in layout.ticks():
        x = layout.x(tick)
        painter.setPen(QPen(QColor(colours.line), 1))
        painter.drawLine(QPointF(x, layout.top), QPointF(x, layout.bottom))
        half = width(painter.font(), f"{tick:g}") / 2 + 1
        below = QRectF(x - half, layout.bottom, 2 * half, tick_height(layout.font))
        write(painter, below, f"{tick:g}", colours.muted, align=CENTRE)
    painter.setFont(layout.font)


def _tau(painter: QPainter, layout: DriversLayout, tau: float, colours: Colours) -> None:
    x = layout.x(tau)
    painter.setPen(QPen(QColor(colours.undecided), 1.5, Qt.PenStyle.DashLine))
    painter.drawLine(QPointF(x, layout.top - 2), QPointF(x, layout.bottom))
    painter.setFont(scaled(layout.font, SMALL))
    words = f"τ {tau:g}   {_TAU_WORDS}"
    needed = width(painter.font(), words)
    start = max(layout.rect.left(), min(x, layout.rect.right() - needed))
    above = QRectF(start, layout.rect.top(), layout.rect.right() - start, 0)
    above.setBottom(layout.top - 2)
    write(painter, above, words, colours.undecided)
    painter.setFont(layout.font)


def _image(
    painter: QPainter, layout: DriversLayout, place: int, row: DriverRow, colours: Colours
) -> None:
    box = layout.row(place)
    left = box.left() + layout.gap
    if row.thumbnail is not None:
        side = layout.pictures
        painter.drawImage(
            QRectF(left, box.center().y() - side / 2, side, side),
            row.thumbnail,
            QRectF(row.thumbnail.rect()),
        )
    if layout.pictures:
        left += layout.pictures + layout.gap
    painter.setFont(layout.face)
    name = QRectF(left, box.top(), layout.left - layout.gap - left, box.height())
    write(painter, name, row.image, colours.text)


def _bar(
    painter: QPainter, layout: DriversLayout, place: int, row: DriverRow, colours: Colours
) -> None:
    if isnan(row.ratio):
        return
    y = layout.row(place).center().y()
    half = 0.24 * layout.row_height
    bar = QRectF(layout.left, y - half, layout.x(row.ratio) - layout.left, 2 * half)
    painter.fillRect(
        bar, faded(colours.verdict(row.verdict), 1 if row.verdict in _STRONG else 0.55)
    )
    if isnan(row.low) or row.high <= row.low:
        return
    low, high = layout.x(row.low), layout.x(row.high)
    cap = 0.6 * half
    lines = [QLineF(low, y, high, y), QLineF(low, y - cap, low, y + cap)]
    if row.high <= layout.end:
        lines.append(QLineF(high, y - cap, high, y + cap))
    for colour, thick in ((faded(colours.background, 0.75), 3.5), (QColor(colours.text), 1.5)):
        painter.setPen(QPen(colour, thick))
        painter.drawLines(lines)
    if row.high > layout.end:
        painter.setBrush(QColor(colours.text))
        tip = QPointF(high + cap, y)
        painter.drawPolygon(QPolygonF([tip, QPointF(high, y - cap), QPointF(high, y + cap)]))


def _verdict(
    painter: QPainter, layout: DriversLayout, place: int, verdict: str, colours: Colours
) -> None:
    box = layout.row(place)
    side = shape_side(layout.face)
    left = layout.right + 1.5 * layout.gap
    paint_verdict(painter, QRectF(left, box.center().y() - side / 2, side, side), verdict, colours)
    painter.setFont(verdict_face(verdict, layout.face, layout.font))
    words = box.adjusted(left + side + layout.gap - box.left(), 0, 0, 0)
    write_lines(painter, words, verdict_lines(verdict), colours.text)
