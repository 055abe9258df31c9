from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from napari.components import ViewerModel
from npe2 import PluginManager, PluginManifest

import napari_latentattr

NAME = "napari-latentattr"
PACKAGED = Path(napari_latentattr.__file__).parent / "napari.yaml"
LINKED = Path(__file__).parents[1] / "napari.yaml"


@pytest.fixture
def manifest() -> PluginManifest:
    return PluginManifest.from_distribution(NAME)


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> PluginManager:
    """Plugins of this environment, as napari itself finds them."""
    manager = PluginManager()
    manager.discover()
    monkeypatch.setattr(PluginManager, "instance", lambda: manager)
    return manager


def test_the_manifest_at_the_top_is_the_packaged_one():
    assert LINKED.read_bytes() == PACKAGED.read_bytes()


def test_the_manifest_is_valid(manifest):
    assert manifest.schema_version == "0.3.0"
    assert manifest.display_name == "Latent Attribution"


def test_every_command_is_a_function_of_this_package(manifest):
    for command in manifest.contributions.commands:
        module, _, function = command.python_name.partition(":")
        assert module.startswith("napari_latentattr.")
        assert callable(getattr(import_module(module), function))


def test_every_command_is_contributed_to_something(manifest):
    offered = {command.id for command in manifest.contributions.commands}
    parts = manifest.contributions
    used = {
        part.command
        for kind in (parts.sample_data, parts.widgets, parts.readers, parts.writers)
        for part in kind
    }
    used |= {
        item.command for menu in parts.menus.values() for item in menu if hasattr(item, "command")
    }
    assert used == offered


def test_no_command_has_an_icon(manifest):
    # An icon keeps napari from starting, or makes it ask the network for one.
    assert not [c.id for c in manifest.contributions.commands if c.icon]


def test_the_sample_opens_in_a_viewer_in_one_place_in_millimetres(plugins):
    viewer = ViewerModel()
    viewer.open_sample(NAME, "dti")
    assert [layer.name for layer in viewer.layers] == ["FA", "FA_x", "FA_y", "FA_z", "labels"]
    assert [layer.visible for layer in viewer.layers] == [True, False, False, False, True]
    first, labels = viewer.layers[0], viewer.layers["labels"]
    assert "corpus_callosum" in str(labels.features)
    for layer in viewer.layers:
        assert [str(unit) for unit in layer.units] == ["millimeter"] * 3
        assert layer.axis_labels == ("I", "P", "L")
        assert tuple(layer.scale) == tuple(first.scale)
        assert layer.extent.world.tolist() == first.extent.world.tolist()
    assert [str(unit) for unit in viewer.layers.extent.units] == ["millimeter"] * 3
