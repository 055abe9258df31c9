"""Which map and which case is looked at; follows the session and changes it, nothing else."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QPointF, QRectF, QSignalBlocker, QSize, Qt
from qtpy.QtGui import QPainter, QPolygonF, QResizeEvent
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QSpinBox, QWidget

from napari_latentattr.session import Session
from napari_latentattr.widgets.lettering import follow
from napari_latentattr.widgets.text import Button, Name, fit_choice


class ContextBar(QWidget):
    """Arrows and a number for the map, a list for the case."""

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
        self.case = QComboBox()
        fit_choice(self.case, "The case whose images are shown (Ctrl+Alt+Left, Ctrl+Alt+Right)")
        self.case.setAccessibleName("case")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.before)
        row.addWidget(Name("Map"))
        for part in (self.number, self.count, self.after):
            row.addWidget(part)
        row.addStretch(1)
        row.addWidget(Name("Case"))
        row.addWidget(self.case, 2)
        self.before.clicked.connect(lambda: self.step_map(-1))
        self.after.clicked.connect(lambda: self.step_map(1))
        self.number.valueChanged.connect(lambda k: self._session.select(map=k))
        self.case.activated.connect(lambda i: self._session.select(case=i))

    def step_map(self, by: int) -> None:
        """Go to the next or the previous map, in the order of the model."""
        if self._session.study is not None:
            self._session.select(map=self._session.selection.map + by)

    def step_case(self, by: int) -> None:
        """Go to the next or the previous case."""
        if self._session.study is not None:
            self._session.select(case=self._session.selection.case + by)

    def _fit(self, em: int) -> None:
        self.number.setFixedWidth(self.number.fontMetrics().horizontalAdvance("0000") + em)

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


class _Arrow(Button):
    """A square button with a triangle that points left (-1) or right (1)."""

    def __init__(self, tip: str, *, points: int) -> None:
        super().__init__()
        self._points = points
        self.setToolTip(tip)
        self.setAccessibleName(tip)

    def sizeHint(self) -> QSize:
        side = round(1.7 * self.fontMetrics().height())
        return QSize(side, side)

    def _write(self, painter: QPainter) -> None:
        centre, unit = QRectF(self.rect()).center(), self.height() / 6
        corners = [(unit, 0), (-unit, -1.2 * unit), (-unit, 1.2 * unit)]
        painter.setBrush(painter.pen().color())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawPolygon(QPolygonF([centre + QPointF(self._points * x, y) for x, y in corners]))


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
