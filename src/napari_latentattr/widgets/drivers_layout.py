"""Where the parts of the drivers chart lie, from its rectangle and its font; paints nothing.

The axis is a square root: on a linear one a tau of 0.03 cannot be read, on a logarithmic one a bar
has no zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isnan, log2, sqrt

from qtpy.QtCore import QPointF, QRectF
from qtpy.QtGui import QFont

from napari_latentattr.core.verdict_words import DRIVES, NEGLIGIBLE, NO_DEPENDENCE, UNDECIDED
from napari_latentattr.widgets.driver_rows import DriverRow, fold
from napari_latentattr.widgets.lettering import SMALL, em, scaled, width

_LONGEST = 4.0  # a wider interval runs off the axis and ends in an arrow
_ROW = 2.1  # heights of a line of type
_PICTURE = 1.6
_GAP = 0.4
# Longer words break into two lines.
_LONG_WORD = 14
# Of the width; a shorter axis cannot be read.
_SHORTEST_AXIS = 0.4
_WIDEST_NAME = 0.26
_VERDICTS = (DRIVES, NEGLIGIBLE, UNDECIDED, NO_DEPENDENCE)


@dataclass(frozen=True, slots=True)
class DriversLayout:
    """Places in pixels.

    Attributes
    ----------
    rect : QRectF
    shown : tuple of int
        Positions of the rows that are drawn, from top to bottom.
    rest : tuple of int
        Positions of those that one last line sums up.
    font, face : QFont
        Of the chart, and of names and verdicts: smaller where the axis would get too short.
    top, row_height : float
        Of the first row.
    pictures : float
        Side of a thumbnail; 0 without thumbnails.
    left, right, end : float
        Pixels of ratio 0 and of ratio `end`.
    """

    rect: QRectF
    shown: tuple[int, ...]
    rest: tuple[int, ...]
    font: QFont
    face: QFont
    top: float
    row_height: float
    pictures: float
    left: float
    right: float
    end: float

    @property
    def gap(self) -> float:
        """Space between neighbours."""
        return _GAP * em(self.font)

    @property
    def bottom(self) -> float:
        """Lower end of the last row."""
        return self.top + self.row_height * len(self.shown)

    def x(self, ratio: float) -> float:
        """Pixel of a ratio on the square-root axis."""
        share = sqrt(max(0.0, ratio) / self.end)
        return self.left + (self.right - self.left) * min(1.0, share)

    def row(self, place: int) -> QRectF:
        """Rectangle of one row; the place after the last is the line about the rest."""
        y = self.top + place * self.row_height
        if place == len(self.shown):
            y += tick_height(self.font)
        return QRectF(self.rect.left(), y, self.rect.width(), self.row_height)

    def place_at(self, point: QPointF) -> int | None:
        """Row under a point."""
        for place in range(len(self.shown)):
            if self.row(place).contains(point):
                return place
        return None

    def ticks(self) -> list[float]:
        """Ratios with a number below them, so that no two numbers touch."""
        powers = [2.0**k for k in range(1, 1 + max(0, int(log2(self.end))))]
        small = scaled(self.font, SMALL)
        kept: list[float] = []
        for tick in (0.0, 1.0, *reversed(powers), 0.25, 0.1, 0.5):
            room = [width(small, f"{tick:g}") / 2 + width(small, f"{t:g}") / 2 for t in kept]
            apart = [abs(self.x(tick) - self.x(t)) for t in kept]
            if tick <= self.end and all(a > r for a, r in zip(apart, room, strict=True)):
                kept.append(tick)
        return sorted(kept)


def lay_out(
    rect: QRectF, rows: Sequence[DriverRow], font: QFont, end: float | None = None
) -> DriversLayout:
    """Divide `rect` into pictures, names, axis and verdicts.

    Parameters
    ----------
    end : float or None
        Right end of the axis, where several charts share one; None takes `axis_end`.
    """
    shown, rest = fold(rows)
    face = font
    left, right, pictures = _columns(rect, rows, font, face)
    if right - left < _SHORTEST_AXIS * rect.width():
        face = scaled(font, SMALL)
        left, right, pictures = _columns(rect, rows, font, face)
    return DriversLayout(
        rect=rect,
        shown=tuple(shown),
        rest=tuple(rest),
        font=font,
        face=face,
        top=rect.top() + header_height(font),
        row_height=row_height(font),
        pictures=pictures,
        left=left,
        right=right,
        end=axis_end(rows) if end is None else end,
    )


def axis_end(rows: Sequence[DriverRow]) -> float:
    """Right end of the axis: 1, or a little beyond the furthest ratio or interval."""
    furthest = [r.ratio for r in rows] + [min(r.high, _LONGEST) for r in rows]
    furthest = [value for value in furthest if not isnan(value)]
    reach = max(furthest, default=1.0)
    return 1.0 if reach <= 1 else 1.06 * reach


def chart_height(rows: Sequence[DriverRow], font: QFont) -> int:
    """Height that the chart of these rows needs."""
    if is_still(rows):
        return ceil(row_height(font))
    shown, rest = fold(rows)
    lines = len(shown) + bool(rest)
    return ceil(header_height(font) + lines * row_height(font) + tick_height(font))


def is_still(rows: Sequence[DriverRow]) -> bool:
    """Whether no row has a ratio: the map does not vary, or there are no rows."""
    return all(isnan(row.ratio) for row in rows)


def header_height(font: QFont) -> float:
    """Height of the words about tau."""
    return 1.35 * em(scaled(font, SMALL))


def tick_height(font: QFont) -> float:
    """Height of the numbers below the axis."""
    return 1.35 * em(scaled(font, SMALL))


def row_height(font: QFont) -> float:
    """Height of one image."""
    return _ROW * em(font)


def shape_side(face: QFont) -> float:
    """Side of the shape of a verdict."""
    return 0.85 * em(face)


def verdict_lines(verdict: str) -> list[str]:
    """Break a long verdict before its last word."""
    return [verdict] if len(verdict) < _LONG_WORD else verdict.rsplit(" ", 1)


def verdict_face(verdict: str, layout_face: QFont, font: QFont) -> QFont:
    """Type of a verdict; two lines are small."""
    return layout_face if len(verdict_lines(verdict)) == 1 else scaled(font, SMALL)


def _columns(
    rect: QRectF, rows: Sequence[DriverRow], font: QFont, face: QFont
) -> tuple[float, float, float]:
    """Left and right end of the axis, and the side of the thumbnails."""
    gap = _GAP * em(font)
    pictures = _PICTURE * em(face) if any(row.thumbnail is not None for row in rows) else 0.0
    names = max((width(face, row.image) for row in rows), default=0.0)
    names = min(names, _WIDEST_NAME * rect.width())
    left = rect.left() + pictures + names + gap * (3 if pictures else 2)
    # The same room whatever was found, so that charts below each other have axes of one length.
    verdicts = max(
        width(verdict_face(word, face, font), line)
        for word in _VERDICTS
        for line in verdict_lines(word)
    )
    right = rect.right() - verdicts - shape_side(face) - 3 * gap
    return left, max(left + gap, right), pictures
