"""Keys of the dock; each is enabled only while what it does can be seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_latentattr.widgets.text import Card, Words

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
    "cohort": Key("Ctrl+4", ALWAYS, "step Cohort"),
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


class KeyList(QWidget):
    """All keys, and what each does."""

    def __init__(self) -> None:
        super().__init__()
        rows = "".join(
            f"<tr><td><b>{key.keys}</b></td><td width=14></td><td>{_sentence(key)}</td></tr>"
            for key in (*KEYS.values(), PEEK)
        )
        card = Card("Keys")
        card.box.addWidget(Words(f"<table>{rows}</table>"))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(card)
        box.addStretch(1)


def _sentence(key: Key) -> str:
    where = f" (in {key.step.capitalize()})" if key.step else ""
    return f"{key.does[:1].upper()}{key.does[1:]}{where}"
