"""Which model file, of which architecture; only text and choices, nothing is loaded here."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from napari_latentattr.core.errors import InputError
from napari_latentattr.widgets.lettering import tooltip
from napari_latentattr.widgets.text import Button, Name, Words, fit_choice

# Names alone: importing the architectures would load torch with the window.
ARCHITECTURES = ("conv_autoencoder", "conv_vae", "monai_autoencoder", "monai_var_autoencoder")
_HEADER_LIMIT = 1 << 20


class ModelForm(QWidget):
    """File, architecture, arguments."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path: Path | None = None
        self.file = Words("No model file yet", muted=True)
        self.browse = Button("Open model…")
        self.browse.setToolTip("Weights as safetensors, or .pt, .pth, .ckpt with weights alone")
        self.browse.clicked.connect(self._on_browse)
        self.architecture = QComboBox()
        self.architecture.setEditable(True)
        self.architecture.addItems(ARCHITECTURES)
        fit_choice(
            self.architecture,
            "A built-in architecture, or your own as file.py:function beside the weights",
        )
        self.architecture.setAccessibleName("architecture")
        self.arguments = QLineEdit("n_maps: 8")
        self.arguments.textChanged.connect(self._tell_arguments)
        self._tell_arguments(self.arguments.text())
        self.arguments.setAccessibleName("arguments of the architecture")
        row = QHBoxLayout()
        row.addWidget(self.file, 1)
        row.addWidget(self.browse)
        self._rows = QFormLayout()
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addLayout(row)  # not a row of the form, which would not give a long name its lines
        box.addLayout(self._rows)
        self.add_row("Architecture", self.architecture)
        self.add_row("Arguments", self.arguments)

    def add_row(self, name: str, field: QWidget) -> None:
        """Add a field of its own below, in line with the others."""
        self._rows.addRow(Name(name), field)

    def use(self, path: Path) -> None:
        """Take a file, and what its header says about the architecture."""
        self.path = path
        self.file.say_plain(path.name)
        said = declared_architecture(path)
        if "architecture" in said:
            self.architecture.setCurrentText(said["architecture"])
        if "arguments" in said:
            self.arguments.setText(said["arguments"].strip("{} \n"))
            self.arguments.setCursorPosition(0)

    def given_arguments(self) -> dict[str, object]:
        """Return the arguments that were typed.

        Raises
        ------
        InputError
            When they are not written as ``name: value, name: value``.
        """
        try:
            found = yaml.safe_load("{" + self.arguments.text() + "}")
        except yaml.YAMLError:
            found = None
        if not isinstance(found, dict) or any(v is None for v in found.values()):
            raise InputError(
                f"the arguments {self.arguments.text()!r} cannot be read; write them like "
                "n_maps: 8, encoder: grouped"
            )
        return {str(key): value for key, value in found.items()}

    def given_architecture(self) -> str:
        """Return the architecture as `load_model` wants it."""
        text = self.architecture.currentText().strip()
        return f"code:{text}" if ".py:" in text and not text.startswith("code:") else text

    def _tell_arguments(self, text: str) -> None:
        self.arguments.setToolTip(
            tooltip(["Arguments of the architecture, like n_maps: 8, encoder: grouped", text])
        )

    def _on_browse(self) -> None:
        kinds = "Model weights (*.safetensors *.pt *.pth *.ckpt)"
        name, _ = QFileDialog.getOpenFileName(self, "Open model", "", kinds)
        if name:
            self.use(Path(name))


def declared_architecture(path: Path) -> dict[str, str]:
    """Read what the header of a safetensors file says of its architecture; {} where nothing."""
    if path.suffix != ".safetensors":
        return {}
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(size)) if size <= _HEADER_LIMIT else {}
        said = header.get("__metadata__", {})
        return {k: v for k, v in said.items() if isinstance(v, str)}
    except (OSError, ValueError, AttributeError):
        return {}
