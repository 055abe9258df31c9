"""Files that are either the old one or the whole new one, whatever happens meanwhile.

Everything is written beside its place, forced to the disk and renamed. This file knows no format
but JSON.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from napari_latentattr.core.errors import InputError
from napari_latentattr.io.standard_json import json_text


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path to write to; afterwards it becomes `path` in one step.

    Parameters
    ----------
    path : str or Path
        The temporary file lies in the same folder and has the same ending.

    Yields
    ------
    Path
        To be written and closed inside the block. When the block fails, the temporary file is
        removed and the old file stays.

    Raises
    ------
    InputError
        When the folder does not exist or cannot be written to.
    """
    path = Path(path)
    beside = path.with_name(f".{secrets.token_hex(6)}-{path.name}")
    try:
        yield beside
        _force(beside, os.O_RDWR)
        os.replace(beside, path)
        if os.name == "posix":
            _force(path.parent, os.O_RDONLY)
    except OSError as error:
        reason = error.strerror or "the disk refused"
        raise InputError(
            f"{path}: cannot be written ({reason}); name a folder that exists, can be written to "
            "and has space"
        ) from error
    finally:
        beside.unlink(missing_ok=True)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a file in one step.

    Raises
    ------
    InputError
        When the folder does not exist or cannot be written to.
    """
    with replacing(path) as beside:
        beside.write_bytes(content)


def write_text(path: str | Path, text: str) -> None:
    """Write a UTF-8 text file in one step, with line ends as they are in `text`.

    Raises
    ------
    InputError
        When the folder does not exist or cannot be written to.
    """
    write_bytes(path, text.encode("utf-8"))


def write_json(path: str | Path, record: Mapping[str, object]) -> None:
    """Write a record as JSON in one step; numbers that are not finite become null.

    Parameters
    ----------
    path : str or Path
    record : mapping
        Of strings, numbers, None, sequences, mappings and numpy scalars or arrays. Keys keep
        their order, so equal records give equal bytes.

    Raises
    ------
    InputError
        When the folder does not exist or cannot be written to.
    TypeError
        When the record holds anything else.
    """
    write_text(path, json_text(record))


def _force(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
