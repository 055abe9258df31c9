"""Step 3: what one map captures. Sentence first, then the chart, then where."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QImage
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_latentattr import jobs
from napari_latentattr.session import Latents, Session
from napari_latentattr.widgets.answer import AnswerCard, answer_of
from napari_latentattr.widgets.answer_words import basis
from napari_latentattr.widgets.driver_rows import driver_rows, rows_so_far
from napari_latentattr.widgets.drivers_chart import DriversChart
from napari_latentattr.widgets.footer import clock
from napari_latentattr.widgets.late import Late
from napari_latentattr.widgets.look_closer import LookCloser
from napari_latentattr.widgets.text import Button, Card, EmptyState, PrimaryButton, Words
from napari_latentattr.widgets.thumbnails import middle_thumbnail

_CAPTION = (
    "How far the map moves when only this image comes from another case; 1 = as far as a whole new "
    "case. Square-root axis."
)


class InspectPage(Late):
    """The answer for the whole map and, when the outcome is a region, inside it.

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
        to_maps = PrimaryButton("Go to Study")
        to_maps.clicked.connect(lambda: self.go_to.emit("study"))
        self.empty = EmptyState(
            "Pick a map",
            "Open a study, then choose a map in Maps (or type its number). This page then says "
            "which image drives it, with an interval, and where.",
            to_maps,
        )
        self.unmeasured = Card()
        thumbnails = _Thumbnails(session)
        self.whole = _Answer(session, "", thumbnails)
        self.region = _Answer(session, "region", thumbnails)
        self.closer = LookCloser(viewer, session)
        self._build()
        for signal in (
            session.ratios_changed,
            session.study_changed,
            session.results_changed,
            session.selection_changed,
            session.latents_changed,
        ):
            signal.connect(self.refresh)
        self.refresh()

    def _build(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        self.unmeasured_words = Words()
        self.measure_all, self.measure_one = PrimaryButton("Measure all maps"), Button()
        self.measure_all.setToolTip("One set of passes serves all maps; corrected over all of them")
        self.measure_one.setToolTip(
            "For a map that was named beforehand; corrected over its images"
        )
        self.measure_all.clicked.connect(lambda: self.measure())
        self.measure_one.clicked.connect(lambda: self.measure(self._session.selection.map))
        self.unmeasured.box.addWidget(self.unmeasured_words)
        for button in (self.measure_all, self.measure_one):
            self.unmeasured.box.addWidget(button, alignment=Qt.AlignmentFlag.AlignLeft)
        for part in (self.empty, self.unmeasured, self.whole, self.region, self.closer):
            box.addWidget(part)
        box.addStretch(1)
        self.closer.wants.connect(self.wants)

    def _show(self) -> None:
        study, which = self._session.study, self._session.selection.map
        known = study is not None and self._session.results.about(which) is not None
        self.empty.setVisible(study is None)
        self.closer.setVisible(study is not None)
        self.unmeasured.setVisible(study is not None and not known)
        self.whole.refresh()
        self.region.refresh()
        if study is not None and not known:
            self._offer(study.model.spec.n_maps, which)

    def _offer(self, n_maps: int, which: int) -> None:
        """Say that a map is not measured, and offer to; or how far that is."""
        found, seconds = self._session.ratios, jobs.measure_seconds(self._session)
        going = found is not None and not found.region
        for button in (self.measure_all, self.measure_one):
            button.setVisible(not going)
        if found is not None and going:
            self.unmeasured_words.say(
                f"<b>Map {which}: not final</b>, {found.done} of {found.of} cases are measured. "
                "Intervals and the answer come after the last one."
            )
            return
        if seconds is not None and self._session.region:
            seconds *= 2
        about = "" if seconds is None else f"  ~{clock(seconds)}"
        self.unmeasured_words.say(f"<b>Map {which} is not measured yet</b>")
        self.measure_all.setText(f"Measure all {n_maps}{about}")
        self.measure_one.setText(f"Measure this map{about}")

    def copied_text(self) -> str:
        """Return what `Copy` puts on the clipboard: the sentence and what it rests on."""
        self.catch_up()
        return self.whole.copied_text()

    def measure(self, which: int | None = None) -> None:
        """Measure all maps or one: first the whole map, then inside the region of the outcome."""
        for region in dict.fromkeys(("", self._session.region)):
            self.wants.emit(partial(jobs.measure, self._session, which, region=region))


class _Answer(QWidget):
    """Sentence and chart of one answer."""

    def __init__(self, session: Session, place: str, thumbnails: _Thumbnails) -> None:
        super().__init__()
        self._session, self._place, self._thumbnails = session, place, thumbnails
        self.card, self.chart = AnswerCard(), DriversChart()
        self.title = Words()
        frame = Card()
        frame.box.addWidget(self.title)
        frame.box.addWidget(self.chart)
        frame.box.addWidget(Words(_CAPTION, muted=True))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.card)
        box.addWidget(frame)
        self.chart.image_clicked.connect(lambda c: session.select(channel=c))

    def refresh(self) -> None:
        """Show the newest answer about the selected map, what is known so far, or nothing."""
        session = self._session
        region, which = session.region if self._place else "", session.selection.map
        found = going = None
        if session.study is not None and (region or not self._place):
            found = session.results.about(which, region=region)
            going = session.ratios if found is None else None
        if going is not None and going.region != region:
            going = None
        self.setVisible(found is not None or going is not None)
        self.card.setVisible(found is not None)
        pictures = self._thumbnails(2 * self.fontMetrics().height())
        state = f"inside {escape(region)}" if region else "whole map"
        if found is not None:
            self.card.set_answer(answer_of(found, which))
            self.chart.set_rows(driver_rows(found, which, pictures), found.tau, basis=basis(found))
        elif going is not None and session.study is not None:
            rows = rows_so_far(going, which, session.study.channels, pictures)
            self.chart.set_rows(rows, session.tau)
            state += f" · not final, {going.done} of {going.of} cases"
        self.chart.set_selected(session.selection.channel)
        self.title.say(f"<b>Which image drives it</b> · {state}")

    def copied_text(self) -> str:
        """Sentence and small line, plain."""
        return self.card.copied_text()


class _Thumbnails:
    """Small pictures of the images of the case that is shown; made once a case and size."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._of: tuple[Latents | None, int] = (None, 0)
        self._pictures: list[QImage | None] = []

    def __call__(self, side: int) -> list[QImage | None]:
        latents = self._session.latents
        if self._of != (latents, side):
            images = () if latents is None else latents.stack.data
            self._pictures = [middle_thumbnail(image, side) for image in images]
            self._of = (latents, side)
        return self._pictures
