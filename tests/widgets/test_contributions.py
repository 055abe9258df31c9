"""Everything that the manifest offers, used in a real viewer the way napari uses it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from napari._app_model import get_app_model
from napari.settings import get_plugin_settings
from npe2 import PluginManager, PluginManifest

from napari_latentattr.widgets.dock import LatentAttribution
from napari_latentattr.widgets.entrance import dock_in

NAME = "napari-latentattr"
MANIFEST = PluginManifest.from_distribution(NAME)
WIDGETS = {
    "Load study and model": "study",
    "Rank feature maps": "maps",
    "Inspect a map": "inspect",
}
COMMANDS = {"show_study": 0, "show_maps": 1, "show_inspect": 2}


@pytest.fixture(autouse=True)
def _own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAPARI_LATENTATTR_DATA", str(tmp_path / "store"))


@pytest.fixture
def with_plugin(viewer):
    PluginManager.instance().discover()
    yield viewer
    dock = getattr(viewer.window, "_latent_attribution", None)
    if dock is not None:
        dock.shut()


def test_the_manifest_lists_these_widgets() -> None:
    assert {w.display_name for w in MANIFEST.contributions.widgets} == set(WIDGETS)


def test_each_widget_opens_the_one_dock_at_its_step(with_plugin) -> None:
    docks = []
    for title, step in WIDGETS.items():
        _, dock = with_plugin.window.add_plugin_dock_widget(NAME, title)
        assert isinstance(dock, LatentAttribution)
        assert dock.steps.tabText(dock.steps.currentIndex()).lower() == step
        docks.append(dock)
    assert all(dock is docks[0] for dock in docks)
    present = [
        w for w in with_plugin.window.dock_widgets.values() if isinstance(w, LatentAttribution)
    ]
    assert len(present) == 1


@pytest.mark.parametrize("name", COMMANDS)
def test_each_menu_command_goes_to_its_step(with_plugin, name) -> None:
    dock_in(with_plugin).show_step("study" if name != "show_study" else "inspect")
    get_app_model().commands.execute_command(f"{NAME}.{name}").result()
    assert dock_in(with_plugin).steps.currentIndex() == COMMANDS[name]


def test_the_menu_opens_the_demo_study_and_removes_its_layers(with_plugin, qtbot) -> None:
    get_app_model().commands.execute_command(f"{NAME}.open_demo").result()
    dock = dock_in(with_plugin)
    qtbot.waitUntil(lambda: dock.session.latents is not None, timeout=60_000)
    qtbot.waitUntil(lambda: not dock.runner.busy and not dock.canvas.busy, timeout=60_000)
    assert [layer.name for layer in with_plugin.layers if layer.name == "FA_x"]
    with_plugin.add_image(np.zeros((4, 4)), name="mine")
    get_app_model().commands.execute_command(f"{NAME}.clear_results").result()
    assert [layer.name for layer in with_plugin.layers] == ["mine"]


def test_the_sample_data_open(with_plugin) -> None:
    with_plugin.open_sample(NAME, "dti")
    assert [layer.name for layer in with_plugin.layers] == ["FA", "FA_x", "FA_y", "FA_z", "labels"]


def test_a_volume_is_read_and_written_where_it_lies(with_plugin, tmp_path) -> None:
    import nibabel as nib

    affine = np.array([[-2.0, 0, 0, 30], [0, 0, 1.5, -20], [0, 3, 0, 5], [0, 0, 0, 1]])
    data = np.random.default_rng(0).random((6, 5, 4), dtype=np.float32)
    nib.save(nib.Nifti1Image(data, affine), tmp_path / "a.nii.gz")
    (layer,) = with_plugin.open(tmp_path / "a.nii.gz", plugin=NAME)
    layer.save(str(tmp_path / "b.nii.gz"), plugin=NAME)
    back = nib.load(tmp_path / "b.nii.gz")
    assert np.array_equal(np.asarray(back.dataobj), data)
    assert np.allclose(back.affine, affine)


def test_the_preferences_reach_the_session(with_plugin) -> None:
    dock = dock_in(with_plugin)
    answers = get_plugin_settings(NAME).answers
    assert (answers.tau, answers.donors) == (dock.session.tau, dock.session.donors) == (0.03, 4)
    answers.tau, answers.donors = 0.1, 2
    try:
        dock.start(lambda: _nothing())
        assert (dock.session.tau, dock.session.donors) == (0.1, 2)
    finally:
        answers.tau, answers.donors = 0.03, 4


def test_closing_the_dock_and_opening_it_again_finds_the_same_session(with_plugin) -> None:
    dock = dock_in(with_plugin)
    with_plugin.window.remove_dock_widget(dock)
    assert dock_in(with_plugin) is dock


def test_opening_the_window_loads_no_engine() -> None:
    code = (
        "import sys, napari_latentattr.widgets.entrance;"
        "print([m for m in ('torch','SimpleITK','sklearn','pydicom','captum') if m in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert said.stdout.strip().endswith("[]")


def _nothing():
    from napari_latentattr.jobs import Job

    return Job("nothing", lambda progress: None, lambda result: None)
