"""Encoded cases on disk: whole files or none, found by model and data, the oldest removed first.

A kept case is used when model, files, preprocessing and versions are what they were. Files count
by path, size and time of change. What is kept are latent maps: as private as the images.
"""

from __future__ import annotations

import io
import json
import zipfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.types import Bool, Float32, Float64, Grid, LatentSpec
from napari_latentattr.core.versions import installed_versions
from napari_latentattr.io.content_files import write_private

DEFAULT_BYTES = 4 * 2**30
_ENDING = ".npz"


class Kept(NamedTuple):
    """What is kept of a case; see `EncodedCase`."""

    grid: Grid
    maps: Float32
    inside: Bool
    image_means: Float64
    sha256: bytes


class EncodedCache:
    """A folder of encoded cases that never takes more than a given space.

    Parameters
    ----------
    folder : path
        Made when it is not there; readable by its owner alone.
    limit : int
        Bytes; beyond them the oldest cases are removed.

    Raises
    ------
    InputError
        When the folder cannot be made.
    """

    def __init__(self, folder: str | Path, *, limit: int = DEFAULT_BYTES) -> None:
        self.folder, self.limit = Path(folder), limit
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{folder}: cannot keep cases there ({error.strerror}); name another folder"
            ) from error
        self._bytes = sum(size for _, size, _ in self._files())

    def get(self, key: str) -> Kept | None:
        """Give a kept case; None when it is not there, or damaged."""
        path = self.folder / f"{key}{_ENDING}"
        try:
            content = io.BytesIO(path.read_bytes())  # np.load leaves a damaged file open
            with np.load(content, allow_pickle=False) as parts:  # every part has a checksum
                shape, affine = tuple(parts["shape"].tolist()), parts["affine"]
                return Kept(
                    grid=Grid(shape, affine, known=bool(parts["known"])),
                    maps=parts["maps"],
                    inside=parts["inside"],
                    image_means=parts["image_means"],
                    sha256=parts["sha256"].tobytes(),
                )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            self._remove(path)
            return None

    def put(self, key: str, kept: Kept) -> None:
        """Keep a case, unless it is larger than the space for all of them.

        Raises
        ------
        InputError
            When the folder cannot be written to.
        """
        content = io.BytesIO()
        np.savez(
            content,
            shape=np.array(kept.grid.shape),
            affine=kept.grid.affine,
            known=np.array(kept.grid.known),
            maps=kept.maps,
            inside=kept.inside,
            image_means=kept.image_means,
            sha256=np.frombuffer(kept.sha256, dtype=np.uint8),
        )
        size = content.tell()
        if size > self.limit:
            return
        if self._bytes + size > self.limit:
            self._make_room(size)
        write_private(self.folder / f"{key}{_ENDING}", content.getvalue())
        self._bytes += size

    def _make_room(self, size: int) -> None:
        """Remove the oldest files until `size` bytes fit; others may have written meanwhile."""
        files = sorted(self._files())
        total = sum(known for _, known, _ in files)
        for _, known, path in files:
            if total + size <= self.limit:
                break
            self._remove(path)
            total -= known
        self._bytes = total

    def _files(self) -> list[tuple[int, int, Path]]:
        """Time, size and path of every file, those of a broken write included."""
        found = []
        for path in self.folder.glob(f"*{_ENDING}"):
            with suppress(OSError):
                known = path.stat()
                found.append((known.st_mtime_ns, known.st_size, path))
        return found

    @staticmethod
    def _remove(path: Path) -> None:
        with suppress(OSError):
            path.unlink()


def cache_key(spec: LatentSpec, answer: str, fingerprint: str) -> str:
    """Name of a case in the cache.

    Parameters
    ----------
    answer : str
        Digest of what the model makes of a fixed image: weights alone do not tell an activation.
    fingerprint : str
        Of the files of the case and what is done to them.
    """
    model = [spec.sha256, spec.layer, spec.ndim, spec.stride, spec.offset, answer]
    versions = installed_versions(spec.device)
    text = json.dumps([2, model, versions, fingerprint], sort_keys=True)
    return sha256(text.encode()).hexdigest()
