"""Whether files are what they were, by size and time of change; none is opened."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from napari_latentattr.core.errors import InputError


def digest_files(files: Iterable[Path], *, of: str = "") -> str:
    """SHA-256 of names, sizes and times in order, and of the text `of`.

    Raises
    ------
    InputError
        When a file is missing.
    """
    digest = sha256(of.encode())
    for file in files:
        try:
            for part in sorted(file.rglob("*")) if file.is_dir() else [file]:
                known = part.stat()
                digest.update(f"{part.name} {known.st_size} {known.st_mtime_ns}\n".encode())
        except OSError as error:
            raise InputError(
                f"{error.filename}: cannot be read ({error.strerror}); check the files of the study"
            ) from error
    return digest.hexdigest()
