"""Long work in the dock: what is shown while it goes on, how it stops, and how it goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import napari
import numpy as np
import pytest

from napari_latentattr import jobs, picture_jobs
from napari_latentattr.core.progress import SILENT
from napari_latentattr.core.verdict_words import NOT_FINAL
from napari_latentattr.model.engine import SwapEncoder
from napari_latentattr.widgets import worker
from napari_latentattr.widgets.dock import LatentAttribution
from napari_latentattr.widgets.entrance import dock_in

from .conftest import put_away


@pytest.fixture
def viewer(shared_viewer: napari.Viewer) -> napari.Viewer:
    return shared_viewer


@pytest.fixture
def dock(viewer: napari.Viewer, qtbot, tmp_path, monkeypatch) -> Iterator[LatentAttribution]:
    monkeypatch.setenv("NAPARI_LATENTATTR_DATA", str(tmp_path / "store"))
    monkeypatch.setattr(worker, "_PAUSE", 0.0)  # every report is shown
    made = dock_in(viewer)
    yield made
    put_away(made, qtbot)


@pytest.fixture
def opened(dock: LatentAttribution, tiny_study: Path, idle: Callable[..., None]):
    dock.open_path(tiny_study)
    idle(dock)
    return dock


@pytest.fixture
def idle(qtbot) -> Callable[..., None]:
    def wait(dock: LatentAttribution) -> None:
        qtbot.waitUntil(lambda: not dock.runner.busy, timeout=60_000)
        qtbot.wait(20)
        qtbot.waitUntil(lambda: not dock.runner.busy, timeout=60_000)

    return wait


@pytest.fixture
def held(monkeypatch) -> Iterator[Callable[[int], threading.Event]]:
    """Holds the swaps of a measurement after so many; the event lets them go on."""
    gates: list[threading.Event] = []
    swap = SwapEncoder.swap

    def hold(after: int) -> threading.Event:
        count, gate = [0], threading.Event()
        gates.append(gate)

        def counted(*given):
            count[0] += 1
            if count[0] > after:
                gate.wait(30)
            return swap(*given)

        monkeypatch.setattr(SwapEncoder, "swap", counted)
        return gate

    yield hold
    for gate in gates:
        gate.set()


def test_the_chart_fills_while_it_is_measured_and_claims_nothing(opened, held, qtbot, idle):
    opened.show_step("inspect")
    gate = held(2 * 3)
    opened.start(lambda: jobs.measure(opened.session))
    qtbot.waitUntil(lambda: opened.session.ratios is not None, timeout=20_000)
    qtbot.waitUntil(lambda: opened.session.ratios.done == 3, timeout=20_000)
    page = opened.inspect
    assert "not final, 3 of 8 cases" in page.whole.title.text()
    assert page.whole.chart.isVisible()
    assert not page.whole.card.isVisible()
    assert not page.measure_all.isVisible()
    assert "3 of 8 cases" in page.unmeasured_words.text()
    rows = page.whole.chart._rows
    assert {row.verdict for row in rows} == {NOT_FINAL}
    assert all(np.isnan(row.low) and np.isnan(row.q) for row in rows)
    assert not opened.session.results.dependence
    gate.set()
    idle(opened)
    assert opened.session.ratios is None
    assert page.whole.card.isVisible()
    assert "not final" not in page.whole.title.text()


def test_an_answer_is_shown_before_the_image_that_leads_it(opened):
    job = jobs.measure(opened.session)
    found = job.work(SILENT)
    leading = int(np.nanargmax(found.ratio[0]))
    opened.session.select(channel=1 - leading)
    job.keep(found)
    assert opened.session.selection.channel == 1 - leading
    job.then()
    assert opened.session.selection.channel == leading


def test_a_stopped_measurement_goes_on_and_ends_at_the_same_numbers(
    opened, held, qtbot, idle, monkeypatch
):
    opened.start(lambda: jobs.measure(opened.session))
    idle(opened)
    whole = opened.session.results.about(0)
    opened.session.clear()
    gate = held(2 * 3)
    opened.start(lambda: jobs.measure(opened.session))
    qtbot.waitUntil(
        lambda: opened.session.ratios is not None and opened.session.ratios.done == 3,
        timeout=20_000,
    )
    opened.footer.cancel.click()
    gate.set()
    qtbot.waitUntil(lambda: opened.footer.resume.isVisible(), timeout=10_000)
    assert opened.footer.title.text() == "Stopped at 6 of 16"
    assert opened.footer.resume.text() == "Resume"
    assert "What was measured so far is kept" in opened.footer.detail.text()
    assert opened.session.ratios is None
    qtbot.waitUntil(lambda: not opened.runner.leaving, timeout=10_000)
    swaps = []
    swap = SwapEncoder.swap
    monkeypatch.setattr(SwapEncoder, "swap", lambda *given: (swaps.append(0), swap(*given))[1])
    opened.footer.resume.click()
    idle(opened)
    assert len(swaps) == 2 * 5
    found = opened.session.results.about(0)
    for name in ("ratio", "low", "high", "p", "q", "verdict", "answer"):
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name), err_msg=name)
    assert not opened.session.unfinished


def test_asking_anew_goes_on_too_also_for_one_map(opened, held, qtbot, idle):
    gate = held(2 * 4)
    opened.start(lambda: jobs.measure(opened.session, 2))
    qtbot.waitUntil(
        lambda: opened.session.ratios is not None and opened.session.ratios.done == 4,
        timeout=20_000,
    )
    opened.runner.cancel()
    gate.set()
    qtbot.waitUntil(lambda: not opened.runner.leaving, timeout=10_000)
    opened.session.select(case=1)
    idle(opened)
    (memory,) = opened.session.unfinished.values()
    assert len(memory.receipts) == 4
    opened.start(lambda: jobs.measure(opened.session))
    idle(opened)
    assert opened.session.results.about(3) is not None
    assert not opened.session.unfinished


def test_another_study_forgets_what_was_stopped(opened, held, qtbot, idle, tiny_study):
    gate = held(2)
    opened.start(lambda: jobs.measure(opened.session))
    qtbot.waitUntil(lambda: opened.session.ratios is not None, timeout=20_000)
    opened.runner.cancel()
    gate.set()
    qtbot.waitUntil(lambda: not opened.runner.leaving, timeout=10_000)
    opened.open_path(tiny_study)
    idle(opened)
    assert not opened.session.unfinished
    assert opened.session.ratios is None


def test_once_the_gate_is_known_the_table_fills_and_names_no_map(opened, qtbot, idle, monkeypatch):
    from napari_latentattr.ranking import evidence

    gate, compare = threading.Event(), evidence.beat_shadows

    def hold(*given, report, **named):
        report(0)  # what is known is shown with a report
        gate.wait(30)
        return compare(*given, report=report, **named)

    monkeypatch.setattr(evidence, "beat_shadows", hold)
    opened.show_step("maps")
    opened.maps.rank.click()
    qtbot.waitUntil(lambda: opened.session.ranking is not None, timeout=60_000)
    assert opened.session.results.ranking is None
    assert opened.maps.gate.isVisible()
    assert "Not final" in opened.maps.top.text()
    rows = opened.maps.table.rows
    assert {rows.verdict(k) for k in range(rows.rowCount())} == {NOT_FINAL}
    opened.grab()  # paints the table
    gate.set()
    idle(opened)
    assert opened.session.results.ranking is opened.session.ranking
    assert "Not final" not in opened.maps.top.text()
    assert NOT_FINAL not in {rows.verdict(k) for k in range(rows.rowCount())}


def test_a_stopped_ranking_shows_the_one_before_and_goes_on(opened, qtbot, idle, monkeypatch):
    from napari_latentattr.ranking import gate as gates

    opened.maps.rank.click()
    idle(opened)
    first = opened.session.results.ranking
    hold_out, drawn, gate = gates.hold_out, [], threading.Event()

    def slow(*given):
        drawn.append(0)
        if len(drawn) > 10:
            gate.wait(30)
        return hold_out(*given)

    monkeypatch.setattr(gates, "hold_out", slow)
    opened.maps.rank.click()
    qtbot.waitUntil(lambda: len(drawn) > 10, timeout=60_000)
    opened.footer.cancel.click()
    gate.set()
    qtbot.waitUntil(lambda: opened.footer.resume.isVisible(), timeout=10_000)
    assert opened.session.ranking is first
    qtbot.waitUntil(lambda: not opened.runner.leaving, timeout=10_000)
    opened.footer.resume.click()
    idle(opened)
    again = opened.session.results.ranking
    assert again is not first
    assert again.gate == first.gate
    assert again.evidence == first.evidence
    assert len(drawn) < 39 + 5


SLOW = {
    "a study is read": ("napari_latentattr.cohort.study.open_study", None),
    "a model is tried": ("napari_latentattr.model.self_test.self_test", None),
    "swaps": ("napari_latentattr.model.engine.SwapEncoder.swap", "swaps"),
    "integrated gradients": ("torch.autograd.grad", "integrated_gradients"),
    "Shapley values": ("napari_latentattr.model.latent.LatentModel.decode_tensor", "shapley"),
}


@pytest.mark.parametrize("what", SLOW)
def test_cancel_answers_at_once_while_one_step_hangs(
    opened, qtbot, idle, monkeypatch, tiny_study, what: str
):
    path, key = SLOW[what]
    hangs, gate = threading.Event(), threading.Event()

    def hang(*given, **named):
        hangs.set()
        gate.wait(30)
        raise RuntimeError("late")

    if key is None:
        monkeypatch.setattr(path, hang)
        opened.open_path(tiny_study)
    else:
        from napari_latentattr.methods._registry import methods

        method = methods()[key]
        values = {p.name: p.default for p in method.parameters}
        monkeypatch.setattr(path, hang)
        opened.start(lambda: picture_jobs.attribute(opened.session, method, values))
    qtbot.waitUntil(hangs.is_set, timeout=20_000)
    before = opened.session.study, opened.session.results
    began = time.perf_counter()
    opened.footer.cancel.click()
    qtbot.waitUntil(lambda: not opened.runner.busy, timeout=10_000)
    assert time.perf_counter() - began < 2  # 0.2 s on a quiet machine
    assert opened.footer.title.text().startswith("Stopped")
    assert opened.footer.resume.text() == "Start again"
    gate.set()
    qtbot.waitUntil(lambda: not opened.runner.leaving, timeout=10_000)
    assert (opened.session.study, opened.session.results) == before
    assert opened.footer.title.text().startswith("Stopped")
