"""Text files that people write, read whole but never beyond a size that fits their purpose."""

from __future__ import annotations

from pathlib import Path

from napari_latentattr.core.errors import InputError


def read_text(path: Path, *, max_bytes: int) -> str:
    """Content of a UTF-8 file, with or without byte order mark.

    Raises
    ------
    InputError
        When it cannot be read, is larger than `max_bytes` or no UTF-8.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(max_bytes + 1)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; check the path") from error
    if len(raw) > max_bytes:
        raise InputError(f"{path.name} is larger than {max_bytes >> 20} MB; is it the right file")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is not UTF-8 text; save it as UTF-8") from error
