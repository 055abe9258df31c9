"""Mirrors the running job in the activity dock of napari; the footer stays the main place."""

from __future__ import annotations

import time
from typing import Any

from napari.utils import progress
from qtpy.QtCore import QObject

from napari_latentattr.jobs import Job
from napari_latentattr.widgets.worker import JobRunner

# Seconds before there is a bar, and between its steps: short jobs would only flicker.
_PAUSE = 1.0


class Activity(QObject):
    """One bar while a job runs, none after it, however it ends."""

    def __init__(self, runner: JobRunner) -> None:
        super().__init__(runner)
        self._job: Job[Any] | None = None
        self._bar: Any = None
        self._told = 0.0
        runner.started.connect(self._on_started)
        runner.moved.connect(self._on_moved)
        for signal in (runner.ended, runner.stopped, runner.failed):
            signal.connect(self.close)

    def close(self, *_: object) -> None:
        """Take the bar away."""
        bar, self._bar, self._job = self._bar, None, None
        if bar is not None:
            bar.close()

    def _on_started(self, job: Job[Any]) -> None:
        self.close()
        self._job, self._told = job, time.monotonic()

    def _on_moved(self, done: int, total: int, *_: object) -> None:
        job = self._job
        if job is None or time.monotonic() - self._told < _PAUSE:
            return
        self._told = time.monotonic()
        # Whatever is said to the bar lets the window live meanwhile, and the job may end in that.
        if self._bar is None:
            bar = progress(desc=job.text, total=total, initial=done)
            if self._job is not job or self._bar is not None:
                bar.close()
            else:
                self._bar = bar
            return
        bar = self._bar
        if bar.total != total:
            bar.total = total
        bar.update(done - bar.n)
