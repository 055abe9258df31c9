"""What would excite the selected map: made-up pictures, and the real cases beside them."""

from __future__ import annotations

from functools import partial
from html import escape

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout

from napari_latentattr import picture_jobs
from napari_latentattr.core.case_sheet import Grey
from napari_latentattr.core.made_up import MadeUp
from napari_latentattr.core.maximisation import MADE_UP, Toward
from napari_latentattr.session import Session
from napari_latentattr.widgets.case_tile import ACROSS, Tile, TileRows
from napari_latentattr.widgets.footer import clock
from napari_latentattr.widgets.late import Late
from napari_latentattr.widgets.text import Choice, Name, PrimaryButton, Words

_TOWARD: dict[str, Toward] = {"high": "high", "low": "low"}
_TITLE = f"{MADE_UP[:1].upper()}{MADE_UP[1:]}"
_ALONE = (
    "<b>One case is not a cohort.</b> With two or more cases this makes up what would excite a map "
    "as much as the strongest of them do."
)


class Excites(Late):
    """Question, button, made-up pictures above real ones, and how far to trust them.

    Signals
    -------
    wants : callable
        Makes a job.
    picked : int, tuple of float
        A real case and the voxel to look at.
    """

    wants = Signal(object)
    picked = Signal(int, object)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.question, self.title, self.real_title = Words(), Words(), Words()
        self.sentence = Words(muted=True)
        self.toward = Choice(
            "level to reach", "As much of the map as the cases with most, or least"
        )
        self.toward.addItems(list(_TOWARD))
        self.go = PrimaryButton("Imagine")
        self.go.setToolTip("Make up three pictures, each from other random numbers")
        self.go.clicked.connect(self._on_go)
        self.made, self.real = TileRows(ACROSS, live=False), TileRows(ACROSS)
        self.real.picked.connect(self._pick)
        self._lay_out()
        self.toward.currentTextChanged.connect(self.refresh)
        for signal in (
            session.study_changed,
            session.results_changed,
            session.selection_changed,
            session.preview_changed,
        ):
            signal.connect(self.refresh)

    def _lay_out(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        row = QHBoxLayout()
        self.toward_name = Name("Toward")
        row.addWidget(self.toward_name)
        row.addWidget(self.toward, 1)
        box.addWidget(self.question)
        box.addLayout(row)
        box.addWidget(self.go, alignment=Qt.AlignmentFlag.AlignRight)
        for part in (self.title, self.made, self.real_title, self.real, self.sentence):
            box.addWidget(part)

    def _show(self) -> None:
        session = self._session
        if session.study is None:
            return
        alone = len(session.volumes) < 2 and not session.study.cohort.is_cut
        for part in (self.toward_name, self.toward, self.go):
            part.setVisible(not alone)
        self._ask(alone=alone)
        found, preview = session.made_up, session.preview
        going = preview is not None and preview[0] == session.selection.map
        self.title.setVisible(going or found is not None)
        self.made.setVisible(going or found is not None)
        for part in (self.real_title, self.real, self.sentence):
            part.setVisible(not going and found is not None)
        if going and preview is not None:
            self._show_preview(preview[1])
        elif found is not None:
            self._show_found(found)

    def _ask(self, *, alone: bool) -> None:
        which, low = self._session.selection.map, self.toward.currentText() == "low"
        much, strongest = ("little", "weakest") if low else ("much", "strongest")
        self.question.say(
            _ALONE
            if alone
            else f"Makes an input that would light up map {which} as {much} as the {strongest} 1 % "
            "of your cases. It is a drawing by the model, <b>never a patient</b>."
        )
        about = picture_jobs.imagine_seconds(self._session)
        self.go.setText("Imagine" if about is None else f"Imagine  ~{clock(about)}")
        self.go.updateGeometry()

    def _show_preview(self, planes: Grey) -> None:
        channel = self._session.selection.channel
        self.title.say(f"<b>{_TITLE}</b> · not ready yet")
        self.made.show_tiles([Tile(("so far",), "The picture so far", planes[channel])])

    def _show_found(self, found: MadeUp) -> None:
        channel, first = self._session.selection.channel, found.found.provenance.seed or 0
        image = escape(found.found.channels[channel])
        self.title.say(f"<b>{_TITLE}</b> · {image}")
        shown = found.pictures[: ACROSS - 1]
        made = [
            Tile((f"seed {first + i}",), f"{_TITLE}, random numbers {first + i}", planes[channel])
            for i, planes in enumerate(shown)
        ]
        start = Tile(("nothing asked",), f"{_TITLE}; nothing was asked of it", found.start[channel])
        self.made.show_tiles([*made, start])
        most = "least" if found.lowest else "most"
        self.real_title.say(f"<b>Real cases</b> with {most} of the map · {image}")
        self.real.show_tiles(
            [
                Tile(
                    (view.name, f"{activation:.3g}"),
                    f"Show case {view.name}",
                    view.planes[channel],
                    framed=self._is_shown(view.case),
                )
                for view, activation in zip(found.real, found.found.top_activations, strict=True)
            ]
        )
        self.sentence.say_plain(found.found.sentence())

    def _is_shown(self, case: str) -> bool:
        """Whether a case is looked at; of one person all slices would be."""
        session = self._session
        cut = session.opened().cohort.is_cut
        return not cut and session.volumes.cases[session.selection.case] == case

    def _on_go(self) -> None:
        toward = _TOWARD[self.toward.currentText()]
        self.wants.emit(partial(picture_jobs.imagine, self._session, toward=toward))

    def _pick(self, row: int) -> None:
        found = self._session.made_up
        if found is not None:
            view = found.real[row]
            self.picked.emit(self._session.volumes.cases.index(view.case), view.voxel)
