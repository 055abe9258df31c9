"""What an NRRD header says, checked before ITK sees the file.

Only attached, raw or gzip voxels are read: a header that points to another file could point
anywhere. Key/value pairs, where scanners leave the patient's name, are never looked at.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np

from napari_latentattr.core.errors import InputError
from napari_latentattr.io.header import (
    Header,
    check_axes,
    check_length,
    check_origin,
    check_sizes,
    check_spacing,
    parse_numbers,
    unpack_gzip,
)

READER = "NrrdImageIO"

_HEADER_LIMIT = 2**20
# https://teem.sourceforge.net/nrrd/format.html, section "type".
_BYTES = {
    **dict.fromkeys(["signed char", "int8", "int8_t", "uchar", "unsigned char"], 1),
    **dict.fromkeys(["uint8", "uint8_t"], 1),
    **dict.fromkeys(["short", "short int", "signed short", "signed short int"], 2),
    **dict.fromkeys(["int16", "int16_t", "ushort", "unsigned short"], 2),
    **dict.fromkeys(["unsigned short int", "uint16", "uint16_t"], 2),
    **dict.fromkeys(["int", "signed int", "int32", "int32_t"], 4),
    **dict.fromkeys(["uint", "unsigned int", "uint32", "uint32_t", "float"], 4),
    **dict.fromkeys(["longlong", "long long", "long long int", "signed long long"], 8),
    **dict.fromkeys(["signed long long int", "int64", "int64_t", "ulonglong"], 8),
    **dict.fromkeys(["unsigned long long", "unsigned long long int", "uint64"], 8),
    **dict.fromkeys(["uint64_t", "double"], 8),
}
_SPATIAL = {"domain", "space"}
_CHANNELS = {"list", "vector", "2-vector", "3-vector", "4-vector"}
# Those that ITK turns into LPS.
_SPACES = {
    *("left-posterior-superior", "lps", "right-anterior-superior", "ras"),
    *("left-anterior-superior", "las"),
}


def read_header(path: Path) -> Header:
    """Check a .nrrd file against its own header.

    Raises
    ------
    InputError
        When the file is cut, longer than promised, no NRRD, detached, or has a header that
        cannot be right or holds colours or complex numbers.
    """
    name = path.name
    fields, start = _fields(path)
    n = int(_numbers(name, fields, "dimension", 1)[0])
    sizes = [int(size) for size in _numbers(name, fields, "sizes", n)]
    check_sizes(name, sizes)
    of_channels = _channel_axis(name, fields, n)
    spatial = [size for axis, size in enumerate(sizes) if axis != of_channels]
    channels = [] if of_channels is None else [sizes[of_channels]]
    if len(spatial) == 4 and not channels:
        channels = [spatial.pop()]
    if len(spatial) not in (2, 3):
        raise InputError(
            f"{name}: has {n} axes, expected an image (2), a volume (3) or a volume with channels "
            "(4); save each channel as a file of its own"
        )
    _check_voxels(path, fields, start, math.prod(sizes))
    known = _check_geometry(name, fields, len(spatial))
    return Header((*channels, *spatial[::-1]), len(spatial), known)


def _fields(path: Path) -> tuple[dict[str, str], int]:
    """Fields in small letters, and where the voxels start."""
    with path.open("rb") as stream:
        raw = stream.read(_HEADER_LIMIT)
    end = re.search(rb"\r?\n\r?\n", raw)
    if not re.match(rb"NRRD000[1-5]\r?\n", raw) or end is None:
        raise InputError(
            f"{path.name}: does not start with an NRRD header that ends in an empty line; copy "
            "or export it again"
        )
    fields: dict[str, str] = {}
    for line in raw[: end.start()].decode("latin-1").splitlines()[1:]:
        key, colon, value = line.partition(":")
        if line.startswith("#") or not colon or value.startswith("="):
            continue
        key = key.strip().lower()
        if key in fields:
            raise InputError(f"{path.name}: the header gives {key!r} twice; correct the header")
        fields[key] = value.strip()
    return fields, end.end()


def _numbers(name: str, fields: dict[str, str], key: str, n: int) -> list[float]:
    return parse_numbers(name, key, fields.get(key, ""), n)


def _channel_axis(name: str, fields: dict[str, str], n: int) -> int | None:
    kinds = fields.get("kinds", "domain " * n).lower().split()
    strange = sorted(set(kinds) - _SPATIAL - _CHANNELS)
    axes = [axis for axis, kind in enumerate(kinds) if kind in _CHANNELS]
    if strange or len(axes) > 1 or len(kinds) != n:
        came = ", ".join(strange) or fields.get("kinds", "")
        raise InputError(
            f"{name}: holds axes of kind {came}, expected space and at most one axis of channels "
            "(no colours, no complex numbers); save each component as a file of its own"
        )
    return axes[0] if axes else None


def _check_voxels(path: Path, fields: dict[str, str], start: int, n_voxels: int) -> None:
    name, encoding = path.name, fields.get("encoding", "").lower()
    if "data file" in fields or "datafile" in fields:
        raise InputError(f"{name}: keeps its voxels in another file; save it as one .nrrd file")
    if any(
        fields.get(key, "0") != "0" for key in ("byte skip", "byteskip", "line skip", "lineskip")
    ):
        raise InputError(f"{name}: skips bytes before its voxels; save it without a skip")
    size = _BYTES.get(fields.get("type", "").lower())
    if size is None or encoding not in ("raw", "gzip", "gz"):
        raise InputError(
            f"{name}: has type {fields.get('type')!r} and encoding {encoding!r}, expected numbers "
            "in encoding raw or gzip; save it again"
        )
    expected = size * n_voxels
    if encoding == "raw":
        check_length(name, expected, path.stat().st_size - start)
        return
    with path.open("rb") as stream:
        stream.seek(start)
        unpack_gzip(name, stream, expected)


def _check_geometry(name: str, fields: dict[str, str], d: int) -> bool:
    """Refuse impossible positions; tell whether the file says how it lies in the patient."""
    units = set(re.findall(r'"([^"]*)"', fields.get("space units", ""))) - {""}
    if units - {"mm", "millimeter", "millimetre"}:
        raise InputError(f"{name}: gives positions in {', '.join(sorted(units))}, expected mm")
    if "spacings" in fields:
        words = [word for word in fields["spacings"].split() if word.lower() != "nan"][:d]
        check_spacing(name, parse_numbers(name, "spacings", " ".join(words), d))
    if "space directions" not in fields:
        return False
    columns = re.findall(r"\(([^()]*)\)", fields["space directions"])
    n = len(columns)
    axes = [parse_numbers(name, "space directions", column, n) for column in columns]
    check_axes(name, np.transpose(axes))
    if "space origin" in fields:
        origin = fields["space origin"].strip("()")
        check_origin(name, parse_numbers(name, "space origin", origin, n))
    return d == 3 and n == 3 and fields.get("space", "").lower() in _SPACES
