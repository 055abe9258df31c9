"""The dock binds one session to one viewer. No numbers are made and no image is read here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import QEvent, QSize, QTimer
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication, QHBoxLayout, QVBoxLayout, QWidget

from napari_latentattr import jobs
from napari_latentattr.core.errors import GridMismatchError, InputError, UntrustedModelError
from napari_latentattr.core.results import Selection
from napari_latentattr.jobs import Job
from napari_latentattr.samples.folders import sample_folder
from napari_latentattr.session import Session
from napari_latentattr.widgets.activity import Activity
from napari_latentattr.widgets.canvas import Canvas
from napari_latentattr.widgets.cohort import CohortPage
from napari_latentattr.widgets.context_bar import ContextBar
from napari_latentattr.widgets.dock_keys import key_actions
from napari_latentattr.widgets.drops import dropped_file
from napari_latentattr.widgets.footer import Footer
from napari_latentattr.widgets.inspector import InspectPage
from napari_latentattr.widgets.keeping import Keeping
from napari_latentattr.widgets.lettering import follow
from napari_latentattr.widgets.maps import MapsPage
from napari_latentattr.widgets.pages import Pages
from napari_latentattr.widgets.painted_labels import adopt_grid
from napari_latentattr.widgets.preferences import apply_preferences
from napari_latentattr.widgets.shortcuts import KeyList, Shortcuts
from napari_latentattr.widgets.step_bar import STEPS, StepBar
from napari_latentattr.widgets.study import StudyPage
from napari_latentattr.widgets.text import Button
from napari_latentattr.widgets.tidying import Tidying
from napari_latentattr.widgets.trust import Trusting
from napari_latentattr.widgets.window_end import WindowEnd
from napari_latentattr.widgets.worker import JobRunner

TITLE = "Latent Attribution"
# Pixels; the canvas keeps half of a small screen.
_WIDEST = 480
# After the dock is drawn: reading the preferences for the first time takes 50 ms.
_READ_MS = 300


class LatentAttribution(QWidget):
    """Study, Maps, Inspect, Cohort in one dock, with one footer.

    Parameters
    ----------
    viewer : napari.Viewer
    session : Session, optional
        A new one when None.
    """

    def __init__(
        self, viewer: Any, session: Session | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.viewer = viewer
        self.session = session or Session()
        self.runner = JobRunner(self)
        self.activity = Activity(self.runner)
        self.canvas = Canvas(viewer, self.session)
        self.keeping = Keeping(self.session, self)
        self.trusting = Trusting(self.start, self)
        self._answer = False
        self.window_end = WindowEnd(self)
        self._idle = QTimer(self, singleShot=True)
        self._idle.timeout.connect(lambda: apply_preferences(self.session))
        self._tidying = Tidying(viewer.layers, lambda: self.runner.busy or self.canvas.busy, self)
        self._build()
        self.shortcuts = Shortcuts(self, key_actions(self))
        self.shortcuts.set_running(running=False)
        self._connect()
        self.show_step("study")
        self.setAcceptDrops(True)
        self.setObjectName("latent-attribution")

    def _build(self) -> None:
        self.steps = StepBar()
        self.context = ContextBar(self.session)
        self.study = StudyPage(self.viewer, self.session)
        self.maps = MapsPage(self.viewer, self.session)
        self.inspect = InspectPage(self.viewer, self.session)
        self.cohort = CohortPage(self.session)
        self.keys = KeyList()
        self.pages = Pages(self.study, self.maps, self.inspect, self.cohort, self.keys)
        self.footer = Footer(self.runner)
        self.help = Button("?")
        self.help.setCheckable(True)
        self.help.setToolTip("Keys")
        self.help.setAccessibleName("list of keys")
        self.help.toggled.connect(self._show_keys)
        head = QHBoxLayout()
        head.addWidget(self.steps, 1)
        head.addWidget(self.help)
        box = QVBoxLayout(self)
        box.addLayout(head)
        box.addWidget(self.context)
        box.addWidget(self.pages, 1)
        box.addWidget(self.footer)
        follow(self, lambda em: box.setContentsMargins(em // 3, em // 3, em // 3, 0))

    def _connect(self) -> None:
        self.steps.currentChanged.connect(lambda i: self.show_step(STEPS[i].key))
        self.steps.tabBarClicked.connect(lambda i: self.help.setChecked(False))
        for page in (self.maps, self.inspect, self.cohort):
            page.wants.connect(self.start)
            page.go_to.connect(self.show_step)
        self.context.kept.connect(self.keep_picture)
        self.study.wants.connect(self.trusting.start)
        self.study.layers.failed.connect(self.footer.show_error)
        self.study.demo_wanted.connect(self.open_demo)
        self.study.next_step.connect(lambda: self.show_step("maps"))
        self.inspect.closer.side_by_side.connect(self._set_side_by_side)
        self.inspect.closer.every_image.connect(self.canvas.show_every_image)
        self.inspect.closer.shown.connect(self.canvas.show)
        self.inspect.closer.picked.connect(self.canvas.look_at)
        self.viewer.layers.events.inserted.connect(self._on_layer)
        self.session.study_changed.connect(self._on_study)
        self.session.selection_changed.connect(self._on_selection)
        self.session.results_changed.connect(self._mark_steps)
        self.runner.started.connect(lambda job: self.shortcuts.set_running(running=True))
        for signal in (self.runner.ended, self.runner.stopped, self.runner.failed):
            signal.connect(lambda *_: self.shortcuts.set_running(running=False))
        for signal in (self.runner.stopped, self.runner.failed):
            signal.connect(self._on_not_done)
        self.runner.failed.connect(self._on_failed)
        self.runner.idle.connect(self._on_idle)
        self.window_end.asked.connect(self.keeping.save_now)
        self.window_end.gone.connect(self.shut)
        self.keeping.stale.connect(self.study.study_card.earlier.say_plain)

    def sizeHint(self) -> QSize:
        """Width in letters, so that it follows the font."""
        em = self.fontMetrics().height()
        return QSize(min(31 * em, _WIDEST), 40 * em)

    # What one can do

    def show_step(self, key: str) -> None:
        """Go to a step."""
        index = [step.key for step in STEPS].index(key)
        self.steps.setCurrentIndex(index)
        self.help.setChecked(False)
        self.pages.setCurrentIndex(index)
        self.context.setVisible(key != "study" and self.session.study is not None)
        self.shortcuts.set_step(key)

    def _show_keys(self, wanted: bool) -> None:
        step = self.steps.currentIndex()
        self.pages.setCurrentIndex(self.pages.count() - 1 if wanted else step)

    def open_path(self, path: Path) -> None:
        """Open a study file, or take a model file."""
        self.show_step("study")
        self.study.open_path(path)

    def open_study(self, path: Path, *, answer: bool = False, trust: bool = False) -> None:
        """Open a study file; with `answer` also rank and measure, unless that was done before."""
        self._answer = answer
        self.start(lambda: jobs.open_study_file(self.session, path, trust=trust))

    def answer(self) -> None:
        """Do what leads to the first answer: rank, measure, show where; skip what is there."""
        session = self.session
        if session.study is None:
            return
        if session.results.ranking is None and session.outcome is not None:
            self.start(lambda: jobs.rank(session))
        elif session.results.about(session.selection.map) is None:
            self.inspect.measure()
        else:
            self._answer = False
            self.show_step("inspect")
            if session.picture("where") is None:
                self.inspect.closer.go.click()

    def open_demo(self) -> None:
        """Open the real images of one person that ship with the package."""
        self.open_path(sample_folder("dti") / "study_grouped.yaml")

    def start(self, make: Callable[[], Job[Any]]) -> None:
        """Make a job and run it; what is wrong with the question is shown in the footer."""
        apply_preferences(self.session)
        try:
            job = make()
        except InputError as error:
            self.footer.show_error(error)
        else:
            self.runner.run(job)

    def step_image(self, by: int) -> None:
        """Look at the next image, or the one before."""
        if self.session.study is not None:
            self.session.select(channel=self.session.selection.channel + by)

    def undo(self) -> None:
        """Forget the last result."""
        done = self.session.undo()
        self.footer.note("The last result was undone" if done else "There is nothing to undo")

    def keep_picture(self) -> None:
        """Keep a copy of the picture on top, which later pictures leave alone."""
        kept = self.canvas.keep()
        said = "There is no picture to keep yet" if kept is None else f"Kept: {kept.name}"
        self.footer.note(said)

    def copy_sentence(self) -> None:
        """Put the sentence about the selected map on the clipboard."""
        text = self.inspect.copied_text()
        if text:
            QApplication.clipboard().setText(text)
            self.footer.note("Copied")

    def shut(self) -> None:
        """Stop work, save, and give the viewer back; for good."""
        if self.runner.closed:
            return
        self.runner.close()
        self.activity.close()
        self.keeping.save_now()
        self.canvas.close()
        self.inspect.closer.place.close_down()
        self._tidying.close()
        self.viewer.layers.events.inserted.disconnect(self._on_layer)

    # What happens

    def _on_study(self) -> None:
        self._mark_steps()
        self.show_step("study")
        if self.session.study is not None:
            if self.session.study.path is None:
                self.study.layers.hide_used()
            self._tidying.start()
            self.runner.run(self.keeping.take_up())
            self.runner.run(jobs.encode(self.session))

    def _on_layer(self, event: Any) -> None:
        adopt_grid(event.value, [layer for layer in self.viewer.layers if layer is not event.value])

    def _on_selection(self, new: Selection, old: Selection) -> None:
        if new.case != old.case:
            self.runner.run(jobs.encode(self.session))

    def _mark_steps(self) -> None:
        results = self.session.results
        found = (self.session.study, results.ranking, results.dependence or None, results.clusters)
        for step, one in zip(STEPS, found, strict=True):
            self.steps.set_done(step.key, done=one is not None)

    def _on_idle(self, done: bool) -> None:
        if self._answer and done:
            self.answer()
        else:
            self._answer = False

    def _on_not_done(self, *_: object) -> None:
        self.session.show_ratios(None)
        self.session.show_ranking(None)
        self.session.show_preview(None)

    def _on_failed(self, job: Job[Any], error: Exception) -> None:
        if isinstance(error, UntrustedModelError):
            fix = ("Open in trusted mode…", partial(self.trusting.ask, error))
        elif isinstance(error, GridMismatchError) and job.remedy is not None:
            fix = (job.remedy[0], partial(self.trusting.start, job.remedy[1]))
        else:
            return
        self.footer.show_error(error, fix=fix)

    def _set_side_by_side(self, wanted: bool) -> None:
        if wanted != self.canvas.is_side_by_side:
            self.canvas.toggle_side_by_side()

    def showEvent(self, event: QEvent) -> None:
        """Watch the window, to stop work when it closes."""
        super().showEvent(event)
        if self.window_end.watch(self.window()):
            self._idle.start(_READ_MS)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open a study or a model; say where an image belongs."""
        event.acceptProposedAction()
        try:
            self.open_path(dropped_file(event.mimeData()))
        except InputError as error:
            self.footer.show_error(error)
