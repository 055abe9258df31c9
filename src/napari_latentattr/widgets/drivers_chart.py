"""The drivers chart as a widget: which image drives a latent map, one row an image.

It shows the rows that it is given and says which one was clicked; it knows neither map nor case.
"""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from napari_latentattr.widgets.driver_rows import DriverRow, driver_rows, row_lines, spoken
from napari_latentattr.widgets.drivers_layout import (
    DriversLayout,
    axis_end,
    chart_height,
    lay_out,
)
from napari_latentattr.widgets.drivers_paint import paint_drivers
from napari_latentattr.widgets.lettering import TypeSize, em, tooltip
from napari_latentattr.widgets.palette import Colours

__all__ = ["DriverRow", "DriversChart", "axis_end", "driver_rows", "paint_drivers"]

_CHOOSE = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)


class DriversChart(QWidget):
    """Bars, intervals and verdicts, the largest ratio on top.

    Signals
    -------
    image_clicked : int
        Position of the row in what `set_rows` got.
    """

    image_clicked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[DriverRow, ...] = ()
        self._tau, self._basis = 0.03, ""
        self._end: float | None = None
        self._selected = self._focused = -1
        self._type = TypeSize(self)
        self._type.changed.connect(self._fit)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setAccessibleName("Which image drives the map")

    def set_rows(
        self, rows: Sequence[DriverRow], tau: float, *, basis: str = "", end: float | None = None
    ) -> None:
        """Show these rows.

        Parameters
        ----------
        rows : sequence of DriverRow
        tau : float
            Ratio below which a dependence is too small to matter.
        basis : str
            What the numbers rest on; last line of every tooltip.
        end : float or None
            Right end of the axis; give two charts one end so that their bars can be compared.
        """
        self._rows, self._tau, self._basis, self._end = tuple(rows), tau, basis, end
        self._selected = min(self._selected, len(rows) - 1)
        self._focused = -1
        self.setAccessibleDescription(spoken(rows))
        self._fit()

    def set_selected(self, position: int) -> None:
        """Highlight one row without telling anyone; -1 highlights none."""
        self._selected = position
        self._focused = -1
        self.update()

    def row_rect(self, position: int) -> QRectF:
        """Rectangle of a row, in pixels of this widget; empty where it is not drawn."""
        layout = self._layout()
        if position not in layout.shown:
            return QRectF()
        return layout.row(layout.shown.index(position))

    def tooltip_at(self, point: QPointF) -> str:
        """Exact numbers of the row under a point, as literal rich text; empty elsewhere."""
        position = self._position_at(point)
        if position < 0:
            return ""
        return tooltip(row_lines(self._rows[position], self._tau, self._basis))

    def sizeHint(self) -> QSize:
        """Height of all rows."""
        face = self._type.face()
        return QSize(round(27 * em(face)), chart_height(self._rows, face))

    def minimumSizeHint(self) -> QSize:
        """Narrow enough for a dock at the largest type."""
        face = self._type.face()
        return QSize(round(15 * em(face)), chart_height(self._rows, face))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint in the colours of the palette."""
        painter = QPainter(self)
        paint_drivers(
            painter,
            QRectF(self.rect()),
            self._rows,
            self._tau,
            Colours.of(self.palette()),
            self._type.face(),
            selected=self._selected,
            focused=self._current() if self.hasFocus() else -1,
            end=self._end,
        )
        painter.end()

    def event(self, event: QEvent | None) -> bool:
        """Show the tooltip of the row under the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            words = self.tooltip_at(QPointF(event.pos()))
            if words:
                QToolTip.showText(event.globalPos(), words, self)
            else:
                QToolTip.hideText()
            return True
        return bool(super().event(event))

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Show a hand over a row."""
        if event is not None:
            over = self._position_at(event.position()) >= 0
            shape = Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor
            self.setCursor(shape)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Choose the row under the pointer."""
        if event is None or event.button() != Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)
            return
        position = self._position_at(event.position())
        if position >= 0:
            self._choose(position)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Walk through the rows with the arrows, choose one with Enter or Space."""
        shown = self._layout().shown
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
        if event is None or not shown:
            super().keyPressEvent(event)
        elif event.key() in step and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            current = self._current()
            place = shown.index(current) + step[Qt.Key(event.key())] if current in shown else 0
            self._focused = shown[max(0, min(place, len(shown) - 1))]
            self.update()
        elif event.key() in _CHOOSE and self._current() in shown:
            self._choose(self._current())
        else:
            super().keyPressEvent(event)

    def _choose(self, position: int) -> None:
        self.set_selected(position)
        self.image_clicked.emit(position)

    def _current(self) -> int:
        if self._focused >= 0:
            return self._focused
        shown = self._layout().shown
        return self._selected if self._selected in shown else (shown[0] if shown else -1)

    def _position_at(self, point: QPointF) -> int:
        layout = self._layout()
        place = layout.place_at(point)
        return -1 if place is None else layout.shown[place]

    def _layout(self) -> DriversLayout:
        return lay_out(QRectF(self.rect()), self._rows, self._type.face(), self._end)

    def _fit(self) -> None:
        self.updateGeometry()
        self.update()
