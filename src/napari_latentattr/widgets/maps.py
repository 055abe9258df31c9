"""Step 2: which latent maps carry the outcome, and whether that is more than luck."""

from __future__ import annotations

from html import escape
from typing import Any

from qtpy.QtCore import QEvent, QObject, QSignalBlocker, Qt, Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from napari_latentattr import jobs
from napari_latentattr.core.ranking_words import top_map_sentence
from napari_latentattr.core.verdict_words import NOT_FINAL
from napari_latentattr.session import Session
from napari_latentattr.widgets.gate_card import GateCard
from napari_latentattr.widgets.map_table import MapTable
from napari_latentattr.widgets.text import (
    Card,
    Choice,
    EmptyState,
    Name,
    PrimaryButton,
    Words,
)

# Lines of type that a page with gate and table takes; in fewer, the gate is one line.
_LOW = 38
_NOTE = "Maps of one group rise and fall together; the data cannot say which of them matters."
_NOT_FINAL = (
    "<b>Not final.</b> Gate, importance and groups stand; which maps are supported is known after "
    "they were compared with their shadows."
)


class MapsPage(QWidget):
    """Outcome, gate, table.

    Signals
    -------
    wants : callable
        Makes a job.
    go_to : str
        Key of another step.
    """

    wants = Signal(object)
    go_to = Signal(str)

    def __init__(self, viewer: Any, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._around: QWidget | None = None
        to_study = PrimaryButton("Go to Study")
        to_study.clicked.connect(lambda: self.go_to.emit("study"))
        self.empty = EmptyState(
            "No maps yet",
            "Open a study and a model first. Then this page answers: which latent maps carry your "
            "outcome, and is that more than luck?",
            to_study,
        )
        self.body = QWidget()
        self.gate = GateCard()
        self.table = MapTable(session)
        self._build()
        session.study_changed.connect(self.refresh)
        session.results_changed.connect(self.refresh)
        session.ranking_changed.connect(self.refresh)
        self.refresh()

    def _build(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.empty)
        box.addWidget(self.body, 1)
        box.addStretch(0)
        inner = QVBoxLayout(self.body)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addWidget(self._ask_card())
        self.gate.anyway.clicked.connect(lambda: self.go_to.emit("inspect"))
        inner.addWidget(self.gate)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Filter: 17, supported …")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("filter the maps")
        self.search.textChanged.connect(self.table.filter)
        inner.addWidget(self.search)
        inner.addWidget(self.table, 1)
        self.top = Words()
        inner.addWidget(self.top)
        self.note = Words(f"{_NOTE} Double-click a row to inspect it.", muted=True)
        inner.addWidget(self.note)
        self.table.opened.connect(lambda k: self.go_to.emit("inspect"))

    def _ask_card(self) -> Card:
        card = Card()
        self.outcome = Choice("outcome", "A column of the table of cases, or a labelled region")
        self.rank = PrimaryButton("Rank")
        self.rank.clicked.connect(self._on_rank)
        self.split = Words(muted=True)
        row = QHBoxLayout()
        row.addWidget(Name("Outcome"))
        row.addWidget(self.outcome, 1)
        row.addWidget(self.rank)
        card.box.addLayout(row)
        card.box.addWidget(self.split)
        return card

    def refresh(self) -> None:
        """Show the outcomes that can be asked for, and what was found."""
        study, ranking = self._session.study, self._session.ranking
        self.empty.setVisible(study is None)
        self.body.setVisible(study is not None)
        if study is None:
            return
        self._list_outcomes()
        cohort = study.cohort
        n = len(set(cohort.units))
        self.split.say(
            f"{n} {escape(cohort.unit_name)}, never in both halves"
            if cohort.unit_name == "patients"
            else f"Approximate: {escape(cohort.unit_name)}, held out in blocks"
        )
        self.gate.set_ranking(ranking)
        self.top.say("")
        if ranking is None:
            return
        final = not (ranking.verdict == NOT_FINAL).any()
        self.top.say(escape(_sentence(top_map_sentence(ranking))) if final else _NOT_FINAL)

    def showEvent(self, event: QShowEvent) -> None:
        """Watch how high the part of the page is that can be seen."""
        super().showEvent(event)
        around = self.parentWidget()
        if around is not None and around is not self._around:
            self._around = around
            around.installEventFilter(self)
        self._fit_height()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Make room for the table when the window gets lower."""
        if watched is self._around and event.type() == QEvent.Type.Resize:
            self._fit_height()
        return False

    def _fit_height(self) -> None:
        if self._around is not None:
            low = self._around.height() < _LOW * self.table.fontMetrics().height()
            self.gate.set_low(low)
            self.note.setVisible(not low)

    def _list_outcomes(self) -> None:
        study = self._session.study
        if study is None:
            return
        names = [*study.cohort.region_names, *study.cohort.columns]
        blocker = QSignalBlocker(self.outcome)
        if [self.outcome.itemText(i) for i in range(self.outcome.count())] != names:
            self.outcome.clear()
            for name in names:
                region = name in study.cohort.region_names
                self.outcome.addItem(name)
                tip = "A labelled region" if region else "A column of the table of cases"
                self.outcome.setItemData(self.outcome.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
            if self._session.outcome in names:
                self.outcome.setCurrentText(self._session.outcome)
        del blocker
        self.rank.setEnabled(bool(names))
        if not names:
            self.rank.setToolTip(
                "Your study has no outcome. Add a column or a label, or inspect any map directly."
            )

    def _on_rank(self) -> None:
        name = self.outcome.currentText()
        self.wants.emit(lambda: jobs.rank(self._session, name))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
