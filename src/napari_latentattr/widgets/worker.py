"""Runs one job of the session at a time in a thread; knows nothing of what the job does."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from typing import Any

from napari.qt.threading import create_worker
from qtpy.QtCore import QObject, QTimer, Signal

from napari_latentattr.core.errors import Cancelled
from napari_latentattr.core.stopping import stoppable
from napari_latentattr.jobs import Job

# A window with a canvas is drawn as a whole: 20 ms for each report where no graphics card helps.
_PAUSE = 0.1
# A step that takes longer goes on without the window.
_PATIENCE_MS = 200
# In which the window draws what was kept, before more is done in its thread.
_BREATH_MS = 30
# A thread that asks for the lock of Python gets it after so many seconds, 0.005 as a rule. The
# window gives it away some hundred times while it draws: each time 0.7 ms were lost instead of 2.6.
_LOCK_SECONDS = 0.0005
# Objects that were made lately: an import makes very many.
_YOUNG, _TIDY_MS = 1, 100


class JobRunner(QObject):
    """One job at a time; later ones wait, in order.

    A job that was cancelled and does not stop at once is let go: its thread ends after its step,
    nothing of it is kept, and the next job waits for that.

    Signals
    -------
    started : Job
    moved : int, int, str, float
        Finished steps, all steps, what is being done, seconds left (negative when unknown).
    ended : Job
        The result was kept.
    stopped : Job, int, int
        Cancelled after so many of so many steps.
    failed : Job, Exception
    queued : Job
    idle : bool
        Nothing waits any more; whether the last job was done.
    """

    started = Signal(object)
    moved = Signal(int, int, str, float)
    ended = Signal(object)
    stopped = Signal(object, int, int)
    failed = Signal(object, object)
    queued = Signal(object)
    idle = Signal(bool)
    _reported = Signal(object, int, int, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: list[Job[Any]] = []
        self._job: Job[Any] | None = None
        self._worker: Any = None
        self._progress: _Reporter | None = None
        self._pace = _Pace()
        self._closed = False
        self._reported.connect(self._on_report)
        self._tidy = QTimer(self)
        self._tidy.setInterval(_TIDY_MS)
        self._tidy.timeout.connect(lambda: gc.collect(_YOUNG))
        self._soon, self._patience = QTimer(self), QTimer(self)
        for timer, wait, then in (
            (self._soon, _BREATH_MS, self._complete),
            (self._patience, _PATIENCE_MS, self._let_go),
        ):
            timer.setSingleShot(True)
            timer.setInterval(wait)
            timer.timeout.connect(then)

    @property
    def busy(self) -> bool:
        """Whether a job is running."""
        return self._job is not None

    @property
    def leaving(self) -> bool:
        """Whether the thread of a job that was let go has not ended yet."""
        return self._worker is not None and not self.busy

    @property
    def closed(self) -> bool:
        """Whether no job is taken any more."""
        return self._closed

    def run(self, job: Job[Any]) -> None:
        """Start a job, or let it wait for the one that runs."""
        if self._closed:
            return
        if self.busy or self._worker is not None:
            self._waiting.append(job)
            self.queued.emit(job)
        else:
            self._start(job)

    def cancel(self) -> None:
        """Stop the running job, and forget those that wait."""
        self._waiting.clear()
        if self._progress is not None:
            self._progress.stop()
            self._patience.start()

    def close(self) -> None:
        """Stop, and take no more jobs."""
        self._closed = True
        self.cancel()
        self._soon.stop()
        self._patience.stop()
        self._job = self._progress = None

    def _start(self, job: Job[Any]) -> None:
        self._job, self._pace = job, _Pace()
        self._progress = _Reporter(job, self._reported.emit)
        self._worker = create_worker(_Work(job, self._progress))
        self._progress.worker = self._worker
        self._worker.finished.connect(self._on_finished)
        self.started.emit(job)
        self._tidy.start()
        self._worker.start()

    def _on_report(self, job: Job[Any], done: int, total: int, text: str) -> None:
        if job is not self._job or self._closed:
            return
        if job.look is not None:
            job.look()
        self.moved.emit(done, total, text, self._pace.left(done, total))

    def _on_finished(self) -> None:
        job, progress = self._leave()
        if job is None or progress is None:
            return
        error = progress.error
        if progress.stopped or isinstance(error, Cancelled):
            self._stop(job, progress)
        elif error is not None:
            self._fail(job, error)
        else:
            try:
                job.keep(progress.result)
            except Exception as fault:  # whatever it is, the person at the window must see it
                self._fail(job, fault)
            else:
                self._soon.start()

    def _complete(self) -> None:
        job = self._job
        if job is None:
            return
        try:
            if job.then is not None:
                job.then()
        except Exception as error:
            self._fail(job, error)
        else:
            self._job = None
            self.ended.emit(job)
            self._next(done=True)

    def _let_go(self) -> None:
        job, progress = self._job, self._progress
        if job is not None and progress is not None:
            self._stop(job, progress)

    def _leave(self) -> tuple[Job[Any] | None, _Reporter | None]:
        """Note that the thread has ended; the job that it worked for, unless that was let go."""
        job, progress = self._job, self._progress
        self._worker = self._progress = None
        self._patience.stop()
        self._tidy.stop()
        if self._closed:
            self._job = None
            return None, None
        if job is None:
            self._start_waiting()
        return job, progress

    def _stop(self, job: Job[Any], progress: _Reporter) -> None:
        self._job = self._progress = None
        self.stopped.emit(job, *progress.last)
        self._next(done=False)

    def _fail(self, job: Job[Any], error: Exception) -> None:
        self._job = None
        self.failed.emit(job, error)
        self._next(done=False)

    def _next(self, *, done: bool) -> None:
        if not self._start_waiting() and not self.busy:
            self.idle.emit(done)

    def _start_waiting(self) -> bool:
        """Start the job that has waited longest; False when there is none."""
        if self._waiting and not self.busy and self._worker is None:
            self._start(self._waiting.pop(0))
            return True
        return bool(self._waiting)


class _Pace:
    """Tells how long the rest takes, from what was done since the first report."""

    def __init__(self) -> None:
        self._total, self._first, self._began = -1, 0, 0.0

    def left(self, done: int, total: int) -> float:
        """Seconds left; negative where that cannot be told yet."""
        now = time.monotonic()
        if total != self._total:
            self._total, self._first, self._began = total, done, now
        made, passed = done - self._first, now - self._began
        return passed * (total - done) / made if made > 0 and passed > 1 else -1.0


class _Reporter:
    """Progress of a job that runs in another thread, and what came of it."""

    def __init__(self, job: Job[Any], tell: Callable[[Job[Any], int, int, str], None]) -> None:
        self._job, self._tell, self._told = job, tell, 0.0
        self.stopped = False
        self.worker: Any = None
        self.last = (0, 0)
        self.result: Any = None
        self.error: Exception | None = None

    def stop(self) -> None:
        self.stopped = True

    def check(self) -> None:
        """Raise `Cancelled` once the work is to stop."""
        # A viewer that closes asks its workers to stop.
        if self.stopped or (self.worker is not None and self.worker.abort_requested):
            raise Cancelled("stopped")

    def report(self, done: int, total: int, text: str) -> None:
        """Pass on where the work stands; raise `Cancelled` once it is to stop."""
        self.check()
        self.last = (done, total)
        now = time.monotonic()
        if now - self._told > _PAUSE or done == total:
            self._told = now
            self._tell(self._job, done, total, text)


class _Work:
    """Runs a job once and lets go of it: the viewer holds on to all work that it ever ran.

    An error is kept instead of raised: raised ones are not handled with every Qt binding. Garbage
    is collected by the thread of the window alone, and not the oldest: going through all objects
    of the viewer stops every thread for 200 ms, and widgets must not be destroyed elsewhere.
    """

    def __init__(self, job: Job[Any], progress: _Reporter) -> None:
        self._text = job.text
        self._todo: tuple[Job[Any], _Reporter] | None = (job, progress)

    def __repr__(self) -> str:
        return f"“{self._text}”"

    def __call__(self) -> None:
        todo, self._todo = self._todo, None
        if todo is None:
            return
        job, progress = todo
        collects, usual = gc.isenabled(), sys.getswitchinterval()
        gc.disable()
        sys.setswitchinterval(min(usual, _LOCK_SECONDS))
        try:
            from napari_latentattr.model.threads import leave_one_core  # loads torch

            leave_one_core()
            with stoppable(progress.check):
                progress.result = job.work(progress)
        except Exception as error:
            progress.error = error
        finally:
            sys.setswitchinterval(usual)
            if collects:
                gc.enable()
