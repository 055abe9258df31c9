"""Step 3: what one map captures. Sentence first, then the chart, then where."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import Any

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QImage
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_latentattr import jobs
from napari_latentattr.session import Session
from napari_latentattr.widgets.answer import AnswerCard, answer_of
from napari_latentattr.widgets.answer_words import basis
from napari_latentattr.widgets.driver_rows import driver_rows
from napari_latentattr.widgets.drivers_chart import DriversChart
from napari_latentattr.widgets.footer import clock
from napari_latentattr.widgets.look_closer import LookCloser
from napari_latentattr.widgets.text import Card, EmptyState, PrimaryButton, Words
from napari_latentattr.widgets.thumbnails import thumbnail

_CAPTION = (
    "How far the map moves when only this image comes from another case; 1 = as far as a whole new "
    "case. Square-root axis."
)


class InspectPage(QWidget):
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
        self.whole, self.region = _Answer(session, ""), _Answer(session, "region")
        self.closer = LookCloser(session)
        self._build()
        for signal in (
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
        self.measure_all, self.measure_one = PrimaryButton("Measure all maps"), QPushButton()
        self.measure_all.setToolTip("one set of passes serves all maps; corrected over all of them")
        self.measure_one.setToolTip(
            "for a map that was named beforehand; corrected over its images"
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

    def refresh(self, *_: object) -> None:
        """Show what is known of the selected map."""
        study, which = self._session.study, self._session.selection.map
        self.empty.setVisible(study is None)
        self.closer.setVisible(study is not None)
        known = study is not None and self._session.results.about(which) is not None
        self.unmeasured.setVisible(study is not None and not known)
        self.whole.refresh()
        self.region.refresh()
        if study is None or known:
            return
        seconds = jobs.measure(self._session).seconds
        if seconds is not None and self._session.region:
            seconds *= 2
        about = "" if seconds is None else f"  ~{clock(seconds)}"
        self.unmeasured_words.say(f"<b>Map {which} is not measured yet</b>")
        self.measure_all.setText(f"Measure all {study.model.spec.n_maps}{about}")
        self.measure_one.setText(f"Measure this map{about}")

    def copied_text(self) -> str:
        """Return what `Copy` puts on the clipboard: the sentence and what it rests on."""
        return self.whole.copied_text()

    def measure(self, which: int | None = None) -> None:
        """Measure all maps or one: first the whole map, then inside the region of the outcome."""
        for region in dict.fromkeys(("", self._session.region)):
            self.wants.emit(partial(jobs.measure, self._session, which, region=region))


class _Answer(QWidget):
    """Sentence and chart of one answer."""

    def __init__(self, session: Session, place: str) -> None:
        super().__init__()
        self._session, self._place = session, place
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
        """Show the newest answer about the selected map, or nothing."""
        session = self._session
        region = session.region if self._place else ""
        found = None
        if session.study is not None and (region or not self._place):
            found = session.results.about(session.selection.map, region=region)
        self.setVisible(found is not None)
        if found is None:
            return
        which = session.selection.map
        self.card.set_answer(answer_of(found, which))
        self.chart.set_rows(
            driver_rows(found, which, self._thumbnails()), found.tau, basis=basis(found)
        )
        self.chart.set_selected(session.selection.channel)
        where = f"inside {escape(region)}" if region else "whole map"
        self.title.say(f"<b>Which image drives it</b> · {where}")

    def copied_text(self) -> str:
        """Sentence and small line, plain."""
        return self.card.copied_text()

    def _thumbnails(self) -> list[QImage | None]:
        latents = self._session.latents
        if latents is None:
            return []
        side = 2 * self.fontMetrics().height()
        pictures: list[QImage | None] = []
        for image in latents.stack.data:
            plane = image if image.ndim == 2 else image[image.shape[0] // 2]
            low, high = float(plane.min()), float(np.percentile(plane, 99.8))
            pictures.append(thumbnail(plane, (low, max(high, low + 1e-6)), side))
        return pictures
