"""Keys of the dock; each is enabled only while what it does can be seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QWidget

ALWAYS = ""


@dataclass(frozen=True, slots=True)
class Key:
    """A key, the step in which it works (empty: in all), and what it does in words."""

    keys: str
    step: str
    does: str


KEYS = {
    "study": Key("Ctrl+1", ALWAYS, "step Study"),
    "maps": Key("Ctrl+2", ALWAYS, "step Maps"),
    "inspect": Key("Ctrl+3", ALWAYS, "step Inspect"),
    "map_before": Key("Alt+Left", ALWAYS, "previous map"),
    "map_after": Key("Alt+Right", ALWAYS, "next map"),
    "image_before": Key("Alt+Up", ALWAYS, "previous image"),
    "image_after": Key("Alt+Down", ALWAYS, "next image"),
    "case_before": Key("Ctrl+Alt+Left", ALWAYS, "previous case"),
    "case_after": Key("Ctrl+Alt+Right", ALWAYS, "next case"),
    "overlay": Key("U", ALWAYS, "show or hide the overlay"),
    "undo": Key("Ctrl+Alt+Z", ALWAYS, "undo the last result"),
    "beside": Key("G", "inspect", "all images side by side"),
    "copy": Key("H", "inspect", "copy the sentence"),
    "cancel": Key("Esc", ALWAYS, "cancel the running job"),
}
PEEK = Key(".", ALWAYS, "hold to hide the overlay")


class Shortcuts:
    """Binds the keys to what the dock does."""

    def __init__(self, dock: QWidget, actions: dict[str, Callable[[], object]]) -> None:
        self._shortcuts = {}
        for name, action in actions.items():
            shortcut = QShortcut(QKeySequence(KEYS[name].keys), dock)
            shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
            shortcut.activated.connect(action)
            self._shortcuts[name] = shortcut

    def set_step(self, step: str) -> None:
        """Enable the keys of this step alone."""
        for name, shortcut in self._shortcuts.items():
            if name != "cancel":
                shortcut.setEnabled(KEYS[name].step in (ALWAYS, step))

    def set_running(self, *, running: bool) -> None:
        """Let Esc cancel while there is something to cancel."""
        self._shortcuts["cancel"].setEnabled(running)


def key_list() -> str:
    """All keys as a table in rich text."""
    rows = "".join(
        f"<tr><td><b>{key.keys}</b></td><td width=14></td><td>{key.does}</td></tr>"
        for key in (*KEYS.values(), PEEK)
    )
    return f"<table>{rows}</table>"
