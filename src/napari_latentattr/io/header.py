"""What must hold for the header of any image file before a voxel is read.

ITK fills cut files with zeros, replaces bad spacings and allocates what a header asks for, all
without a word. These checks look at numbers only; how a format writes them down is told elsewhere.
"""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np
import numpy.typing as npt

from napari_latentattr.core.errors import InputError

# 268 million voxels: 512 x 512 x 1024 as float32. A file of a few bytes can ask for far more.
BUDGET_BYTES = 2**30
# Cosine between two axes; scanners and float32 headers stay below 1e-6, a shear does not.
SQUARE = 1e-3
_CHUNK = 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Header:
    """What the header of a file that ITK decodes must agree with.

    Attributes
    ----------
    shape : tuple of int
        Voxels per axis in array order; a leading axis holds the channels of a file with several.
    ndim : int
        Spatial axes, 2 or 3.
    known : bool
        Whether the file says how it lies in the patient.
    """

    shape: tuple[int, ...]
    ndim: int
    known: bool


def check_sizes(name: str, sizes: Sequence[int]) -> None:
    """Refuse an axis without voxels, and more voxels than the memory budget holds.

    Raises
    ------
    InputError
    """
    if any(size < 1 for size in sizes):
        raise InputError(
            f"{name}: the header gives the size {times(sizes)}; every axis needs at least one "
            "voxel, export the file again"
        )
    need = 4 * math.prod(sizes)
    if need >= BUDGET_BYTES:
        raise InputError(
            f"{name}: the header asks for {times(sizes)} voxels ({need / 2**30:.1f} GiB), less "
            f"than {BUDGET_BYTES / 2**30:.0f} GiB is read; crop or resample the image"
        )


def check_axes(name: str, axes: npt.ArrayLike) -> None:
    """Refuse voxel axes that are not finite, have no length or are not at right angles.

    Parameters
    ----------
    name : str
        Of the file.
    axes : (d, d) array-like
        Step along each voxel axis, one a column, in mm.

    Raises
    ------
    InputError
    """
    columns = np.asarray(axes, dtype=np.float64)
    if not np.isfinite(columns).all():
        raise InputError(f"{name}: the orientation holds NaN or infinity; export the file again")
    with np.errstate(over="ignore"):
        lengths = np.linalg.norm(columns, axis=0)
    if not ((lengths > 1e-6) & (lengths < 1e6)).all():
        raise InputError(
            f"{name}: the orientation gives voxels of {times(lengths)} mm, they need a size above "
            "0; export the file again"
        )
    cosines = columns / lengths
    skew = float(np.abs(cosines.T @ cosines - np.eye(len(columns))).max())
    if skew > SQUARE:
        raise InputError(
            f"{name}: the voxel axes are not at right angles (singular or sheared, cosine "
            f"{skew:.3g}); resample the image to a grid without shear"
        )


def check_spacing(name: str, spacing: Sequence[float]) -> None:
    """Refuse voxel sizes that are zero, negative or not finite.

    Raises
    ------
    InputError
    """
    if not all(1e-6 < step < 1e6 for step in spacing):
        raise InputError(
            f"{name}: the spacing is {times(spacing)} mm, every axis needs a finite number above "
            "0; correct the header"
        )


def check_origin(name: str, origin: npt.ArrayLike) -> None:
    """Refuse a first voxel that lies nowhere.

    Raises
    ------
    InputError
    """
    if not np.isfinite(np.asarray(origin, dtype=np.float64)).all():
        raise InputError(f"{name}: the origin holds NaN or infinity; export the file again")


def check_length(name: str, expected: int, found: int) -> None:
    """Refuse a file that does not hold exactly what its header promises.

    Raises
    ------
    InputError
    """
    if expected != found:
        came = f"{found} bytes" if found <= expected else "more than that"
        raise InputError(
            f"{name}: the header promises {expected} bytes, the file holds {came}; it is cut or "
            "its header is wrong, copy or export it again"
        )


def unpack_gzip(name: str, stream: IO[bytes], expected: int) -> bytearray:
    """Unpack a gzip stream that must hold exactly `expected` bytes.

    It is unpacked in small pieces and hardly further than `expected`.

    Raises
    ------
    InputError
    """
    content = bytearray()
    try:
        with gzip.GzipFile(fileobj=stream) as unpacked:
            while len(content) <= expected and (piece := unpacked.read(_CHUNK)):
                content += piece
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"{name}: the compressed data end too early or are damaged; copy or export it again"
        ) from error
    check_length(name, expected, len(content))
    return content


def parse_numbers(name: str, key: str, text: str, n: int) -> list[float]:
    """Read the `n` numbers of a header field, separated by spaces or commas.

    Raises
    ------
    InputError
        When the field is missing or holds anything else.
    """
    try:
        numbers = [float(word) for word in text.replace(",", " ").split()]
    except ValueError:
        numbers = []
    if len(numbers) != n or not np.isfinite(numbers).all():
        raise InputError(
            f"{name}: {key} is {text[:60]!r}, expected {n} finite numbers; correct the header"
        )
    return numbers


def times(numbers: npt.ArrayLike) -> str:
    """Write ``(3, 4, 5)`` as ``3x4x5``."""
    return "x".join(f"{number:.5g}" if number % 1 else f"{number:.0f}" for number in _flat(numbers))


def _flat(numbers: npt.ArrayLike) -> list[float]:
    return [float(number) for number in np.asarray(numbers).ravel()]
