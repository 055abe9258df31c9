"""Which map and which case is looked at, and a star that keeps the picture on top.

Follows the session and changes it, nothing else.
"""

from __future__ import annotations

from math import cos, pi, sin

from qtpy.QtCore import QEvent, QPointF, QRectF, QSignalBlocker, QSize, Qt, Signal
from qtpy.QtGui import QPainter, QPolygonF, QResizeEvent
from qtpy.QtWidgets import QHBoxLayout, QSpinBox, QWidget

from napari_latentattr.session import Session
from napari_latentattr.widgets.lettering import follow
from napari_latentattr.widgets.text import Button, Choice, Name


class ContextBar(QWidget):
    """Arrows and a number for the map, a list for the case, a star.

    Signals
    -------
    kept
        The picture on top is to be kept.
    """

    kept = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._build()
        follow(self, self._fit)
        session.study_changed.connect(self.refresh)
        session.selection_changed.connect(self.refresh)
        self.refresh()

    def _build(self) -> None:
        self.before = _Arrow("Previous map (Alt+Left)", points=-1)
        self.after = _Arrow("Next map (Alt+Right)", points=1)
        self.number = _Number()
        self.number.setToolTip("The latent map that everything below is about")
        self.number.setAccessibleName("latent map")
        self.count = Name()
        tip = "The case whose images are shown (Ctrl+Alt+Left, Ctrl+Alt+Right)"
        self.case = Choice("case", tip)
        self.star = _Star("Keep a copy of the picture on top as a layer of its own")
        self.star.setAccessibleName("keep the picture")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.before)
        row.addWidget(Name("Map"))
        for part in (self.number, self.count, self.after):
            row.addWidget(part)
        row.addStretch(1)
        row.addWidget(Name("Case"))
        row.addWidget(self.case, 2)
        row.addWidget(self.star)
        self.before.clicked.connect(lambda: self.step_map(-1))
        self.after.clicked.connect(lambda: self.step_map(1))
        self.number.valueChanged.connect(lambda k: self._session.select(map=k))
        self.case.activated.connect(lambda i: self._session.select(case=i))
        self.star.clicked.connect(lambda: self.kept.emit())

    def step_map(self, by: int) -> None:
        """Go to the next or the previous map, in the order of the model."""
        if self._session.study is not None:
            self._session.select(map=self._session.selection.map + by)

    def step_case(self, by: int) -> None:
        """Go to the next or the previous case."""
        if self._session.study is not None:
            self._session.select(case=self._session.selection.case + by)

    def _fit(self, em: int) -> None:
        self.layout().setSpacing(em // 6)  # seven parts in a row that must not widen the dock
        self.number.setFixedWidth(self.number.fontMetrics().horizontalAdvance("000") + em)

    def refresh(self, *_: object) -> None:
        """Show what is selected."""
        study = self._session.study
        self.setEnabled(study is not None)
        if study is None:
            return
        last = study.model.spec.n_maps - 1
        blockers = [QSignalBlocker(self.number), QSignalBlocker(self.case)]
        self.number.setRange(0, last)
        self.number.setValue(self._session.selection.map)
        self.count.setText(f"of {last + 1}")
        names = self._session.volumes.cases
        if [self.case.itemText(i) for i in range(self.case.count())] != list(names):
            self.case.clear()
            self.case.addItems(list(names))
        self.case.setCurrentIndex(self._session.selection.case)
        del blockers


class _Sign(Button):
    """A square button with a filled shape."""

    def __init__(self, tip: str) -> None:
        super().__init__()
        self.setToolTip(tip)
        self.setAccessibleName(tip)

    def sizeHint(self) -> QSize:
        side = round(1.7 * self.fontMetrics().height())
        return QSize(side, side)

    def _write(self, painter: QPainter) -> None:
        centre, unit = QRectF(self.rect()).center(), self.height() / 6
        painter.setBrush(painter.pen().color())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawPolygon(QPolygonF([centre + QPointF(*at) * unit for at in self._corners()]))

    def _corners(self) -> list[tuple[float, float]]:
        """Corners of the shape around the middle; the button is 6 high."""
        raise NotImplementedError


class _Arrow(_Sign):
    """A triangle that points left (-1) or right (1)."""

    def __init__(self, tip: str, *, points: int) -> None:
        super().__init__(tip)
        self._points = points

    def _corners(self) -> list[tuple[float, float]]:
        return [(self._points * x, y) for x, y in ((1, 0), (-1, -1.2), (-1, 1.2))]


class _Star(_Sign):
    """Painted: not every font has one."""

    def _corners(self) -> list[tuple[float, float]]:
        reach = [(1.7, 0.7)[k % 2] for k in range(10)]
        return [(r * sin(k * pi / 5), -r * cos(k * pi / 5)) for k, r in enumerate(reach)]


class _Number(QSpinBox):
    """A number to type, without buttons."""

    def __init__(self) -> None:
        super().__init__()
        self.setKeyboardTracking(False)
        self.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep room for the digits."""
        super().resizeEvent(event)
        self._make_room()

    def changeEvent(self, event: QEvent) -> None:
        """Keep it under another style, too."""
        super().changeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        # Under a style sheet Qt 6.11.3 leaves one pixel where there are no buttons.
        self.lineEdit().setGeometry(self.rect().adjusted(2, 1, -2, -1))
