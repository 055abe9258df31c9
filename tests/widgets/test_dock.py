"""The dock in a real window: each step's main path, cancel, errors, empty states."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import napari
import numpy as np
import pytest
from qtpy.QtCore import QMimeData, Qt, QUrl
from qtpy.QtGui import QCloseEvent

from napari_latentattr import jobs
from napari_latentattr.core.errors import InputError
from napari_latentattr.core.progress import Silent
from napari_latentattr.jobs import Job
from napari_latentattr.widgets import trust
from napari_latentattr.widgets.dock import LatentAttribution
from napari_latentattr.widgets.entrance import dock_in

from .conftest import put_away


@pytest.fixture(autouse=True)
def _own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAPARI_LATENTATTR_DATA", str(tmp_path / "store"))


@pytest.fixture
def viewer(shared_viewer: napari.Viewer) -> napari.Viewer:
    return shared_viewer


@pytest.fixture
def dock(viewer: napari.Viewer, qtbot) -> Iterator[LatentAttribution]:
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
    def wait(dock: LatentAttribution, timeout: int = 60_000) -> None:
        qtbot.waitUntil(lambda: not dock.runner.busy, timeout=timeout)
        qtbot.wait(20)
        qtbot.waitUntil(lambda: not dock.runner.busy and not dock.canvas.busy, timeout=timeout)

    return wait


def test_an_empty_dock_names_the_next_click_on_every_step(dock, qtbot) -> None:
    assert dock.study.open.isVisible()
    assert dock.study.demo.isVisible()
    dock.show_step("maps")
    assert "Open a study" in _words(dock.maps.empty)
    dock.show_step("inspect")
    assert "Open a study" in _words(dock.inspect.empty)
    assert not dock.context.isVisible()


def test_opening_a_study_shows_its_cases_its_model_and_its_images(opened, viewer) -> None:
    assert opened.session.study is not None
    assert "c0" in [opened.context.case.itemText(i) for i in range(opened.context.case.count())]
    assert "weights only" in opened.study.model_card.trust.accessibleName()
    names = [layer.name for layer in viewer.layers]
    assert "bright" in names
    assert "dull" in names
    assert "LA · latent maps" in names
    assert opened.footer.title.text() == "Ready"


def test_ranking_fills_the_table_and_selects_the_first_map(opened, idle) -> None:
    opened.show_step("maps")
    opened.maps.rank.click()
    idle(opened)
    ranking = opened.session.results.ranking
    assert ranking is not None
    assert ranking.outcome == "blob"
    assert opened.maps.gate.isVisible()
    table = opened.maps.table
    first = table.proxy.mapToSource(table.proxy.index(0, 0)).row()
    assert first == int(np.argmax(ranking.importance))
    if ranking.gate.passed:
        assert opened.session.selection.map == int(ranking.order[0])


def test_measuring_answers_for_the_map_and_for_the_region(opened, idle) -> None:
    opened.show_step("inspect")
    assert opened.inspect.unmeasured.isVisible()
    opened.inspect.measure_all.click()
    idle(opened)
    assert not opened.inspect.unmeasured.isVisible()
    whole = opened.session.results.about(0)
    assert whole is not None
    assert opened.inspect.copied_text().startswith(whole.sentence(0)[:40])
    assert opened.inspect.region.isVisible()
    assert "maps answer the same there" in opened.inspect.region.copied_text()


def test_show_where_lays_an_overlay_over_the_image_and_again_replaces_it(
    opened, viewer, idle
) -> None:
    opened.show_step("inspect")
    opened.inspect.closer.go.click()
    idle(opened)
    once = len(viewer.layers)
    assert any("where in" in layer.name for layer in viewer.layers)
    opened.inspect.closer.go.click()
    idle(opened)
    assert len(viewer.layers) == once


def test_what_it_draws_works_from_the_first_day(opened, viewer, idle) -> None:
    opened.show_step("inspect")
    opened.inspect.closer.views.setCurrentIndex(1)
    opened.inspect.closer.go.click()
    idle(opened)
    picture = opened.session.picture("drawn")
    assert picture is not None
    assert picture.volume.shape == (2, 16, 16, 16)
    assert any("drawn in" in layer.name for layer in viewer.layers)


def test_one_selection_moves_the_number_the_table_and_the_slider(opened, viewer) -> None:
    opened.session.select(map=3)
    axis = viewer.dims.axis_labels.index("map")
    assert viewer.dims.current_step[axis] == 3
    assert opened.context.number.value() == 3
    table = opened.maps.table
    assert table.proxy.mapToSource(table.currentIndex()).row() == 3
    opened.context.number.setValue(1)
    assert opened.session.selection.map == 1
    viewer.dims.set_current_step(axis, 2)
    assert opened.session.selection.map == 2


def test_another_case_brings_its_own_images(opened, viewer, idle) -> None:
    before = viewer.layers["bright"].data.copy()
    opened.session.select(case=1)
    idle(opened)
    assert not np.array_equal(viewer.layers["bright"].data, before)
    assert opened.context.case.currentText() == "c1"


def test_cancel_stops_at_the_next_report_and_keeps_what_was_there(opened, qtbot, idle) -> None:
    opened.inspect.measure_all.click()
    idle(opened)
    kept = opened.session.results
    opened.start(lambda: jobs.rank(opened.session))
    qtbot.waitUntil(lambda: opened.footer.bar.value() > 0, timeout=5_000)
    began = time.perf_counter()
    opened.footer.cancel.click()
    qtbot.waitUntil(lambda: not opened.runner.busy, timeout=5_000)
    assert time.perf_counter() - began < 3  # measured in scripts/measure_window.py
    assert opened.footer.title.text().startswith("Stopped at")
    assert opened.footer.resume.isVisible()
    assert opened.session.results is kept


def test_a_wrong_study_says_one_sentence_and_leaves_the_session(opened, idle, tmp_path) -> None:
    before = opened.session.study
    wrong = tmp_path / "study.yaml"
    wrong.write_text("version: 1\nmodle: x\n")
    opened.open_path(wrong)
    idle(opened)
    assert "modle" in opened.footer.title.text()
    assert opened.footer.dismiss.isVisible()
    assert opened.session.study is before
    opened.footer.dismiss.click()
    assert opened.footer.title.text() == "Ready"


def test_an_unknown_fault_keeps_the_results_and_shows_where_it_happened(opened, idle) -> None:
    def work(progress: object) -> None:
        raise RuntimeError("boom")

    opened.runner.run(Job("Ranking 4 maps", work, lambda result: None))
    idle(opened)
    assert "failed while ranking 4 maps" in opened.footer.title.text()
    opened.footer.details.click()
    assert "boom" in opened.footer.trace.toPlainText()


def test_a_second_job_waits_and_is_said_to_wait(dock, qtbot, idle) -> None:
    gate, order = threading.Event(), []
    dock.runner.run(Job("first", lambda p: gate.wait(10), lambda r: order.append("first")))
    dock.runner.run(Job("second", lambda p: None, lambda r: order.append("second")))
    assert "Queued: second" in dock.footer.detail.text()
    gate.set()
    qtbot.waitUntil(lambda: order == ["first", "second"], timeout=10_000)


def test_code_runs_only_after_somebody_said_yes(dock, idle, tmp_path, monkeypatch) -> None:
    study = _study_with_code(tmp_path)
    dock.open_path(study)
    idle(dock)
    assert "is Python code" in dock.footer.title.text()
    assert not (tmp_path / "ran").exists()
    monkeypatch.setattr(trust, "is_trusted", lambda error, parent: False)
    dock.footer.fix.click()
    idle(dock)
    assert not (tmp_path / "ran").exists()
    dock.open_path(study)
    idle(dock)
    monkeypatch.setattr(trust, "is_trusted", lambda error, parent: True)
    dock.footer.fix.click()
    idle(dock)
    assert (tmp_path / "ran").exists()


def test_undo_forgets_the_last_result_alone(opened, idle) -> None:
    opened.inspect.measure_all.click()
    idle(opened)
    opened.inspect.closer.go.click()
    idle(opened)
    assert opened.session.picture("where") is not None
    opened.undo()
    assert opened.session.picture("where") is None
    assert opened.session.results.about(0) is not None


def test_results_are_there_again_when_the_study_is_reopened(opened, idle, qtbot, tiny_study):
    opened.inspect.measure_all.click()
    idle(opened)
    opened.session.select(map=2)
    sentence = opened.inspect.copied_text()
    assert sentence.startswith("Map encoder:2")
    opened.keeping.save_now()
    opened.session.clear()
    opened.keeping.forget()
    opened.open_path(tiny_study)
    idle(opened)
    assert opened.session.selection.map == 2
    assert opened.inspect.copied_text() == sentence


def test_answering_at_once_ends_at_the_picture_of_the_first_map(dock, tiny_study, qtbot) -> None:
    dock.open_study(tiny_study, answer=True)
    qtbot.waitUntil(lambda: dock.session.results.ranking is not None, timeout=60_000)
    qtbot.waitUntil(lambda: bool(dock.session.results.dependence), timeout=60_000)
    qtbot.waitUntil(lambda: bool(dock.session.results.pictures), timeout=60_000)
    assert dock.steps.currentIndex() == 2


def test_keys_work_only_where_they_can_be_seen(opened, viewer, qtbot) -> None:
    window = viewer.window._qt_window
    window.activateWindow()
    window.windowHandle().requestActivate()
    qtbot.wait(100)
    opened.show_step("maps")
    qtbot.keyClick(opened, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert opened.session.selection.map == 1
    qtbot.keyClick(opened, Qt.Key.Key_3, Qt.KeyboardModifier.ControlModifier)
    assert opened.steps.currentIndex() == 2
    assert not opened.canvas.is_side_by_side
    opened.inspect.closer.go.click()
    qtbot.waitUntil(lambda: not opened.runner.busy, timeout=60_000)
    qtbot.keyClick(opened, Qt.Key.Key_G)
    assert opened.canvas.is_side_by_side
    qtbot.keyClick(opened, Qt.Key.Key_G)
    opened.show_step("maps")
    qtbot.keyClick(opened, Qt.Key.Key_G)
    assert not opened.canvas.is_side_by_side
    opened.help.setChecked(True)
    assert "Previous map" in _words(opened.keys)


def test_a_dropped_image_is_sent_to_the_canvas(dock) -> None:
    from napari_latentattr.widgets.drops import dropped_file

    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(os.path.abspath("brain.nii.gz"))])
    with pytest.raises(InputError, match="Drop it on the canvas"):
        dropped_file(data)
    data.setUrls([QUrl.fromLocalFile(os.path.abspath("study.yaml"))])
    assert dropped_file(data).name == "study.yaml"


@pytest.mark.parametrize("size", [9, 14])
def test_no_page_is_wider_than_the_dock(opened, idle, size, qtbot) -> None:
    from napari.settings import get_settings

    appearance = get_settings().appearance
    before = appearance.font_size
    appearance.font_size = size
    try:
        for ask in (lambda: None, opened.maps.rank.click, opened.inspect.measure_all.click):
            ask()
            idle(opened)
            for step in ("study", "maps", "inspect"):
                opened.show_step(step)
                qtbot.wait(60)
                area = opened.pages.currentWidget()
                assert area.widget().minimumSizeHint().width() <= 455, (ask, step)
    finally:
        appearance.font_size = before


def _item(images: object, name: str) -> object:
    (found,) = images.findItems(name, Qt.MatchFlag.MatchExactly)
    return found


def _words(widget: object) -> str:
    from qtpy.QtWidgets import QLabel

    return " ".join(label.text() for label in widget.findChildren(QLabel))


def _study_with_code(folder: Path) -> Path:
    """A study whose model leaves a trace when its code runs."""
    import torch
    from safetensors.torch import save_file

    from napari_latentattr.model.architectures import ConvAutoencoder

    sizes = {"n_channels": 1, "n_maps": 2, "ndim": 2, "encoder": "dense", "width": 4}
    (folder / "mine.py").write_text(
        "from pathlib import Path\n"
        "from napari_latentattr.model.architectures import ConvAutoencoder\n"
        f"Path({str(folder / 'ran')!r}).touch()\n"
        "def build(**arguments):\n    return ConvAutoencoder(**arguments)\n"
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        save_file(ConvAutoencoder(**sizes).state_dict(), folder / "w.safetensors")
    rows = ["case,patient,a"]
    import SimpleITK as sitk

    for i in range(2):
        image = np.random.default_rng(i).random((16, 16), dtype=np.float32)
        sitk.WriteImage(sitk.GetImageFromArray(image), str(folder / f"{i}.nii.gz"))
        rows.append(f"c{i},p{i},{i}.nii.gz")
    (folder / "cases.csv").write_text("\n".join(rows) + "\n")
    (folder / "study.yaml").write_text(
        "version: 1\nmodel: {weights: w.safetensors, code: 'mine.py:build', "
        f"arguments: {sizes}}}\nchannels: [a]\ncases: cases.csv\n".replace("'", '"').replace(
            '"mine.py:build"', "'mine.py:build'"
        )
    )
    return folder / "study.yaml"


def test_painted_labels_lie_exactly_where_the_images_lie(opened, viewer) -> None:
    viewer._new_labels()
    painted = viewer.layers[-1]
    grid = painted.metadata["napari-latentattr"]["grid"]
    assert grid.same_as(opened.session.latents.stack.grid)
    assert painted.axis_labels == viewer.layers["bright"].axis_labels


def test_open_layers_and_a_model_file_make_a_study(dock, viewer, idle, tiny_study) -> None:
    from napari_latentattr import read_stack
    from napari_latentattr.layers import image_layers, placement

    folder = tiny_study.parent
    stack = read_stack(
        [folder / "0_bright.nii.gz", folder / "0_dull.nii.gz"], channels=["bright", "dull"]
    )
    for data, look, _ in image_layers(stack):
        viewer.add_image(data, **look)
    blob = np.zeros(stack.grid.shape, dtype=np.uint8)
    blob[4:9, 4:9, 4:9] = 1
    viewer.add_labels(blob, name="painted", **placement(stack.grid))
    dock.study.use_layers.click()
    form = dock.study.layers
    assert form.chosen() == ["bright", "dull"]
    assert form.outcome.currentText() == "painted"
    form.go.click()
    assert "o model file" in dock.footer.title.text()
    form.model.use(folder / "weights.safetensors")
    form.model.arguments.setText("n_maps: 4, encoder: grouped, width: 4")
    form.go.click()
    idle(dock)
    study = dock.session.study
    assert study is not None, dock.footer.title.text()
    assert study.channels == ("bright", "dull")
    assert dock.session.region == "painted"
    mine, copies = viewer.layers["bright"], viewer.layers["bright [1]"]
    assert not mine.visible
    assert copies.visible
    assert viewer.layers.index(viewer.layers["painted"]) > viewer.layers.index(copies)
    dock.inspect.measure_all.click()
    idle(dock)
    assert "one case" in dock.inspect.copied_text()


def test_a_layer_on_another_grid_is_refused_and_resampled_on_request(
    dock, viewer, idle, tiny_study
):
    rng = np.random.default_rng(0)
    viewer.add_image(rng.random((16, 16, 16), dtype=np.float32), name="a")
    viewer.add_image(rng.random((8, 8, 6), dtype=np.float32), name="b", scale=(2, 2, 2))
    dock.study.use_layers.click()
    form = dock.study.layers
    form.model.use(tiny_study.parent / "weights.safetensors")
    form.model.arguments.setText("n_maps: 4, encoder: grouped, width: 4")
    form.images.insertItem(0, form.images.takeItem(form.images.row(_item(form.images, "a"))))
    form.go.click()
    idle(dock)
    assert "ayer b has a grid of 8x8x6 at 2 x 2 x 2 mm" in dock.footer.title.text()
    assert dock.session.study is None
    assert dock.footer.fix.isVisible()
    assert dock.footer.fix.text() == "Resample b (linear)"
    dock.footer.fix.click()
    idle(dock)
    assert dock.session.study.channels == ("a", "b")
    assert dock.session.latents.stack.data.shape == (2, 16, 16, 16)
    told = dock.study.study_card.notes
    assert told.isVisible()
    assert "Resampled onto the voxels of a: b (linear); " in told.text()
    assert viewer.layers["b"].data.shape == (8, 8, 6), "the layer itself stays as it was"


def test_a_result_of_another_study_is_dropped(opened, idle, tiny_study) -> None:
    late = jobs.measure(opened.session)
    found = late.work(Silent())
    opened.open_path(tiny_study)
    idle(opened)
    before = opened.session.results
    late.keep(found)
    assert opened.session.results is before


def test_ranking_for_a_region_asks_about_that_region(opened, idle) -> None:
    study = opened.session.study
    opened.maps.rank.click()
    idle(opened)
    assert opened.session.study is study
    assert opened.session.outcome == opened.session.region == "blob"


def test_why_earlier_results_are_left_aside_is_said(dock, idle, write_study, tmp_path, qtbot):
    study = write_study(tmp_path / "mine")
    dock.open_path(study)
    idle(dock)
    dock.inspect.measure_all.click()
    idle(dock)
    dock.keeping.save_now()
    qtbot.waitUntil(lambda: not dock.keeping.busy, timeout=10_000)
    study.write_text(study.read_text() + "# changed\n")
    dock.open_path(study)
    idle(dock)
    assert not dock.session.results.dependence
    told = dock.study.study_card.earlier
    assert told.isVisible()
    assert "the study file changed" in told.text()


def test_a_gate_that_does_not_pass_leaves_no_order_of_maps(opened, idle) -> None:
    opened.maps.rank.click()
    idle(opened)
    ranking = opened.session.results.ranking
    closed = replace(ranking, gate=replace(ranking.gate, passed=False))
    opened.session.keep(opened.session.results.with_ranking(closed))
    rows = opened.maps.table.rows
    assert rows.ranking is None
    assert {rows.verdict(k) for k in range(rows.rowCount())} == {"not ranked"}
    assert "The gate did not pass" in opened.maps.gate.words.text()


def test_saying_no_to_closing_the_window_leaves_the_dock_alive(opened, viewer, qtbot) -> None:
    window = viewer.window._qt_window
    opened.window_end.eventFilter(window, QCloseEvent())  # all that the dock hears when one says no
    qtbot.wait(50)
    ran = []
    opened.runner.run(Job("after", lambda progress: None, ran.append))
    qtbot.waitUntil(lambda: ran == [None], timeout=10_000)


def test_closing_the_window_stops_the_work(viewer, tiny_study, idle, qtbot) -> None:
    dock = dock_in(viewer)
    dock.open_path(tiny_study)
    idle(dock)
    window = viewer.window._qt_window
    window.hide()
    window.show()
    qtbot.wait(50)
    assert not dock.runner.closed
    dock.window_end.eventFilter(window, QCloseEvent())
    window.hide()
    qtbot.waitUntil(lambda: dock.runner.closed, timeout=5_000)
    window.show()


def test_the_architectures_offered_are_the_built_in_ones() -> None:
    from napari_latentattr.model import architectures
    from napari_latentattr.widgets import model_form

    assert set(model_form.ARCHITECTURES) == set(architectures.ARCHITECTURES)
