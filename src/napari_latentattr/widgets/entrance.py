"""The ways into the dock: from the menus of the viewer, and from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_latentattr.widgets.dock import TITLE, LatentAttribution

_ATTRIBUTE = "_latent_attribution"  # of the viewer's window, so that a viewer has one dock


def study_step() -> LatentAttribution:
    """Open the dock at the step that loads a study and a model."""
    return _at("study")


def maps_step() -> LatentAttribution:
    """Open the dock at the step that ranks the maps."""
    return _at("maps")


def inspect_step() -> LatentAttribution:
    """Open the dock at the step that inspects one map."""
    return _at("inspect")


def dock_in(viewer: Any) -> LatentAttribution:
    """Return the dock of a viewer, docked; it is made when there is none."""
    viewer = getattr(viewer, "__wrapped__", viewer)  # commands get a proxy of it
    dock = getattr(viewer.window, _ATTRIBUTE, None)
    if dock is None:
        dock = _remember(viewer, LatentAttribution(viewer))
    if dock.parent() is None:
        viewer.window.add_dock_widget(dock, name=TITLE, area="right", add_vertical_stretch=False)
    return dock


def show_until_closed(study: Path, *, answer: bool = False, trust: bool = False) -> None:
    """Open a viewer with the dock and a study in it, and wait until its window is closed."""
    import napari

    viewer = napari.Viewer(title=TITLE)
    dock_in(viewer).open_study(study, answer=answer, trust=trust)
    napari.run()


def _at(step: str) -> LatentAttribution:
    """Dock of the current viewer at a step, free to be docked by whoever asked for it."""
    import napari

    viewer = napari.current_viewer()
    dock = getattr(viewer.window, _ATTRIBUTE, None)
    if dock is None:
        dock = _remember(viewer, LatentAttribution(viewer))
    elif dock.parent() is not None:
        viewer.window.remove_dock_widget(dock)
    dock.show_step(step)
    return dock


def _remember(viewer: Any, dock: LatentAttribution) -> LatentAttribution:
    setattr(viewer.window, _ATTRIBUTE, dock)
    return dock
