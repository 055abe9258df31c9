"""Which map and which case is looked at; follows the session and changes it, nothing else."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QSignalBlocker, Qt
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QWidget,
)

from napari_latentattr.session import Session


class ContextBar(QWidget):
    """Arrows and a number for the map, a list for the case."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._build()
        session.study_changed.connect(self.refresh)
        session.selection_changed.connect(self.refresh)
        self.refresh()

    def _build(self) -> None:
        self.before = _arrow(Qt.ArrowType.LeftArrow, "previous map (Alt+Left)")
        self.after = _arrow(Qt.ArrowType.RightArrow, "next map (Alt+Right)")
        self.number = QSpinBox()
        self.number.setKeyboardTracking(False)
        self.number.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.number.setToolTip("the latent map that everything below is about")
        self.number.setAccessibleName("latent map")
        self.count = QLabel()
        self.case = QComboBox()
        policy = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        self.case.setSizeAdjustPolicy(policy)
        self.case.setMinimumContentsLength(4)
        self.case.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.case.setToolTip("the case whose images are shown (Ctrl+Alt+Left, Ctrl+Alt+Right)")
        self.case.setAccessibleName("case")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel("Map"))
        for part in (self.before, self.number, self.count, self.after):
            row.addWidget(part)
        row.addStretch(1)
        row.addWidget(QLabel("Case"))
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

    def changeEvent(self, event: QEvent) -> None:
        """Keep room for the number when the font changes."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            metrics = self.number.fontMetrics()
            self.number.setMinimumWidth(metrics.horizontalAdvance("000") + 3 * metrics.height())

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


def _arrow(kind: Qt.ArrowType, tip: str) -> QToolButton:
    button = QToolButton()
    button.setArrowType(kind)
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    return button
