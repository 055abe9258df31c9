"""Files that are dropped on the dock; refuses what belongs on the canvas."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QMimeData

from napari_latentattr.core.errors import InputError

STUDIES = (".yaml", ".yml")
MODELS = (".safetensors", ".pt", ".pth", ".ckpt")


def dropped_file(data: QMimeData) -> Path:
    """Return the study or model file among what was dropped.

    Raises
    ------
    InputError
        When the first file is neither.
    """
    urls = data.urls()
    path = Path(urls[0].toLocalFile()) if urls else Path()
    if path.suffix.lower() not in (*STUDIES, *MODELS):
        raise InputError("This looks like an image. Drop it on the canvas to open it as a layer.")
    return path
