"""The activity dock of napari mirrors the running job, and nothing is left in it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from napari.utils import progress
from qtpy.QtWidgets import QLabel

from napari_latentattr.jobs import Job
from napari_latentattr.widgets import activity
from napari_latentattr.widgets.activity import Activity
from napari_latentattr.widgets.worker import JobRunner, _Reporter


@pytest.fixture
def runner(viewer, qtbot, monkeypatch) -> Iterator[JobRunner]:
    monkeypatch.setattr(activity, "_PAUSE", 0.0)
    made = JobRunner(viewer.window._qt_window)
    made.activity = Activity(made)
    yield made
    made.close()
    qtbot.waitUntil(lambda: not made.leaving, timeout=10_000)


def bars() -> list[progress]:
    return list(progress._all_instances)


def waiting(gate: threading.Event, *, fails: bool = False) -> Job[None]:
    def work(report: _Reporter) -> None:
        report.report(3, 9, "working")
        gate.wait(20)
        report.report(9, 9, "working")
        if fails:
            raise RuntimeError("boom")

    return Job("Ranking 4 maps", work, lambda result: None)


def test_a_bar_follows_the_job(runner, viewer, qtbot) -> None:
    gate = threading.Event()
    runner.run(waiting(gate))
    qtbot.waitUntil(lambda: len(bars()) == 1, timeout=10_000)
    (bar,) = bars()
    qtbot.waitUntil(lambda: (bar.n, bar.total) == (3, 9), timeout=10_000)
    dialog = viewer.window._qt_window._activity_dialog
    assert any("Ranking 4 maps" in label.text() for label in dialog.findChildren(QLabel))
    gate.set()
    qtbot.waitUntil(lambda: not runner.busy, timeout=10_000)
    assert bars() == []


@pytest.mark.parametrize("end", ["cancel", "fault", "let go"])
def test_no_bar_is_left_however_a_job_ends(runner, qtbot, end: str) -> None:
    gate = threading.Event()
    runner.run(waiting(gate, fails=end == "fault"))
    qtbot.waitUntil(lambda: len(bars()) == 1, timeout=10_000)
    if end != "fault":
        runner.cancel()
    if end != "let go":
        gate.set()
    qtbot.waitUntil(lambda: not runner.busy, timeout=10_000)
    assert bars() == []
    gate.set()


def test_a_short_job_shows_no_bar(runner, qtbot, monkeypatch) -> None:
    monkeypatch.setattr(activity, "_PAUSE", 60.0)
    gate = threading.Event()
    gate.set()
    moved: list[int] = []
    runner.moved.connect(lambda done, *_: moved.append(done))
    runner.run(waiting(gate))
    qtbot.waitUntil(lambda: not runner.busy, timeout=10_000)
    assert moved
    assert bars() == []
