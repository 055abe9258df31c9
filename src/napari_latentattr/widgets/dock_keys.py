"""What each key does in the dock."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from napari_latentattr.widgets.step_bar import STEPS

if TYPE_CHECKING:
    from napari_latentattr.widgets.dock import LatentAttribution


def key_actions(dock: LatentAttribution) -> dict[str, Callable[[], object]]:
    """Return what is called, by the name of the key in `KEYS`."""
    context = dock.context
    return {
        **{step.key: partial(dock.show_step, step.key) for step in STEPS},
        "map_before": lambda: context.step_map(-1),
        "map_after": lambda: context.step_map(1),
        "image_before": lambda: dock.step_image(-1),
        "image_after": lambda: dock.step_image(1),
        "case_before": lambda: context.step_case(-1),
        "case_after": lambda: context.step_case(1),
        "overlay": dock.canvas.toggle_overlay,
        "undo": dock.undo,
        "beside": dock.inspect.closer.all.toggle,
        "copy": dock.copy_sentence,
        "cancel": dock.runner.cancel,
    }
