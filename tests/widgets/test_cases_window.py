"""Top cases in a real window: a click opens the case at the planted place; one window for all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import napari
import numpy as np
import pytest
import SimpleITK as sitk
from qtpy.QtCore import QCoreApplication, QEvent, Qt
from tests.retrieval.test_find import CHANNELS, model

from napari_latentattr import Cohort
from napari_latentattr.cohort.study import Study
from napari_latentattr.core.errors import InputError
from napari_latentattr.methods.excitation import Excitation
from napari_latentattr.retrieval import find
from napari_latentattr.session import Opened
from napari_latentattr.widgets.dock import LatentAttribution
from napari_latentattr.widgets.entrance import dock_in
from napari_latentattr.widgets.own_layers import case_images

from .conftest import HAS_SCREEN

N, BRIGHT = 6, 5.0
SIZE = {3: (12, 16, 20), 2: (24, 32)}  # of the array in the file, slowest first
SPACING = {3: (1.5, 2.0, 3.0), 2: (1.5, 2.0)}  # x first
# Rows of the file run to the front, columns to the left, slices downwards: nothing is canonical.
TURNED = {3: (0, 0, -1, -1, 0, 0, 0, -1, 0), 2: (0, 1, -1, 0)}


def place(i: int, ndim: int) -> tuple[int, ...]:
    """First voxel of the bright block of a case, slowest first; no two axes are alike."""
    return tuple([(4 * (i % 2), 4 + 4 * (i % 3), 12), (4 * (i % 4), 24 - 4 * i)][3 - ndim])


@cache
def _folder(root: Path, ndim: int) -> Path:
    """Images whose axes are turned; in case i one block is bright."""
    folder = root / f"{ndim}d"
    folder.mkdir()
    rng, rows = np.random.default_rng(0), ["case,patient,bright,dull"]
    for i in range(N):
        images = rng.normal(0, 0.1, (2, *SIZE[ndim])).astype(np.float32)
        images[(0, *[slice(a, a + 4) for a in place(i, ndim)])] += BRIGHT + i
        for name, image in zip(CHANNELS, images, strict=True):
            file = sitk.GetImageFromArray(image)
            file.SetSpacing(SPACING[ndim])
            file.SetOrigin((-20.0, 30.0, 11.0)[:ndim])
            file.SetDirection(TURNED[ndim])
            sitk.WriteImage(file, str(folder / f"{i}_{name}.nrrd"))
        rows.append(f"c{i},p{i},{i}_bright.nrrd,{i}_dull.nrrd")
    (folder / "cases.csv").write_text("\n".join(rows) + "\n")
    return folder


def middle_mm(folder: Path, i: int, ndim: int) -> np.ndarray:
    """Middle of the bright block in the axes of the viewer, from the header of the file alone."""
    file = sitk.ReadImage(str(folder / f"{i}_bright.nrrd"))
    at = [float(a) + 1.5 for a in reversed(place(i, ndim))]
    lps = np.array(file.TransformContinuousIndexToPhysicalPoint(at))
    return lps[::-1] * [-1, 1, 1] if ndim == 3 else lps[::-1]


@pytest.fixture(scope="module")
def dock(qapp, tmp_path_factory) -> Iterator[LatentAttribution]:
    if not HAS_SCREEN:
        pytest.skip("needs a screen: xvfb-run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NAPARI_LATENTATTR_DATA", str(tmp_path_factory.mktemp("kept")))
        viewer = napari.Viewer(show=True)
        viewer.window.resize(1100, 800)
        made = dock_in(viewer)
        yield made
        made.shut()
        viewer.close()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture(autouse=True)
def _no_leaked_windows() -> None:
    """One window lives on from test to test, with the lists that drop down from it."""


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cases")


@pytest.fixture
def done(dock: LatentAttribution, qtbot) -> Callable[[], None]:
    def wait() -> None:
        for _ in range(2):
            qtbot.waitUntil(lambda: not dock.runner.busy and not dock.canvas.busy, timeout=60_000)
            qtbot.wait(30)
        assert not dock.footer.dismiss.isVisible(), dock.footer.title.text()

    return wait


@pytest.fixture
def opened(dock: LatentAttribution, done, root: Path) -> Callable[[int], Path]:
    def use(ndim: int) -> Path:
        folder = _folder(root, ndim)
        cohort = Cohort.from_table(folder / "cases.csv", channels=CHANNELS, scaling="none")
        dock.footer.ready()
        dock.session.use(Opened(Study("s", None, model(ndim), cohort, None, 0)))
        done()
        dock.show_step("inspect")
        dock.inspect.closer.views.setCurrentIndex(2)
        return folder

    return use


def click(dock: LatentAttribution, qtbot, row: int) -> str:
    """Click the picture of a row; gives the name of its case."""
    tile = dock.inspect.closer.cases.most.tiles[row]
    qtbot.mouseClick(tile.picture, Qt.MouseButton.LeftButton)
    return dock.session.case_sheet.views["top"][row].case


@pytest.mark.parametrize("ndim", [3, 2])
def test_a_click_opens_the_case_with_the_slices_at_the_planted_place(
    dock, opened, done, qtbot, ndim
) -> None:
    folder = opened(ndim)
    dock.inspect.closer.cases.find.click()
    done()
    viewer = dock.viewer
    assert dock.session.case_sheet.found.cases == tuple(f"c{N - 1 - i}" for i in range(N))
    for row in (0, 3, 3):  # the last one is there already
        viewer.dims.set_point(range(viewer.dims.ndim), [0.0] * viewer.dims.ndim)
        case = click(dock, qtbot, row)
        done()
        assert case == f"c{N - 1 - row}"
        assert dock.session.selection.case == N - 1 - row
        point = np.array(viewer.dims.point[-ndim:])
        layer = case_images(viewer)["bright"]
        spacing = np.array(layer.scale)
        assert (np.abs(point - middle_mm(folder, N - 1 - row, ndim)) <= 0.51 * spacing).all()
        voxel = np.rint(np.array(layer.world_to_data(point))).astype(int)
        assert layer.data[tuple(voxel)] > 0.8 * BRIGHT
        assert dock.inspect.closer.cases.most.tiles[row].picture.is_framed


def test_another_map_and_3d_keep_the_place_that_was_clicked(dock, opened, done, qtbot) -> None:
    folder = opened(3)
    dock.inspect.closer.cases.find.click()
    done()
    dock.viewer.dims.ndisplay = 3
    try:
        click(dock, qtbot, 1)
        done()
    finally:
        dock.viewer.dims.ndisplay = 2
    away = np.abs(np.array(dock.viewer.dims.point[-3:]) - middle_mm(folder, N - 2, 3))
    assert (away <= 0.51 * np.array(case_images(dock.viewer)["bright"].scale)).all()
    assert dock.session.selection.map == 0
    dock.session.select(channel=1)
    dock.session.select(map=1)
    done()
    assert "map 1" in dock.inspect.closer.cases.question.text()
    dock.session.select(map=0)
    assert dock.inspect.closer.cases.most.isVisible()


def test_who_looks_at_another_case_meanwhile_stays_there(dock, opened, done, qtbot, root):
    opened(3)
    dock.inspect.closer.cases.find.click()
    done()
    before = dock.viewer.dims.point[-3:]
    assert np.abs(np.array(before) - middle_mm(_folder(root, 3), N - 3, 3)).max() > 4
    click(dock, qtbot, 2)
    dock.session.select(case=0)
    done()
    assert dock.session.latents.case == "c0"
    assert dock.viewer.dims.point[-3:] == before
    dock.session.select(case=N - 3)
    done()
    assert dock.viewer.dims.point[-3:] == before


def test_scrolling_through_slices_keeps_the_image_that_was_chosen(dock, opened, done) -> None:
    opened(3)
    dock.inspect.measure()
    done()
    dock.session.select(channel=1)
    axis = dock.viewer.dims.axis_labels.index("I")
    for step in (1, 4):
        dock.viewer.dims.set_current_step(axis, step)
    assert dock.session.selection.channel == 1


def test_what_excites_a_map_is_shown_beside_real_cases(dock, opened, done, qtbot) -> None:
    opened(3)
    closer = dock.inspect.closer
    closer.views.setCurrentIndex(3)
    seen = []
    dock.session.preview_changed.connect(lambda: seen.append(dock.session.preview))
    assert closer.excites.go.text().startswith("Imagine  ~")
    closer.excites.go.click()
    done()
    found = dock.session.made_up
    assert any(one is not None and one[1].shape == found.pictures[0].shape for one in seen)
    assert dock.session.preview is None
    layer = dock.viewer.layers.selection.active
    image = case_images(dock.viewer)["bright"]
    assert layer.name == "LA · map 0 · made up in bright"
    np.testing.assert_allclose(layer.scale, image.scale)
    np.testing.assert_allclose(layer.translate, image.translate)
    assert "not a patient" in dock.viewer.canvas.overlays.text.text
    assert found.real[0].case == f"c{N - 1}"
    qtbot.mouseClick(closer.excites.real.tiles[0].picture, Qt.MouseButton.LeftButton)
    done()
    assert dock.session.selection.case == N - 1
    assert not layer.visible
    assert "made up" not in dock.viewer.canvas.overlays.text.text
    dock.undo()
    assert layer not in dock.viewer.layers


def test_making_up_a_picture_can_be_cancelled(dock, opened, qtbot, monkeypatch) -> None:
    opened(2)
    dock.inspect.closer.views.setCurrentIndex(3)
    slow = Excitation._turn
    monkeypatch.setattr(Excitation, "_turn", lambda *a: (time.sleep(0.2), slow(*a)))
    dock.inspect.closer.excites.go.click()
    qtbot.waitUntil(lambda: dock.session.preview is not None, timeout=20_000)
    assert dock.inspect.closer.excites.made.isVisible()
    began = time.monotonic()
    dock.footer.cancel.click()
    qtbot.waitUntil(lambda: not dock.runner.busy, timeout=2_000)
    assert time.monotonic() - began < 0.3
    assert dock.footer.title.text().startswith("Stopped")
    assert dock.session.preview is None
    assert not dock.inspect.closer.excites.made.isVisible()
    assert dock.session.results.made_up == {}
    qtbot.waitUntil(lambda: not dock.runner.leaving, timeout=10_000)
    dock.footer.ready()


def test_a_map_that_does_not_vary_is_refused_in_the_footer(dock, opened, qtbot) -> None:
    opened(2)
    dock.inspect.closer.views.setCurrentIndex(3)
    dock.session.study.model.module.encoder.weight.data[1] = 0
    dock.session.select(map=1)
    dock.inspect.closer.excites.go.click()
    qtbot.waitUntil(lambda: not dock.runner.busy, timeout=20_000)
    assert "does not vary between the 6 cases" in dock.footer.title.text()
    assert dock.inspect.closer.excites.go.isVisible()
    dock.footer.ready()


def test_looking_for_cases_can_be_cancelled(dock, opened, qtbot, monkeypatch) -> None:
    opened(3)
    real = find.Looks.at

    def slow(*args, progress, **named):
        for i in range(2000):
            progress.report(i, 2000, "cases")
            time.sleep(0.01)
        return real(*args, progress=progress, **named)

    monkeypatch.setattr(find.Looks, "at", slow)
    dock.inspect.closer.cases.find.click()
    qtbot.waitUntil(lambda: dock.footer.bar.value() > 0, timeout=10_000)
    began = time.monotonic()
    dock.footer.cancel.click()
    qtbot.waitUntil(lambda: not dock.runner.busy, timeout=2_000)
    assert time.monotonic() - began < 0.3
    assert dock.footer.title.text().startswith("Stopped")
    assert dock.session.results.cases == {}
    assert dock.inspect.closer.cases.question.isVisible()
    qtbot.waitUntil(lambda: not dock.runner.leaving, timeout=10_000)
    dock.footer.ready()


def test_what_goes_wrong_is_said_in_the_footer(dock, opened, qtbot, monkeypatch) -> None:
    opened(3)

    def fail(*args, **named):
        raise InputError("case c3 cannot be read; check the file")

    monkeypatch.setattr(find.Looks, "at", fail)
    dock.inspect.closer.cases.find.click()
    qtbot.waitUntil(lambda: not dock.runner.busy, timeout=10_000)
    assert dock.footer.title.text().startswith("<b>Case c3 cannot be read")
    assert dock.inspect.closer.cases.find.isVisible()
    dock.footer.ready()
