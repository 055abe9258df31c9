"""NIfTI-1 files: the header is checked, then the voxels are taken as they are.

ITK is not asked: it turns NaN into 0 without a word. The sform counts where there is one, else the
qform, as in nibabel.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.types import Float64, Grid
from napari_latentattr.io.header import (
    check_axes,
    check_length,
    check_origin,
    check_sizes,
    check_spacing,
    unpack_gzip,
)
from napari_latentattr.io.itk import array_affine

# NIfTI-1 standard, nifti1.h: name, type, byte offset.
_FIELDS = [
    ("sizeof_hdr", "i4", 0),
    ("dim", "8i2", 40),
    ("datatype", "i2", 70),
    ("bitpix", "i2", 72),
    ("pixdim", "8f4", 76),
    ("vox_offset", "f4", 108),
    ("scl_slope", "f4", 112),
    ("scl_inter", "f4", 116),
    ("xyzt_units", "u1", 123),
    ("qform_code", "i2", 252),
    ("sform_code", "i2", 254),
    ("quatern", "3f4", 256),
    ("qoffset", "3f4", 268),
    ("srow", "(3,4)f4", 280),
    ("magic", "S4", 344),
]
_HEADER_BYTES = 348
_LAYOUT = np.dtype(
    {
        "names": [field for field, _, _ in _FIELDS],
        "formats": [np.dtype(form).newbyteorder("<") for _, form, _ in _FIELDS],
        "offsets": [offset for _, _, offset in _FIELDS],
        "itemsize": _HEADER_BYTES,
    }
)
_TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4"}
_TYPES |= {1024: "i8", 1280: "u8"}
_REFUSED = {32: "complex", 1792: "complex", 2048: "complex", 128: "RGB", 2304: "RGBA"}
_MILLIMETRES = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}


def read_image(path: Path) -> tuple[npt.NDArray[Any], Grid, tuple[str, ...]]:
    """Read a .nii or .nii.gz file that agrees with its own header.

    Returns
    -------
    voxels : (*S) or (C, *S) array
        Scaled as the header says; NaN and infinity as in the file.
    grid : Grid
        In the order of the file.
    remarks : tuple of str
        What should be known although the file can be used.

    Raises
    ------
    InputError
        When the file is cut, longer than promised, not NIfTI-1, or has a header that cannot be
        right or holds colours, complex numbers or five axes.
    """
    name, packed = path.name, path.name.lower().endswith(".gz")
    with path.open("rb") as stream:
        fields = _fields(name, _first_bytes(name, stream, packed))
    sizes, ndim = _sizes(name, fields["dim"])
    kind, start = _kind(name, fields), _start(name, fields)
    expected = start + math.prod(sizes) * kind.itemsize
    check_spacing(name, fields["pixdim"][1 : ndim + 1].tolist())
    grid, remarks = _geometry(name, fields, sizes[:ndim])
    if packed:
        with path.open("rb") as stream:
            content = unpack_gzip(name, stream, expected)
    else:
        check_length(name, expected, path.stat().st_size)
        content = bytearray(path.read_bytes())
    stored = np.frombuffer(content, kind, math.prod(sizes), start).reshape(sizes[::-1])
    return _scaled(name, fields, stored), grid, remarks


def _first_bytes(name: str, stream: IO[bytes], packed: bool) -> bytes:
    if not packed:
        return stream.read(_HEADER_BYTES)
    try:
        with gzip.GzipFile(fileobj=stream) as unpacked:
            return unpacked.read(_HEADER_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"{name}: is not a gzip file or is cut; copy or export it again"
        ) from error


def _fields(name: str, raw: bytes) -> Any:
    """Parse the header in the byte order in which its size reads 348."""
    if len(raw) < _HEADER_BYTES:
        raise InputError(
            f"{name}: holds {len(raw)} bytes, a NIfTI header alone has {_HEADER_BYTES}; copy or "
            "export it again"
        )
    for layout in (_LAYOUT, _LAYOUT.newbyteorder(">")):
        fields = np.frombuffer(raw, layout)[0]
        if fields["sizeof_hdr"] == 540:
            raise InputError(f"{name}: is NIfTI-2, which is not read; save it as NIfTI-1")
        if fields["sizeof_hdr"] == _HEADER_BYTES and fields["magic"] == b"n+1":
            return fields
    raise InputError(
        f"{name}: does not start like a single-file NIfTI-1 image (magic {bytes(raw[344:348])!r}, "
        "expected b'n+1\\x00'); export it again as .nii or .nii.gz"
    )


def _sizes(name: str, dim: Any) -> tuple[tuple[int, ...], int]:
    """Voxels per axis, fastest first, channels last; and the number of spatial axes."""
    n = int(dim[0])
    if not 1 <= n <= 7:
        raise InputError(
            f"{name}: the header gives {n} axes (dim[0]), expected 2, 3 or 4; export it again"
        )
    sizes = [int(size) for size in dim[1 : n + 1]]
    check_sizes(name, sizes)
    while len(sizes) > 3 and sizes[-1] == 1:
        sizes.pop()
    if not 2 <= len(sizes) <= 4:
        raise InputError(
            f"{name}: has {len(sizes)} axes, expected an image (2), a volume (3) or a volume with "
            "channels (4); save each channel as a file of its own"
        )
    return tuple(sizes), min(len(sizes), 3)


def _kind(name: str, fields: Any) -> np.dtype[Any]:
    """Type of the voxels, in the byte order of the header."""
    code, bits = int(fields["datatype"]), int(fields["bitpix"])
    if code in _REFUSED:
        raise InputError(
            f"{name}: holds {_REFUSED[code]} voxels, expected one number a voxel; save each "
            "component as a file of its own"
        )
    kind = np.dtype(_TYPES.get(code, "V0"))
    if kind.itemsize * 8 != bits or not bits:
        raise InputError(
            f"{name}: datatype {code} with bitpix {bits} is no NIfTI type that is read; save it "
            "as float32"
        )
    swapped = fields.dtype["dim"].base != _LAYOUT["dim"].base
    return kind.newbyteorder(">" if swapped else "<")


def _start(name: str, fields: Any) -> int:
    start = float(fields["vox_offset"])
    if not (352 <= start < 2**31 and start.is_integer()):
        raise InputError(
            f"{name}: vox_offset is {start:g}, expected a whole number from 352; correct the header"
        )
    return int(start)


def _scaled(name: str, fields: Any, stored: npt.NDArray[Any]) -> npt.NDArray[Any]:
    slope, intercept = float(fields["scl_slope"]), float(fields["scl_inter"])
    # NaN is how nibabel writes "no scaling", 0 is how the standard does.
    if math.isnan(slope) or slope == 0 or (slope, intercept) == (1, 0):
        return stored
    if not math.isfinite(slope + intercept):
        raise InputError(f"{name}: scl_slope or scl_inter is infinite or NaN; correct the header")
    return np.asarray(stored * slope + intercept)


def _geometry(name: str, fields: Any, sizes: tuple[int, ...]) -> tuple[Grid, tuple[str, ...]]:
    """Grid in the order of the file, and what to say about it."""
    unit = _MILLIMETRES.get(int(fields["xyzt_units"]) & 7)
    if unit is None:
        raise InputError(f"{name}: xyzt_units names no unit of length; correct the header")
    found = []
    if fields["sform_code"] > 0:
        found.append(_checked(name, np.vstack([fields["srow"], [0, 0, 0, 1]]), unit, len(sizes)))
    if fields["qform_code"] > 0:
        found.append(_checked(name, _qform(name, fields), unit, len(sizes)))
    if not found:
        spacing = fields["pixdim"][1 : len(sizes) + 1].astype(np.float64) * unit
        return Grid(sizes[::-1], np.diag([*spacing[::-1], 1.0]), known=False), ()
    grids = [Grid(sizes[::-1], affine) for affine in found]
    moved = grids[0].corner_distance(grids[-1])
    remarks: tuple[str, ...] = ()
    if moved > 0.1 * min(grids[0].spacing):
        remarks = (
            f"qform and sform put a corner {moved:.1f} mm apart; the sform is used, check the "
            "position",
        )
    return grids[0], remarks


def _checked(name: str, affine: Float64, unit: float, ndim: int) -> Float64:
    """Affine in array order and mm, with as many axes as the image has."""
    affine = affine.astype(np.float64)
    affine[:3] *= unit
    if ndim == 2:
        in_plane = affine[:3, :2]
        if not np.abs(in_plane[2]).max() <= 1e-3 * np.abs(in_plane).max():
            raise InputError(
                f"{name}: is a single image that does not lie in the axial plane; save it as a "
                "volume with one slice"
            )
        affine = affine[np.ix_([0, 1, 3], [0, 1, 3])]
    check_axes(name, affine[:-1, :-1])
    check_origin(name, affine[:-1, -1])
    return array_affine(affine)


def _qform(name: str, fields: Any) -> Float64:
    """Voxel to RAS in the header's unit, from the quaternion (nifti1.h, method 2)."""
    b, c, d = fields["quatern"].astype(np.float64)
    rest = 1.0 - (b * b + c * c + d * d)
    if not rest > -1e-5:
        raise InputError(
            f"{name}: the qform quaternion ({b:g}, {c:g}, {d:g}) is no rotation; correct the header"
        )
    a = math.sqrt(max(rest, 0.0))
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    step = fields["pixdim"][1:4].astype(np.float64)
    if fields["dim"][0] == 2:
        step[2] = 1.0  # not part of an image
    if fields["pixdim"][0] < 0:
        step[2] = -step[2]
    affine = np.eye(4)
    affine[:3, :3] = rotation * step
    affine[:3, 3] = fields["qoffset"]
    return affine
