"""Dots, rings and letters of a scatter: pure functions of data, colours and size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QFont, QPainter, QPen, QPixmap, QPolygonF

from napari_latentattr.core.clusters import group_letter
from napari_latentattr.widgets.case_colours import LEVELS, NO_KIND, Kinds
from napari_latentattr.widgets.lettering import CENTRE, em, width, write
from napari_latentattr.widgets.palette import Colours

Points = npt.NDArray[np.float64]

_MARGIN = 1.1  # lines of type around the dots
# Corners of the shapes beside the disc, in radii; as different as six small shapes can be.
_SHAPES: tuple[tuple[tuple[float, float], ...], ...] = (
    (),
    ((0, -1.2), (1.1, 0.85), (-1.1, 0.85)),
    ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    ((0, -1.3), (1.1, 0), (0, 1.3), (-1.1, 0)),
    ((0, 1.2), (1.1, -0.85), (-1.1, -0.85)),
    ((-1.3, -0.45), (1.3, -0.45), (1.3, 0.45), (-1.3, 0.45)),
)


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """What is drawn over the dots.

    Attributes
    ----------
    medoids : sequence of int
        Ringed, and named by the letter of their group.
    shown : int
        The case whose images are shown; -1 for none.
    name : str
        Its name.
    chosen : (N,) bool array
        Cases that were selected together.
    """

    medoids: tuple[int, ...]
    shown: int
    name: str
    chosen: npt.NDArray[np.bool_]


def places(rect: QRectF, positions: Points, unit: float) -> Points:
    """Pixels (N, 2) of the cases: as large as fits, the same scale along both axes."""
    low, high = positions.min(axis=0), positions.max(axis=0)
    span = np.maximum(high - low, np.finfo(float).tiny)
    room = np.array([rect.width(), rect.height()]) - 2 * _MARGIN * unit
    scale = float((np.maximum(room, 1) / span).min())
    centred = (positions - (low + high) / 2) * scale
    middle = np.array([rect.center().x(), rect.center().y()])
    return np.asarray(middle + centred * np.array([1, -1]))


def paint_dots(painter: QPainter, at: Points, kinds: Kinds, colours: Colours, unit: float) -> None:
    """Paint one dot a case; those without a kind first, small and grey."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for kind in np.unique(kinds.kind):
        stamp = _stamp(int(kind), kinds, colours, unit)
        corner = at[kinds.kind == kind] - stamp.width() / stamp.devicePixelRatio() / 2
        for x, y in corner:
            painter.drawPixmap(QPointF(x, y), stamp)


def paint_marks(
    painter: QPainter, rect: QRectF, at: Points, marks: Marks, colours: Colours, font: QFont
) -> None:
    """Paint what changes with a click: chosen cases, representative ones, the one shown."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    unit = em(font)
    painter.setFont(font)
    painter.setPen(QPen(QColor(colours.text), 1))
    for x, y in at[marks.chosen]:
        painter.drawEllipse(QPointF(x, y), 0.42 * unit, 0.42 * unit)
    for group, case in enumerate(marks.medoids):
        centre = QPointF(*at[case])
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(colours.text), 1.8))
        painter.drawEllipse(centre, 0.55 * unit, 0.55 * unit)
        box = QRectF(centre.x() + 0.5 * unit, centre.y() - 1.25 * unit, unit, unit)
        _halo(painter, box, group_letter(group), colours)
    if marks.shown >= 0:
        _paint_shown(painter, rect, QPointF(*at[marks.shown]), marks.name, colours, font)


def paint_stamp(
    painter: QPainter, centre: QPointF, kind: int, kinds: Kinds, colours: Colours, unit: float
) -> None:
    """Paint the dot of one kind."""
    radius = 0.26 * unit * (0.7 if kind == NO_KIND else 1)
    painter.setPen(QPen(QColor(colours.card), 1))
    painter.setBrush(_colour(kind, kinds, colours))
    corners = () if kinds.scale or kind == NO_KIND else _SHAPES[kind % len(_SHAPES)]
    if corners:
        painter.drawPolygon(QPolygonF([centre + QPointF(x, y) * radius for x, y in corners]))
    else:
        painter.drawEllipse(centre, radius, radius)


def _stamp(kind: int, kinds: Kinds, colours: Colours, unit: float) -> QPixmap:
    side = max(8, round(0.9 * unit))
    picture = QPixmap(2 * side, 2 * side)  # twice as fine, so that edges stay smooth
    picture.fill(Qt.GlobalColor.transparent)
    picture.setDevicePixelRatio(2)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    paint_stamp(painter, QPointF(side / 2, side / 2), kind, kinds, colours, unit)
    painter.end()
    return picture


def _colour(kind: int, kinds: Kinds, colours: Colours) -> QColor:
    if kind == NO_KIND:
        return QColor(colours.negligible)
    if kinds.scale:  # blue, grey, orange
        middle = (LEVELS - 1) / 2
        end = QColor(colours.drives if kind < middle else colours.not_supported)
        grey, share = QColor(colours.line), abs(kind - middle) / middle
        mixed = [
            round(a + share * (b - a))
            for a, b in zip(grey.getRgb()[:3], end.getRgb()[:3], strict=True)
        ]
        return QColor(*mixed)
    order = (
        *(colours.drives, colours.undecided, colours.ok),
        *(colours.tie, colours.not_supported, colours.muted),
    )
    return QColor(order[kind % len(order)])


def _paint_shown(
    painter: QPainter, rect: QRectF, at: QPointF, name: str, colours: Colours, font: QFont
) -> None:
    """Ring the case whose images are shown, and lead a line to its name below."""
    unit, said = em(font), f"{name} (shown)"
    wide = min(width(font, said) + unit, rect.width())
    tag = QRectF(at.x() - wide / 2, rect.bottom() - 1.3 * unit, wide, 1.3 * unit)
    tag.moveLeft(min(max(tag.left(), rect.left()), rect.right() - wide))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(colours.accent), 1.2))
    if at.y() + 0.7 * unit < tag.top():
        painter.drawLine(QPointF(at.x(), at.y() + 0.7 * unit), QPointF(at.x(), tag.top()))
    painter.setPen(QPen(QColor(colours.accent), 2.4))
    painter.drawEllipse(at, 0.7 * unit, 0.7 * unit)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colours.accent))
    painter.drawRoundedRect(tag, 0.2 * unit, 0.2 * unit)
    write(painter, tag, said, "white", align=CENTRE)


def _halo(painter: QPainter, box: QRectF, letter: str, colours: Colours) -> None:
    """Write a letter that stays readable on dots."""
    for x, y in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        write(painter, box.translated(x, y), letter, colours.card, align=CENTRE)
    write(painter, box, letter, colours.text, align=CENTRE)
