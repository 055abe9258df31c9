"""What a command hands back, and a folder that receives all of its files or none.

Files are written beside their place and moved when the work is complete: a command that fails or
is stopped leaves nothing behind.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from napari_latentattr.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Report:
    """What a command has to say.

    Attributes
    ----------
    text : str
        For people.
    main : str
        Name of the JSON file, in the folder of results, that holds the main result.
    """

    text: str
    main: str


@contextmanager
def staged(out: Path | None) -> Iterator[Path]:
    """Give a folder to write into; what is in it moves to `out` when the block is done.

    Parameters
    ----------
    out : Path or None
        Made when it is not there; files of the same names are replaced, others stay. None throws
        everything away.

    Raises
    ------
    InputError
        When `out` is a file, or cannot be written to.
    """
    if out is None:
        with tempfile.TemporaryDirectory(prefix="latentattr-") as folder:
            yield Path(folder)
        return
    out = out.absolute()
    if out.exists() and not out.is_dir():
        raise InputError(f"--out {out} is a file; name a folder")
    home = out if out.is_dir() else next(p for p in out.parents if p.exists())
    try:
        stage = Path(tempfile.mkdtemp(prefix=".latentattr-", dir=home))
    except OSError as error:
        raise InputError(
            f"cannot write to {home}: {error.strerror}; choose another --out"
        ) from error
    try:
        yield stage
        _move_all(stage, out)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _move_all(stage: Path, out: Path) -> None:
    files = sorted(path.relative_to(stage) for path in stage.rglob("*") if path.is_file())
    try:
        for name in files:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(stage / name, out / name)
    except OSError as error:
        raise InputError(
            f"cannot write to {out}: {error.strerror}; choose another --out"
        ) from error
