"""The only place for progress, cancel and errors; always visible.

Knows jobs by their words alone.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from html import escape
from typing import Any

from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from napari_latentattr.core.errors import LatentAttrError
from napari_latentattr.jobs import Job
from napari_latentattr.widgets.lettering import follow
from napari_latentattr.widgets.palette import Colours
from napari_latentattr.widgets.text import Button, Words
from napari_latentattr.widgets.worker import JobRunner


class Footer(QFrame):
    """Ready, running, stopped, or what went wrong and what to do about it."""

    def __init__(self, runner: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._again: Job[Any] | None = None
        self._running, self._wrong = "", False
        self._fix: Callable[[], None] | None = None
        self._build()
        self.ready()
        runner.started.connect(self._on_started)
        runner.moved.connect(self._on_moved)
        runner.ended.connect(lambda job: self.ready())
        runner.stopped.connect(self._on_stopped)
        runner.failed.connect(lambda job, error: self.show_error(error, doing=job.text))
        runner.queued.connect(self._on_queued)

    def _build(self) -> None:
        self.title, self.detail = Words(), Words(muted=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("progress of the running job")
        self.cancel = _button("Cancel  Esc", "Stop the running job; complete results stay")
        self.cancel.clicked.connect(self._runner.cancel)
        self.resume = _button("Resume", "")
        self.resume.clicked.connect(self._on_resume)
        self.fix = _button("", "Do what the message proposes")
        self.fix.clicked.connect(self._on_fix)
        self.details = _button("Details", "Show where it failed, to send to the authors")
        self.details.setCheckable(True)
        self.trace = QPlainTextEdit()
        self.copy = _button("Copy", "Copy the details")
        self.copy.clicked.connect(
            lambda: QApplication.clipboard().setText(self.trace.toPlainText())
        )
        self.dismiss = _button("Dismiss", "Put the message away")
        self.dismiss.clicked.connect(self.ready)
        self.trace.setReadOnly(True)
        self.trace.setAccessibleName("details of the error")
        self.details.toggled.connect(self.trace.setVisible)
        self.details.toggled.connect(self.copy.setVisible)
        buttons = QHBoxLayout()
        for part in (self.fix, self.resume, self.details, self.copy):
            buttons.addWidget(part)
        buttons.addStretch(1)
        buttons.addWidget(self.dismiss)
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.cancel, 0, Qt.AlignmentFlag.AlignTop)
        box = QVBoxLayout(self)
        box.addLayout(head)
        box.addWidget(self.bar)
        box.addWidget(self.detail)
        box.addWidget(self.trace)
        box.addLayout(buttons)
        follow(self, self._fit)

    def _fit(self, em: int) -> None:
        self.bar.setFixedHeight(max(6, em // 3))
        self.trace.setFixedHeight(9 * em)
        layout = self.layout()
        if layout is not None:
            layout.setContentsMargins(em, em // 2, em, em // 2)
            layout.setSpacing(em // 3)

    def ready(self) -> None:
        """Nothing runs, nothing is wrong."""
        self._show("Ready", "")

    def note(self, text: str) -> None:
        """Say one thing below what is shown."""
        self.detail.say_plain(text)

    def show_error(
        self,
        error: Exception,
        *,
        doing: str = "",
        fix: tuple[str, Callable[[], None]] | None = None,
    ) -> None:
        """Say what went wrong in the words of the engine, and offer one way out.

        Parameters
        ----------
        error : Exception
        doing : str
            What was being done.
        fix : (words on the button, what it does), optional
        """
        known = isinstance(error, LatentAttrError)
        if known:
            title, detail = str(error), "Nothing was changed."
        else:
            what = doing[:1].lower() + doing[1:]
            title = f"Something in the tool failed while {what or 'working'}."
            detail = f"Your results so far are kept. {type(error).__name__}: {error}"
        if "." not in title.partition(" ")[0]:  # the name of a file stays as it is
            title = title[:1].upper() + title[1:]
        self._show(title, detail, wrong=True)
        self.trace.setPlainText("".join(traceback.format_exception(error)))
        self.details.setVisible(not known)
        self.dismiss.setVisible(True)
        if fix is not None:
            self._fix = fix[1]
            self.fix.setText(fix[0])
            self.fix.setVisible(True)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint a coloured edge around what went wrong."""
        colours = Colours.of(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(0, 0, self.width(), 1, QColor(colours.line))
        if self._wrong:
            edge = QColor(colours.undecided)
            painter.setPen(QPen(edge, 1.5))
            edge.setAlpha(28)
            painter.setBrush(edge)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(3, 4, -3, -3), 5, 5)

    def _show(self, title: str, detail: str, *, wrong: bool = False) -> None:
        self._wrong = wrong
        self.update()
        self.title.say(f"<b>{escape(title)}</b>" if wrong else escape(title))
        self.detail.say_plain(detail)
        self._fix = None
        self._again = None
        self.details.setChecked(False)
        for part in (
            self.bar,
            self.cancel,
            self.resume,
            self.fix,
            self.details,
            self.copy,
            self.dismiss,
            self.trace,
        ):
            part.setVisible(False)

    def _on_started(self, job: Job[Any]) -> None:
        about = "" if job.seconds is None else f"about {clock(job.seconds)} in all"
        self._show(job.text, about)
        self._running = job.text
        self.bar.setRange(0, 0)
        self.bar.setVisible(True)
        self.cancel.setVisible(True)

    def _on_moved(self, done: int, total: int, text: str, left: float) -> None:
        if not self._runner.busy:
            return
        self.title.say_plain(f"{self._running} · {done:,} of {total:,}")
        self.bar.setRange(0, max(total, 1))
        self.bar.setValue(done)
        self.detail.say_plain(text if left < 0 else f"about {clock(left)} left · {text}")

    def _on_stopped(self, job: Job[Any], done: int, total: int) -> None:
        kept = "What was measured so far is kept, only the rest is left to do."
        detail = kept if job.resumes else "Earlier results are kept."
        self._show(f"Stopped at {done:,} of {total:,}" if total else "Stopped", detail)
        self._again = job
        words = "Resume" if job.resumes else "Start again"
        tip = "Go on where it stopped" if job.resumes else "Run it from its beginning"
        self.resume.setText(words)
        self.resume.setAccessibleName(words)
        self.resume.setToolTip(tip)
        self.resume.setVisible(True)
        self.dismiss.setVisible(True)

    def _on_queued(self, job: Job[Any]) -> None:
        after = "this job" if self._runner.busy else "the step that was stopped"
        self.note(f"Queued: {job.text}, after {after}")

    def _on_resume(self) -> None:
        again, self._again = self._again, None
        if again is not None:
            self.resume.setVisible(False)
            self._runner.run(again)

    def _on_fix(self) -> None:
        fix = self._fix
        self.ready()
        if fix is not None:
            fix()


def clock(seconds: float) -> str:
    """Seconds as a person says them: ``6 s``, ``1:30``."""
    whole = max(1, round(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60}:{whole % 60:02d}"


def _button(text: str, tip: str) -> Button:
    button = Button(text)
    button.setToolTip(tip)
    button.setAccessibleName(text or tip)
    return button
