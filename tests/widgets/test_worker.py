"""One job at a time in a thread: what is kept, what is shown meanwhile, and how it stops."""

from __future__ import annotations

import gc
import sys
import threading
import time
import weakref
from collections.abc import Iterator

import numpy as np
import pytest
from qtpy.QtWidgets import QWidget

from napari_latentattr.core.errors import Cancelled
from napari_latentattr.jobs import Job
from napari_latentattr.widgets import worker
from napari_latentattr.widgets.worker import JobRunner


@pytest.fixture
def runner(qapp, qtbot) -> Iterator[JobRunner]:
    made = JobRunner()
    yield made
    made.close()
    qtbot.waitUntil(lambda: not made.leaving, timeout=10_000)


def nothing(result: object) -> None:
    pass


class Page(QWidget):
    """Notes when it is drawn."""

    def __init__(self, said: list[str]) -> None:
        super().__init__()
        self.said = said

    def paintEvent(self, event: object) -> None:
        self.said.append("drawn")


def test_what_was_kept_is_drawn_before_more_is_done(runner, qtbot) -> None:
    said: list[str] = []
    page = Page(said)
    qtbot.addWidget(page)
    page.show()
    qtbot.waitExposed(page)
    qtbot.waitUntil(lambda: "drawn" in said, timeout=10_000)
    runner.ended.connect(lambda job: said.append("ended"))

    def keep(result: str) -> None:
        said.clear()
        page.update()

    runner.run(Job("a", lambda progress: "kept", keep, lambda: said.append("then")))
    qtbot.waitUntil(lambda: not runner.busy, timeout=10_000)
    assert said == ["drawn", "then", "ended"]


@pytest.mark.parametrize("part", ["work", "keep", "then"])
def test_a_fault_in_any_part_is_told_and_the_next_job_runs(runner, qtbot, part: str) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(part)

    told: list[str] = []
    runner.failed.connect(lambda job, error: told.append(str(error)))
    runner.ended.connect(lambda job: told.append(job.text))
    parts = {"work": lambda progress: None, "keep": nothing, "then": lambda: None, part: fail}
    runner.run(Job("wrong", **parts))
    runner.run(Job("right", lambda progress: None, nothing))
    qtbot.waitUntil(lambda: len(told) == 2, timeout=10_000)
    assert told == [part, "right"]


def test_a_step_that_does_not_end_is_let_go_and_the_next_job_waits_for_it(runner, qtbot) -> None:
    slow, order = threading.Event(), []

    def work(progress: object) -> str:
        order.append("slow began")
        slow.wait(20)
        order.append("slow ended")
        return "late"

    runner.run(Job("slow", work, order.append, lambda: order.append("then")))
    runner.stopped.connect(lambda job, done, total: order.append("stopped"))
    qtbot.waitUntil(lambda: order == ["slow began"], timeout=10_000)
    began = time.perf_counter()
    runner.cancel()
    qtbot.waitUntil(lambda: not runner.busy, timeout=10_000)
    assert time.perf_counter() - began < 2  # 0.2 s on a quiet machine
    runner.run(Job("next", lambda progress: order.append("next began"), nothing))
    qtbot.wait(100)
    assert order == ["slow began", "stopped"]
    slow.set()
    qtbot.waitUntil(lambda: order[-1] == "next began" and not runner.busy, timeout=10_000)
    assert order == ["slow began", "stopped", "slow ended", "next began"]


def test_a_step_that_is_let_go_says_nothing_any_more(runner, qtbot) -> None:
    slow, told = threading.Event(), []

    def work(progress: worker._Reporter) -> None:
        progress.report(1, 9, "working")
        slow.wait(20)
        raise RuntimeError("late")

    for signal in (runner.failed, runner.stopped, runner.ended, runner.moved):
        signal.connect(lambda *given: told.append(given[1:]))
    runner.run(Job("slow", work, nothing, look=lambda: told.append("look")))
    qtbot.waitUntil(lambda: len(told) == 2, timeout=10_000)
    assert told[0] == "look"
    runner.cancel()
    qtbot.waitUntil(lambda: not runner.busy, timeout=10_000)
    assert told[2:] == [(1, 9)]
    slow.set()
    qtbot.waitUntil(lambda: not runner.leaving, timeout=10_000)
    assert len(told) == 3


def test_a_job_stops_at_its_next_report(runner, qtbot) -> None:
    reports, stops = [], []

    def work(progress: worker._Reporter) -> None:
        for k in range(10_000):
            progress.report(k, 10_000, "counting")
            reports.append(k)
            time.sleep(0.005)

    runner.stopped.connect(lambda job, done, total: stops.append((done, total)))
    runner.run(Job("count", work, nothing))
    qtbot.waitUntil(lambda: len(reports) > 3, timeout=10_000)
    runner.cancel()
    qtbot.waitUntil(lambda: not runner.busy, timeout=10_000)
    assert stops == [(reports[-1], 10_000)]


def test_an_error_that_is_said_after_a_cancel_is_a_stop(runner, qtbot) -> None:
    go, told = threading.Event(), []

    def work(progress: object) -> None:
        go.wait(20)
        raise Cancelled("stopped")

    runner.failed.connect(lambda *given: told.append("failed"))
    runner.stopped.connect(lambda *given: told.append("stopped"))
    runner.run(Job("a", work, nothing))
    runner.cancel()
    go.set()
    qtbot.waitUntil(lambda: told == ["stopped"], timeout=10_000)


@pytest.mark.parametrize("fails", [False, True])
def test_the_viewer_holds_on_to_no_finished_job(viewer, runner, qtbot, fails: bool) -> None:
    images = np.zeros(9)

    def work(progress: object, images: np.ndarray = images) -> np.ndarray:
        if fails:
            raise RuntimeError("boom")
        return images

    held = weakref.ref(images)
    runner.run(Job("a", work, nothing))
    del images, work
    qtbot.waitUntil(lambda: not runner.busy, timeout=10_000)
    qtbot.waitUntil(lambda: gc.collect() >= 0 and held() is None, timeout=10_000)


@pytest.mark.parametrize("end", ["result", "fault", "let go"])
def test_while_a_job_runs_only_the_window_collects_garbage(runner, qtbot, end: str) -> None:
    gate, threads, alive = threading.Event(), set(), []

    class Loop:
        def __init__(self) -> None:
            self.me = self

    def work(progress: worker._Reporter) -> None:
        loops = [Loop() for _ in range(20_000)]
        alive.append((gc.isenabled(), weakref.ref(loops[0])))
        del loops
        progress.report(1, 2, "working")
        gate.wait(20)
        if end == "fault":
            raise RuntimeError("boom")

    def note(phase: str, info: dict[str, int]) -> None:
        threads.add(threading.get_ident())

    gc.callbacks.append(note)
    try:
        runner.run(Job("a", work, nothing))
        qtbot.waitUntil(lambda: bool(alive), timeout=10_000)
        enabled, loop = alive[0]
        assert not enabled
        qtbot.waitUntil(lambda: loop() is None, timeout=10_000)
        assert threads == {threading.get_ident()}
    finally:
        gc.callbacks.remove(note)
    if end == "let go":
        runner.cancel()
    gate.set()
    qtbot.waitUntil(lambda: not runner.busy and not runner.leaving, timeout=10_000)
    assert gc.isenabled()


@pytest.mark.parametrize("end", ["result", "fault", "let go"])
@pytest.mark.parametrize("usual", [0.005, 0.00025])
def test_while_a_job_runs_the_window_waits_less_for_the_lock(runner, qtbot, end, usual) -> None:
    gate, seen, before = threading.Event(), [], sys.getswitchinterval()

    def work(progress: worker._Reporter) -> None:
        seen.append(sys.getswitchinterval())
        gate.wait(20)
        if end == "fault":
            raise RuntimeError("boom")

    sys.setswitchinterval(usual)
    try:
        runner.run(Job("a", work, nothing))
        qtbot.waitUntil(lambda: bool(seen), timeout=10_000)
        assert seen == [pytest.approx(min(usual, worker._LOCK_SECONDS))]
        if end == "let go":
            runner.cancel()
            qtbot.waitUntil(lambda: not runner.busy, timeout=10_000)
            assert sys.getswitchinterval() == pytest.approx(seen[0])
        gate.set()
        qtbot.waitUntil(lambda: not runner.busy and not runner.leaving, timeout=10_000)
        assert sys.getswitchinterval() == pytest.approx(usual)
    finally:
        gate.set()
        sys.setswitchinterval(before)


def test_time_left_counts_from_where_a_job_went_on(monkeypatch) -> None:
    now = [100.0]
    monkeypatch.setattr(worker.time, "monotonic", lambda: now[0])
    pace = worker._Pace()
    assert pace.left(400, 600) < 0
    now[0] += 5
    assert pace.left(500, 600) == pytest.approx(5)
    assert pace.left(1, 9) < 0  # another kind of step
    now[0] += 2
    assert pace.left(5, 9) == pytest.approx(2)
