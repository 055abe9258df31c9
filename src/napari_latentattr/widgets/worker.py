"""Runs one job of the session at a time in a thread; knows nothing of what the job does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from napari.qt.threading import create_worker
from qtpy.QtCore import QObject, Signal

from napari_latentattr.core.errors import Cancelled
from napari_latentattr.jobs import Job

# Twenty reports a second are as smooth as an eye can tell.
_PAUSE = 0.05


class JobRunner(QObject):
    """One job at a time; later ones wait, in order.

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
        self._began = 0.0
        self._closed = False
        self._reported.connect(self._on_report)

    @property
    def busy(self) -> bool:
        """Whether a job is running."""
        return self._job is not None

    @property
    def closed(self) -> bool:
        """Whether no job is taken any more."""
        return self._closed

    def run(self, job: Job[Any]) -> None:
        """Start a job, or let it wait for the one that runs."""
        if self._closed:
            return
        if self.busy:
            self._waiting.append(job)
            self.queued.emit(job)
        else:
            self._start(job)

    def cancel(self) -> None:
        """Ask the running job to stop at its next report, and forget those that wait."""
        self._waiting.clear()
        if self._progress is not None:
            self._progress.stop()

    def close(self) -> None:
        """Stop, and take no more jobs."""
        self._closed = True
        self.cancel()

    def _start(self, job: Job[Any]) -> None:
        self._job, self._began = job, time.monotonic()
        self._progress = _Reporter(job, self._reported.emit)
        self._worker = create_worker(_work, job, self._progress, _ignore_errors=True)
        self._progress.worker = self._worker
        self._worker.returned.connect(self._on_returned)
        self._worker.errored.connect(self._on_error)
        self.started.emit(job)
        self._worker.start()

    def _on_report(self, job: Job[Any], done: int, total: int, text: str) -> None:
        if job is not self._job or self._closed:
            return
        passed = time.monotonic() - self._began
        left = passed * (total - done) / done if done > 0 and passed > 1 else -1.0
        self.moved.emit(done, total, text, left)

    def _on_returned(self, result: Any) -> None:
        job, progress = self._finish()
        if job is None or self._closed:
            return
        done = False
        if progress is not None and progress.stopped:
            self.stopped.emit(job, *progress.last)
        else:
            try:
                job.keep(result)
            except Exception as error:  # whatever it is, the person at the window must see it
                self.failed.emit(job, error)
            else:
                done = True
                self.ended.emit(job)
        self._next(done=done)

    def _on_error(self, error: Exception) -> None:
        job, progress = self._finish()
        if job is None or self._closed:
            return
        if isinstance(error, Cancelled):
            self.stopped.emit(job, *(progress.last if progress else (0, 0)))
        else:
            self.failed.emit(job, error)
        self._next(done=False)

    def _finish(self) -> tuple[Job[Any] | None, _Reporter | None]:
        job, progress = self._job, self._progress
        self._job = self._progress = self._worker = None
        return job, progress

    def _next(self, *, done: bool) -> None:
        if self._waiting and not self.busy:
            self._start(self._waiting.pop(0))
        elif not self.busy:
            self.idle.emit(done)


class _Reporter:
    """Progress of a job that runs in another thread."""

    def __init__(self, job: Job[Any], tell: Callable[[Job[Any], int, int, str], None]) -> None:
        self._job, self._tell, self._told = job, tell, 0.0
        self.stopped = False
        self.worker: Any = None
        self.last = (0, 0)

    def stop(self) -> None:
        self.stopped = True

    def report(self, done: int, total: int, text: str) -> None:
        """Pass on where the work stands; raise `Cancelled` once it is to stop."""
        self.last = (done, total)
        # A viewer that closes asks its workers to stop.
        if self.stopped or (self.worker is not None and self.worker.abort_requested):
            raise Cancelled("stopped")
        now = time.monotonic()
        if now - self._told > _PAUSE or done == total:
            self._told = now
            self._tell(self._job, done, total, text)


def _work(job: Job[Any], progress: _Reporter) -> Any:
    from napari_latentattr.model.threads import leave_one_core  # loads torch, not in the window

    leave_one_core()
    return job.work(progress)
