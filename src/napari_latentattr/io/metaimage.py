"""What a MetaImage header (.mha, .mhd) says, checked before ITK sees the file.

The voxels lie in the file itself or, for .mhd, in one file of the same folder.
"""

from __future__ import annotations

import math
import zlib
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
)

READER = "MetaImageIO"

_HEADER_LIMIT = 2**16
_BYTES = {
    **dict.fromkeys(["MET_CHAR", "MET_UCHAR"], 1),
    **dict.fromkeys(["MET_SHORT", "MET_USHORT"], 2),
    **dict.fromkeys(["MET_INT", "MET_UINT", "MET_LONG", "MET_ULONG", "MET_FLOAT"], 4),
    **dict.fromkeys(["MET_LONG_LONG", "MET_ULONG_LONG", "MET_DOUBLE"], 8),
}
# MetaIO reads these words as one thing each.
_DIRECTION = ("TransformMatrix", "Rotation", "Orientation")
_ORIGIN = ("Offset", "Position", "Origin")


def read_header(path: Path) -> Header:
    """Check a .mha or .mhd file against its own header.

    Raises
    ------
    InputError
        When the file is cut, longer than promised, no MetaImage, or has a header that cannot be
        right or holds colours.
    """
    name = path.name
    fields, start = _fields(path)
    n = int(parse_numbers(name, "NDims", fields.get("NDims", ""), 1)[0])
    sizes = [int(s) for s in parse_numbers(name, "DimSize", fields.get("DimSize", ""), n)]
    words = fields.get("ElementNumberOfChannels", "1")
    components = int(parse_numbers(name, "ElementNumberOfChannels", words, 1)[0])
    check_sizes(name, [*sizes, components])
    if n not in (2, 3, 4) or (n == 4 and components > 1):
        raise InputError(
            f"{name}: has {n} axes and {components} channels, expected an image (2), a volume (3) "
            "or a volume with channels (4); save each channel as a file of its own"
        )
    if components in (3, 4) and fields.get("ElementType") == "MET_UCHAR":
        raise InputError(
            f"{name}: holds RGB colours, expected one number a voxel; save each channel as a file "
            "of its own"
        )
    known = _check_geometry(name, fields, n)
    _check_voxels(path, fields, start, components * math.prod(sizes))
    d = min(n, 3)
    channels = [components] if components > 1 else sizes[3:]
    return Header((*channels, *sizes[:d][::-1]), d, known)


def _fields(path: Path) -> tuple[dict[str, str], int]:
    """Fields, and where the voxels start in this file."""
    fields: dict[str, str] = {}
    with path.open("rb") as stream:
        while "ElementDataFile" not in fields:
            line = stream.readline(_HEADER_LIMIT)
            key, equals, value = line.decode("latin-1").partition("=")
            if not equals or not line.endswith(b"\n") or stream.tell() > _HEADER_LIMIT:
                raise InputError(
                    f"{path.name}: does not start with a MetaImage header that ends in "
                    "ElementDataFile; copy or export it again"
                )
            if key.strip() in fields:
                raise InputError(
                    f"{path.name}: the header gives {key.strip()} twice; correct the header"
                )
            fields[key.strip()] = value.strip()
        return fields, stream.tell()


def _check_voxels(path: Path, fields: dict[str, str], start: int, n_voxels: int) -> None:
    name, kind = path.name, fields.get("ElementType", "")
    if kind not in _BYTES or fields.get("BinaryData", "True").lower() != "true":
        raise InputError(
            f"{name}: has ElementType {kind!r} and BinaryData {fields.get('BinaryData')!r}, "
            "expected binary numbers; save it again"
        )
    if fields.get("HeaderSize", "0") not in ("0", "-1"):
        raise InputError(f"{name}: skips bytes before its voxels; save it without HeaderSize")
    data = path
    if fields["ElementDataFile"].upper() != "LOCAL":
        data, start = _beside(path, fields["ElementDataFile"]), 0
    expected = n_voxels * _BYTES[kind]
    if fields.get("CompressedData", "False").lower() != "true":
        check_length(name, expected, data.stat().st_size - start)
        return
    with data.open("rb") as stream:
        stream.seek(start)
        _check_zlib(name, stream.read(), fields.get("CompressedDataSize"), expected)


def _beside(path: Path, data: str) -> Path:
    """Path of the voxel file of an .mhd; never outside its folder."""
    beside = path.parent / data
    if data != Path(data).name or "%" in data or " " in data or not beside.is_file():
        raise InputError(
            f"{path.name}: names {data!r} as the file of its voxels, expected one existing file "
            "in the same folder; copy both files or save it as .mha"
        )
    return beside


def _check_zlib(name: str, packed: bytes, promised: str | None, expected: int) -> None:
    if promised is not None:
        size = parse_numbers(name, "CompressedDataSize", promised, 1)[0]
        check_length(name, int(size), len(packed))
    unpack = zlib.decompressobj()
    try:
        found = len(unpack.decompress(packed, expected + 1))
    except zlib.error as error:
        raise InputError(
            f"{name}: the compressed data are damaged; copy or export it again"
        ) from error
    check_length(name, expected, found)
    if not unpack.eof:
        raise InputError(
            f"{name}: the compressed data end too early or go on too long; copy or export it again"
        )


def _check_geometry(name: str, fields: dict[str, str], n: int) -> bool:
    """Refuse impossible positions; tell whether the file says how it lies in the patient."""
    for key in ("ElementSpacing", "ElementSize"):
        if key in fields:
            check_spacing(name, parse_numbers(name, key, fields[key], n))
    directions = [key for key in _DIRECTION if key in fields]
    for key in directions:
        matrix = np.reshape(parse_numbers(name, key, fields[key], n * n), (n, n))
        check_axes(name, matrix.T)
        if n == 4 and (matrix[3, :3].any() or matrix[:3, 3].any()):
            raise InputError(f"{name}: turns the axis of channels into space; correct {key}")
    for key in _ORIGIN:
        if key in fields:
            check_origin(name, parse_numbers(name, key, fields[key], n))
    return bool(directions)
