"""The bar of one number with its interval, for a cell of a table; knows no table."""

from __future__ import annotations

from math import isnan

from qtpy.QtCore import QPointF, QRectF
from qtpy.QtGui import QColor, QPainter, QPen

from napari_latentattr.widgets.palette import Colours, faded

# Room left of zero, so that an interval that reaches below zero is seen to do so.
_BELOW = 0.12
_TALL = 0.6


def paint_importance(
    painter: QPainter,
    rect: QRectF,
    value: float,
    low: float,
    high: float,
    maximum: float,
    colours: Colours,
    *,
    verdict: str = "drives",
) -> None:
    """Paint a bar from zero to `value` and a line from `low` to `high`.

    Parameters
    ----------
    rect : QRectF
        The bar takes six tenths of its height, the line at zero all of it.
    value, low, high : float
        The number and its 95 % interval; NaN where there is none. Negative ones go to the left.
    maximum : float
        The number at the right end; the same for all rows of a table.
    verdict : str
        Gives the colour; all but ``drives``, ``ok`` and ``supported`` are faded.
    """
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    zero, y = importance_x(rect, 0.0, maximum), rect.center().y()
    half = _TALL * rect.height() / 2
    painter.setPen(QPen(QColor(colours.line), 1))
    painter.drawLine(QPointF(zero, rect.top()), QPointF(zero, rect.bottom()))
    if not isnan(value):
        end = importance_x(rect, value, maximum)
        bar = QRectF(min(zero, end), y - half, abs(end - zero), 2 * half)
        strong = verdict in ("drives", "ok", "supported")
        painter.fillRect(bar, faded(colours.verdict(verdict), 1 if strong else 0.55))
    if not isnan(low) and not isnan(high):
        ends = [importance_x(rect, limit, maximum) for limit in (low, high)]
        for colour, thick in ((faded(colours.background, 0.75), 3.5), (QColor(colours.text), 1.5)):
            painter.setPen(QPen(colour, thick))
            painter.drawLine(QPointF(ends[0], y), QPointF(ends[1], y))
    painter.restore()


def importance_x(rect: QRectF, value: float, maximum: float) -> float:
    """Pixel of a number; beyond the ends of the axis, the end.

    Parameters
    ----------
    maximum : float
        The number at the right end; must be positive.
    """
    if maximum <= 0:
        raise ValueError(f"the right end of the bar must be positive, got {maximum}")
    zero = rect.left() + _BELOW * rect.width()
    x = zero + (rect.right() - zero) * value / maximum
    return float(min(max(rect.left(), x), rect.right()))
