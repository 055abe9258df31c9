"""Commands of the menus; napari gives them the viewer by annotation."""

from __future__ import annotations

from napari.viewer import Viewer

from napari_latentattr.widgets.entrance import dock_in


def show_study(viewer: Viewer) -> None:
    """Go to the step that loads a study and a model."""
    dock_in(viewer).show_step("study")


def show_maps(viewer: Viewer) -> None:
    """Go to the step that ranks the maps."""
    dock_in(viewer).show_step("maps")


def show_inspect(viewer: Viewer) -> None:
    """Go to the step that inspects one map."""
    dock_in(viewer).show_step("inspect")


def open_demo(viewer: Viewer) -> None:
    """Open the study that ships with the package."""
    dock_in(viewer).open_demo()


def clear_results(viewer: Viewer) -> None:
    """Remove every layer that the plugin made."""
    dock_in(viewer).canvas.clear()
