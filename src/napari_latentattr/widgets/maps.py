"""Step 2: which latent maps carry the outcome, and whether that is more than luck."""

from __future__ import annotations

from html import escape
from typing import Any

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from napari_latentattr import jobs
from napari_latentattr.core.ranking_words import gate_sentence, top_map_sentence
from napari_latentattr.core.verdict_words import NOT_FINAL
from napari_latentattr.session import Session
from napari_latentattr.widgets.gate_chart import GateChart
from napari_latentattr.widgets.map_table import MapTable
from napari_latentattr.widgets.pill import Pill
from napari_latentattr.widgets.text import (
    Button,
    Card,
    EmptyState,
    Name,
    PrimaryButton,
    Words,
    fit_choice,
)

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
        to_study = PrimaryButton("Go to Study")
        to_study.clicked.connect(lambda: self.go_to.emit("study"))
        self.empty = EmptyState(
            "No maps yet",
            "Open a study and a model first. Then this page answers: which latent maps carry your "
            "outcome, and is that more than luck?",
            to_study,
        )
        self.body = QWidget()
        self.gate_card = Card()
        self.gate_pill = Pill("ok", "Gate passed")
        self.gate_words, self.gate_chart = Words(), GateChart()
        self.anyway = Button("Inspect maps anyway")
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
        self.gate_card.box.addWidget(self.gate_pill)
        self.gate_card.box.addWidget(self.gate_words)
        self.gate_card.box.addWidget(self.gate_chart)
        self.gate_card.box.addWidget(self.anyway, alignment=Qt.AlignmentFlag.AlignLeft)
        self.anyway.clicked.connect(lambda: self.go_to.emit("inspect"))
        inner.addWidget(self.gate_card)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Filter: 17, supported …")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("filter the maps")
        self.search.textChanged.connect(self.table.filter)
        inner.addWidget(self.search)
        inner.addWidget(self.table, 1)
        self.top = Words()
        inner.addWidget(self.top)
        inner.addWidget(Words(f"{_NOTE} Double-click a row to inspect it.", muted=True))
        self.table.opened.connect(lambda k: self.go_to.emit("inspect"))

    def _ask_card(self) -> Card:
        card = Card()
        self.outcome = QComboBox()
        fit_choice(self.outcome, "A column of the table of cases, or a labelled region")
        self.outcome.setAccessibleName("outcome")
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
        self.gate_card.setVisible(ranking is not None)
        self.top.say("")
        if ranking is None:
            return
        self.gate_chart.set_gate(ranking.gate)
        final = not (ranking.verdict == NOT_FINAL).any()
        self.top.say(escape(_sentence(top_map_sentence(ranking))) if final else _NOT_FINAL)
        passed = ranking.gate.passed
        self.anyway.setVisible(not passed)
        self.gate_card.set_tone("" if passed else "undecided")
        self.gate_pill.setVisible(passed)
        said = gate_sentence(ranking).removeprefix("gate passed: ").removeprefix("not supported: ")
        words = escape(_sentence(said))
        if not passed:
            words = (
                f"<b>The gate did not pass: no ranking.</b> {words}. An importance list would be "
                "noise. You can still inspect any map."
            )
        self.gate_words.say(words)

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
