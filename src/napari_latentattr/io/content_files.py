"""Private files that are named by what they hold, so that damage shows and nothing is kept twice.

Refuses to know what is in them.
"""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from napari_latentattr.core.errors import InputError
from napari_latentattr.io.atomic import replacing


def keep(folder: Path, content: bytes, ending: str) -> str:
    """Write a file that is named by its content, unless it is there whole.

    Returns
    -------
    str
        Its name: the SHA-256 of its content, and `ending`.

    Raises
    ------
    InputError
        When the folder does not exist or cannot be written to.
    """
    name = sha256(content).hexdigest() + ending
    path = folder / name
    if not path.is_file() or path.read_bytes() != content:
        write_private(path, content)
    return name


def content_of(folder: Path, name: str) -> bytes:
    """Read a kept file and check it against its name.

    Raises
    ------
    InputError
        When it is not there or holds something else.
    """
    if Path(name).name != name or not (folder / name).is_file():
        raise InputError("a file is missing; measure again")
    content = (folder / name).read_bytes()
    if sha256(content).hexdigest() != Path(name).stem:
        raise InputError("a file is damaged; measure again")
    return content


def write_private(path: Path, content: bytes) -> None:
    """Write a file in one step that no other user of the machine can read."""
    with replacing(path) as beside:
        beside.touch(mode=0o600)
        beside.write_bytes(content)


def remove_others(folder: Path, named: set[str]) -> None:
    """Remove every file of a folder whose name is not in `named`."""
    for path in folder.iterdir():
        if path.name not in named and path.is_file():
            # Another window may have removed it, or holds it open.
            with suppress(OSError):
                path.unlink()
