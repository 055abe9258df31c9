"""``latentattr view``: open the viewer with the dock and a study in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from napari_latentattr.commands.results import Report
from napari_latentattr.core.errors import InputError
from napari_latentattr.core.progress import Progress
from napari_latentattr.io.atomic import write_json


def run(folder: Path, *, study: Path, answer: bool, trust: bool, progress: Progress) -> Report:
    """Open a study in napari, and come back when the window is closed.

    Parameters
    ----------
    answer : bool
        Rank the maps and measure their drivers at once, unless an earlier session did.

    Raises
    ------
    InputError
        When there is no such file, or napari has no Qt to draw with.
    """
    if not study.is_file():
        raise InputError(f"there is no study file {study}; check the path")
    try:
        from napari_latentattr.widgets.entrance import show_until_closed
    except ImportError as error:
        raise InputError(
            f"the viewer cannot start ({error}); install it with "
            "pip install 'napari-latentattr[all]'"
        ) from error
    show_until_closed(study, answer=answer, trust=trust)
    write_json(folder / "view.json", {"kind": "view", "version": 1, "study": study.name})
    return Report("the viewer was closed; results are kept with the study", "view.json")


def start_in_background(study: Path | None) -> bool:
    """Open a study in a process of its own, with its answers; False where there is no display."""
    if study is None:
        return False
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return False
    program = "import sys; from napari_latentattr.cli import main; sys.exit(main(sys.argv[1:]))"
    subprocess.Popen(
        [sys.executable, "-c", program, "view", str(study), "--answer", "--quiet"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return True
