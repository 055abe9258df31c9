"""Step 4: which cases look alike to the model, and one typical case of each group."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from napari_latentattr import cohort_jobs
from napari_latentattr.core.clusters import TSNE_WARNING, Clusters, Layout
from napari_latentattr.core.types import Float32
from napari_latentattr.session import Session
from napari_latentattr.widgets.case_cards import CaseCards
from napari_latentattr.widgets.case_colours import Kinds, by_column, by_group, by_map
from napari_latentattr.widgets.case_words import case_words, chosen_words
from napari_latentattr.widgets.scatter import Scatter
from napari_latentattr.widgets.scatter_legend import ScatterLegend
from napari_latentattr.widgets.scatter_paint import Marks
from napari_latentattr.widgets.text import (
    Button,
    Card,
    Choice,
    EmptyState,
    Name,
    PrimaryButton,
    Words,
)

FEWEST_CASES = 6
_GROUP, _MAP = "group", "the selected map"
_LAYOUTS: dict[str, Layout] = {"PCA": "pca", "t-SNE": "tsne"}
_HOW = "Click a case to show it; drag around several to select them."


class CohortPage(QWidget):
    """Question, sentence, scatter, representative cases, the case itself.

    Signals
    -------
    wants : callable
        Makes a job.
    go_to : str
        Key of another step.
    """

    wants = Signal(object)
    go_to = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._shown: Clusters | None = None
        self._several: list[int] = []
        self._pictures: dict[int, Float32] = {}
        to_study = PrimaryButton("Go to Study")
        to_study.clicked.connect(lambda: self.go_to.emit("study"))
        self.empty = EmptyState(
            "No cases yet",
            "Open a study and a model first. Then this page answers: which cases look alike to the "
            "model, and which one is typical?",
            to_study,
        )
        to_inspect = PrimaryButton("Go to Inspect")
        to_inspect.clicked.connect(lambda: self.go_to.emit("inspect"))
        self.few = EmptyState(
            "One case is not a cohort",
            "With 6 or more cases this page shows which cases look alike to the model, and picks "
            "representatives. With fewer you can still use Inspect.",
            to_inspect,
        )
        self.body, self.answer = QWidget(), Card()
        self._build()
        session.study_changed.connect(self._on_study)
        session.results_changed.connect(self.refresh)
        session.selection_changed.connect(self._on_selection)
        self.refresh()

    def _build(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        for part in (self.empty, self.few, self.body):
            box.addWidget(part)
        box.addStretch(1)
        inner = QVBoxLayout(self.body)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addWidget(self._ask_card())
        self.sentence, self.basis = Words(), Words(muted=True)
        self.answer.box.addWidget(self.sentence)
        self.answer.box.addWidget(self.basis)
        inner.addWidget(self.answer)
        self.plot, self.scatter, self.legend = Card(), Scatter(), ScatterLegend()
        self.plot.box.addWidget(self.legend)
        self.plot.box.addWidget(self.scatter)
        inner.addWidget(self.plot)
        self.how = Words(muted=True)
        inner.addWidget(self.how)
        self.cards = CaseCards()
        inner.addWidget(self.cards)
        self.case, self.case_words, self.open = Card(), Words(), Button("Open in Inspect")
        self.case_words.follow_links()
        self.case_words.linkActivated.connect(lambda link: self._on_picked(int(link)))
        self.open.setToolTip("Look at the selected map in the case that is shown")
        self.open.clicked.connect(lambda: self.go_to.emit("inspect"))
        self.case.box.addWidget(self.case_words)
        self.case.box.addWidget(self.open, alignment=Qt.AlignmentFlag.AlignLeft)
        inner.addWidget(self.case)
        self.scatter.picked.connect(self._on_picked)
        self.scatter.chosen.connect(self._on_several)
        self.cards.picked.connect(self._on_picked)
        self.cards.all_wanted.connect(self._on_all)

    def _ask_card(self) -> Card:
        card = Card()
        self.colour = Choice("colour by", "What the dots are coloured by")
        self.layout_choice = Choice("layout", "How the scatter is laid out; changes no group")
        self.layout_choice.addItems(list(_LAYOUTS))
        self.look = PrimaryButton("Look for groups")
        self.look.clicked.connect(self._on_look)
        self.colour.currentTextChanged.connect(lambda _: self._paint())
        row = QHBoxLayout()
        row.addWidget(Name("Layout"))
        row.addWidget(self.layout_choice, 1)
        card.box.addLayout(row)
        self.colour_name = Name("Colour")
        colours = QHBoxLayout()
        colours.addWidget(self.colour_name)
        colours.addWidget(self.colour, 1)
        card.box.addLayout(colours)
        card.box.addWidget(self.look, alignment=Qt.AlignmentFlag.AlignRight)
        return card

    def refresh(self) -> None:
        """Show what was found, or what to do next."""
        session = self._session
        found = session.results.clusters
        enough = session.study is not None and len(session.volumes) >= FEWEST_CASES
        self.empty.setVisible(session.study is None)
        self.few.setVisible(session.study is not None and not enough)
        self.body.setVisible(enough)
        for part in (self.answer, self.plot, self.how, self.case, self.colour_name, self.colour):
            part.setVisible(found is not None)
        self.cards.setVisible(found is not None and found.count > 0)
        if found is self._shown:
            return
        self._shown, self._several, self._pictures = found, [], {}
        self.cards.set_clusters(found)
        if found is None:
            return
        self.sentence.say(escape(found.sentence()))
        self.basis.say(escape(found.basis()))
        axes = " + ".join(f"{100 * share:.0f} %" for share in found.explained)
        pca = f"{_HOW} PCA shows {axes} of the spread."
        self.how.say(pca if found.layout == "pca" else f"{_HOW} {TSNE_WARNING}")
        self._list_colours()
        self._paint()
        if found.count:
            self.wants.emit(lambda: cohort_jobs.picture_cases(session, found, self._take_pictures))

    def _take_pictures(self, pictures: dict[int, Float32]) -> None:
        self._pictures = pictures
        self.cards.set_pictures(pictures)

    def _list_colours(self) -> None:
        session = self._session
        own = session.study is not None and session.volumes is session.study.cohort
        columns = session.opened().outcomes() if own else ()
        blocker = QSignalBlocker(self.colour)
        self.colour.clear()
        self.colour.addItems([_GROUP, *columns, _MAP])
        del blocker

    def _paint(self) -> None:
        """Colour the dots, explain them, and ring what is looked at."""
        found = self._shown
        if found is None:
            return
        kinds = self._kinds(found)
        self.legend.set_kinds(kinds, ringed=found.count > 0)
        self.scatter.set_cases(found, kinds)
        self._mark()

    def _kinds(self, found: Clusters) -> Kinds:
        asked = self.colour.currentText()
        if asked == _MAP:
            return by_map(found, min(self._session.selection.map, found.activation.shape[1] - 1))
        if asked in ("", _GROUP):
            return by_group(found)
        cohort = self._session.volumes
        known = dict(zip(cohort.cases, cohort.values(asked), strict=True))
        return by_column([known.get(case, "") for case in found.cases], asked)

    def _mark(self) -> None:
        found = self._shown
        if found is None:
            return
        name = self._session.volumes.cases[self._session.selection.case]
        shown = found.cases.index(name) if name in found.cases else -1
        several = np.zeros(len(found.cases), dtype=bool)
        several[self._several] = True
        self.scatter.mark(Marks(tuple(found.medoids.tolist()), shown, name, several))
        self.cards.mark(shown)
        said = chosen_words(found, self._several)
        self.case_words.say(said or case_words(found, shown, self._session.selection.map))

    def _on_study(self) -> None:
        self._shown = None
        self.cards.set_clusters(None)
        self.refresh()

    def _on_selection(self, new: Any, old: Any) -> None:
        if self._shown is None:
            return
        if new.map != old.map and self.colour.currentText() == _MAP:
            self._paint()
        else:
            self._mark()

    def _on_look(self) -> None:
        layout = _LAYOUTS[self.layout_choice.currentText()]
        self.wants.emit(lambda: cohort_jobs.cluster(self._session, layout))

    def _on_picked(self, case: int) -> None:
        self._several = []
        if self._shown is not None:
            name = self._shown.cases[case]
            self._session.select(case=self._session.volumes.cases.index(name))
        self._mark()

    def _on_several(self, cases: list[int]) -> None:
        self._several = cases
        self._mark()

    def _on_all(self) -> None:
        if self._shown is not None:
            self._on_several(self._shown.medoids.tolist())
