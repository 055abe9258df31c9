"""One window of napari with the dock, which is driven and photographed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

# Theme, size of type, width and height of the window
LOOKS = {
    "dark": ("dark", 9, 1600, 1000),
    "light": ("light", 9, 1600, 1000),
    "dark14": ("dark", 14, 1366, 768),
    "light14": ("light", 14, 1366, 768),
    "small": ("light", 9, 1366, 768),
    "wide14": ("dark", 14, 1600, 1000),
    "page": ("dark", 9, 1360, 850),
    "page_light": ("light", 9, 1360, 850),
}
LIMIT = 300.0  # seconds for one job


class Scene:
    """One window that is driven and photographed."""

    def __init__(self, look: str, out: Path) -> None:
        import napari
        from napari.settings import get_settings

        from napari_latentattr.widgets.entrance import dock_in

        self.look, self.out = look, out
        theme, size, width, height = LOOKS[look]
        appearance = get_settings().appearance
        appearance.theme, appearance.font_size = theme, size
        self.viewer = napari.Viewer()
        self.viewer.theme = theme
        self.viewer.window._qt_window.resize(width, height)
        self.dock = dock_in(self.viewer)
        self.settle()

    def settle(self, *, until: Callable[[], bool] = lambda: True) -> None:
        """Let the window work until something holds, and then until it is painted."""
        from qtpy.QtWidgets import QApplication

        end = time.monotonic() + LIMIT
        while not until():
            if time.monotonic() > end:
                raise TimeoutError(f"{self.dock.footer.title.text()} after {LIMIT:g} s")
            QApplication.processEvents()
            time.sleep(0.01)
        for _ in range(20):
            QApplication.processEvents()
            time.sleep(0.01)

    def finish(self) -> None:
        """Wait for all jobs."""
        runner, canvas = self.dock.runner, self.dock.canvas
        self.settle(until=lambda: not runner.busy and not runner._waiting and not canvas.busy)

    def shoot(self, name: str) -> None:
        """Write a picture of the whole window."""
        self.settle()
        path = self.out / f"{self.look}_{name}.png"
        self.viewer.screenshot(str(path), canvas_only=False, flash=False)
        print(path.name, flush=True)

    def go(self, step: str, *, down: bool = False) -> None:
        """Go to a step, to the top or the end of its page."""
        self.dock.show_step(step)
        self.settle()
        bar = self.dock.pages.currentWidget().verticalScrollBar()
        bar.setValue(bar.maximum() if down else 0)

    def stop_early(self, name: str) -> None:
        """Let a job report a few times, take its picture, and cancel it."""
        bar = self.dock.footer.bar
        self.settle(until=lambda: bar.value() > 0 and bar.maximum() > 1)
        self.shoot(name)
        self.dock.runner.cancel()
        self.finish()
