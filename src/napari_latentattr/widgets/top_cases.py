"""Which cases have most and least of the selected map, and where; random ones beside them."""

from __future__ import annotations

from functools import partial
from html import escape

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout

from napari_latentattr import cohort_jobs
from napari_latentattr.core.case_sheet import CaseSheet, CaseView
from napari_latentattr.core.errors import InputError
from napari_latentattr.session import Session
from napari_latentattr.widgets.case_tile import ACROSS, Tile, TileRows
from napari_latentattr.widgets.footer import clock
from napari_latentattr.widgets.late import Late
from napari_latentattr.widgets.text import Button, PrimaryButton, Words

_ALONE = (
    "<b>One case is not a cohort.</b> With two or more cases this shows which have most of a map, "
    "and where."
)


class TopCases(Late):
    """Button, pictures, and what they rest on.

    Signals
    -------
    wants : callable
        Makes a job.
    picked : int, tuple of float
        A case and the voxel to look at.
    """

    wants = Signal(object)
    picked = Signal(int, object)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session, self._chosen = session, ""
        self.question, self.title, self.basis = Words(), Words(), Words(muted=True)
        self.lowest = Button("Lowest cases")
        self.lowest.setCheckable(True)
        self.lowest.setToolTip("Show the cases that have least of the map, or most again")
        self.lowest.toggled.connect(self.refresh)
        self.find = PrimaryButton()
        self.find.setToolTip("Encode all cases, and picture those with most and least of the map")
        self.find.clicked.connect(lambda: self.wants.emit(partial(cohort_jobs.find_cases, session)))
        self.most, self.random = TileRows(cohort_jobs.SHOWN), TileRows(ACROSS)
        self.random_words = Words("<b>random</b>, drawn without a look at the map")
        self.most.picked.connect(lambda row: self._pick(self._list, row))
        self.random.picked.connect(partial(self._pick, "random"))
        self._lay_out()
        for signal in (session.study_changed, session.results_changed, session.selection_changed):
            signal.connect(self.refresh)

    @property
    def _list(self) -> str:
        return "bottom" if self.lowest.isChecked() else "top"

    def _lay_out(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        top = QHBoxLayout()
        top.addWidget(self.title, 1)
        top.addWidget(self.lowest, 0, Qt.AlignmentFlag.AlignTop)
        box.addWidget(self.question)
        box.addLayout(top)
        self._of_a_sheet = (self.most, self.random_words, self.random, self.basis)
        for part in self._of_a_sheet:
            box.addWidget(part)
        box.addWidget(self.find, alignment=Qt.AlignmentFlag.AlignRight)

    def _show(self) -> None:
        session = self._session
        if session.study is None:
            return
        sheet = session.case_sheet
        alone = len(session.volumes) < 2 and not session.study.cohort.is_cut
        for part in (self.title, self.lowest, *self._of_a_sheet):
            part.setVisible(sheet is not None)
        self._offer(alone=alone, again=sheet is not None)
        if sheet is not None:
            self._show_sheet(sheet)

    def _offer(self, *, alone: bool, again: bool) -> None:
        which, about = self._session.selection.map, cohort_jobs.find_seconds(self._session)
        ask = (
            f"<b>Which cases have most of map {which}, and where?</b> {_one_each(self._session)}, "
            "cut out where the map peaks, with random ones beside them."
        )
        self.question.say("" if again else _ALONE if alone else ask)
        words = "Find again" if again else "Find cases"
        self.find.setText(words if about is None else f"{words}  ~{clock(about)}")
        self.find.updateGeometry()
        self.find.setVisible(not alone)

    def _show_sheet(self, sheet: CaseSheet) -> None:
        found, image = sheet.found, sheet.channels[self._session.selection.channel]
        most = "Least" if self._list == "bottom" else "Most"
        self.title.say(f"<b>{most} of map {found.target.index}</b> · {escape(image)}")
        self.most.show_tiles(self._tiles(sheet, self._list))
        self.random.show_tiles(self._tiles(sheet, "random")[:ACROSS])
        self.basis.say_plain(
            f"{found.unit[:1].upper()}{found.unit[1:]}, in sd from the mean of {found.n_cases} "
            f"cases; one shown of each of {found.n} {found.unit_name}. The outline is what the "
            "peak can see. Cases that have most of a map share more than what drives it."
        )

    def _tiles(self, sheet: CaseSheet, name: str) -> list[Tile]:
        chosen, outcomes = self._session.selection, self._outcomes()
        shown = self._session.volumes.cases[chosen.case]
        return [
            Tile(
                # Adding 0 turns -0.0 into 0.0.
                (view.name, f"{round(at, 1) + 0.0:+.1f} sd", *outcomes.get(view.name, ())),
                f"Show case {view.name} where the map peaks",
                view.planes[chosen.channel],
                view.box,
                # Of a case that is cut, many slices may be here, and one was chosen.
                view.case == shown and view.name in (view.case, self._chosen),
            )
            for view, at in zip(sheet.views[name], sheet.found.in_sd(name), strict=True)
        ]

    def _outcomes(self) -> dict[str, tuple[str]]:
        """Outcome of each case in words; empty where there is none a case."""
        cohort, name = self._session.opened().cohort, self._session.outcome
        if name is None or name not in cohort.columns or cohort.is_cut:
            return {}
        try:
            values = cohort.values(name)
        except InputError:  # a gap in the table
            return {}
        return {case: (f"{name} {v}",) for case, v in zip(cohort.cases, values, strict=True)}

    def _pick(self, name: str, row: int) -> None:
        sheet = self._session.case_sheet
        if sheet is not None:
            view: CaseView = sheet.views[name][row]
            self._chosen = view.name
            self.picked.emit(self._session.volumes.cases.index(view.case), view.voxel)
            self.refresh()


def _one_each(session: Session) -> str:
    cut = session.opened().cohort.is_cut
    return "Slices that are no neighbours" if cut else "One of each patient"
