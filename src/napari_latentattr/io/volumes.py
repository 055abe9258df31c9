"""Images from files, checked and in canonical order.

Headers are checked first; ITK only decodes voxels. Nothing about the patient is kept.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_latentattr.core.errors import GridMismatchError, InputError, VolumeWarning
from napari_latentattr.core.types import Bool, Float32, Grid, ImageStack
from napari_latentattr.io.header import times
from napari_latentattr.io.loading import load, stem
from napari_latentattr.io.resampling import bring_onto
from napari_latentattr.io.resampling import resample as resample_array


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """What a file or a DICOM series holds, in canonical order.

    Attributes
    ----------
    data : (*S) or (C, *S) float32 array
        NaN and infinity are set to 0.
    grid : Grid
    valid : (*S) bool array or None
        Voxels that were finite numbers in every channel; None when all were.
    """

    data: Float32
    grid: Grid
    valid: Bool | None = None


def read_volume(path: str | Path) -> Volume:
    """Read an image file (.nii, .nii.gz, .nrrd, .mha, .mhd) or the folder of a DICOM series.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Volume
        2D images stay 2D; the fourth axis of a file becomes the channels.

    Raises
    ------
    InputError
        When the file is damaged, too large, or not an image of real numbers.

    Warns
    -----
    VolumeWarning
        When the orientation is unknown or contradictory, or voxels are NaN or infinite.
    """
    path = Path(path)
    voxels, grid = load(path)
    # A float64 beyond the range of float32 becomes infinite and is counted as such.
    with np.errstate(over="ignore"):
        data = np.array(voxels, dtype=np.float32, order="C")
    finite = np.isfinite(data)
    if finite.all():
        return Volume(data, grid)
    data[~finite] = 0.0
    valid = np.asarray(finite.all(axis=0)) if data.ndim > grid.ndim else finite
    n = finite.size - np.count_nonzero(finite)
    _warn(f"{path.name}: {n} voxels are NaN or infinite; they are set to 0 and left out of masks")
    return Volume(data, grid, valid)


def read_stack(
    paths: str | Path | Sequence[str | Path] | Mapping[str, str | Path],
    *,
    channels: Sequence[str],
    case: str | None = None,
    mask: str | Path | None = None,
    resample: bool = False,
) -> ImageStack:
    """Read the co-registered images of one case.

    Parameters
    ----------
    paths : path, sequence of paths, or mapping of channel to path
        One file with all channels; one file (or DICOM folder) a channel, in the order of
        `channels`; or the same by name.
    channels : sequence of str
    case : str, optional
        Pseudonym; without it the name of the first file.
    mask : path, optional
        Nonzero where the body is.
    resample : bool
        Bring images on other voxels onto those of the first channel (linear, masks nearest)
        instead of refusing them.

    Returns
    -------
    ImageStack
        In canonical order, intensities as in the files. Voxels that were no finite number, or
        that a resampled channel does not reach, are 0 and outside the mask.

    Raises
    ------
    InputError
        When a file cannot be used or the number of channels is wrong.
    GridMismatchError
        When images lie on different voxels, further than 1e-3 mm apart.
    """
    listed = _listed(paths, channels)
    name = f"case {case or stem(listed[0])}"
    volumes = _split(name, [read_volume(path) for path in listed], channels)
    grid = volumes[0].grid
    labels = [f"{name}: channel {channel}" for channel in channels]
    if resample:
        volumes = [_moved(v, grid, label) for v, label in zip(volumes, labels, strict=True)]
    for volume, label in zip(volumes, labels, strict=True):
        _check_grid(label, volume.grid, grid)
    inside = [volume.valid for volume in volumes if volume.valid is not None]
    if mask is not None:
        inside.append(_read_mask(Path(mask), grid, name, resample))
    known = all(volume.grid.known for volume in volumes)
    return ImageStack(
        case or stem(listed[0]),
        tuple(channels),
        np.stack([volume.data for volume in volumes]),
        replace(grid, known=known),
        np.logical_and.reduce(inside) if inside else None,
    )


def read_labels(path: str | Path, grid: Grid, case: str) -> npt.NDArray[np.int32]:
    """Read the label map of a case.

    Parameters
    ----------
    path : str or Path
    grid : Grid
        Of the images of the case, in canonical order.
    case : str

    Returns
    -------
    (*S) int32 array

    Raises
    ------
    InputError
        When the file cannot be used or holds anything but whole numbers.
    GridMismatchError
        When it lies on other voxels than `grid`.
    """
    voxels, own = load(Path(path))
    _check_grid(f"case {case}: labels", own, grid)
    whole = np.isfinite(voxels) & (np.abs(voxels.astype(np.float64)) < 2**31)
    if voxels.shape != own.shape or not (whole.all() and np.array_equal(voxels, np.rint(voxels))):
        raise InputError(
            f"case {case}: {Path(path).name} is no label map, expected one whole number a voxel; "
            "check the file"
        )
    return np.array(voxels, dtype=np.int32, order="C")


def _warn(text: str) -> None:
    warnings.warn(text, VolumeWarning, stacklevel=3)


def _listed(
    paths: str | Path | Sequence[str | Path] | Mapping[str, str | Path], channels: Sequence[str]
) -> list[str | Path]:
    """Paths in the order of the channels; a single one may hold them all."""
    if isinstance(paths, str | Path):
        return [paths]
    if isinstance(paths, Mapping):
        if set(paths) != set(channels):
            raise InputError(
                f"paths are given for {', '.join(paths)}, the channels are {', '.join(channels)}; "
                "give one path a channel"
            )
        return [paths[channel] for channel in channels]
    if len(paths) not in (1, len(channels)):
        raise InputError(
            f"{len(paths)} paths are given for {len(channels)} channels; give one path a channel "
            "or one file with all of them"
        )
    return list(paths)


def _split(name: str, volumes: list[Volume], channels: Sequence[str]) -> list[Volume]:
    """One volume a channel."""
    single = len(volumes) == 1
    for volume in volumes:
        n = volume.data.shape[0] if volume.data.ndim > volume.grid.ndim else 1
        if n != (len(channels) if single else 1):
            raise InputError(
                f"{name}: a file holds {n} channels, expected "
                f"{len(channels) if single else 1} ({', '.join(channels)}); name every channel or "
                "give one file a channel"
            )
    if not single or volumes[0].data.ndim == volumes[0].grid.ndim:
        return volumes
    return [replace(volumes[0], data=channel) for channel in volumes[0].data]


def _read_mask(path: Path, grid: Grid, name: str, resample: bool) -> Bool:
    voxels, own = load(path)
    if voxels.shape != own.shape:
        raise InputError(f"{name}: the mask has several channels, expected one; save one of them")
    inside: Bool = (voxels != 0) & np.isfinite(voxels)
    if resample and not own.same_as(grid):
        _check_movable(f"{name}: mask", own, grid)
        moved = resample_array(inside.astype(np.uint8), own, grid, interpolation="nearest")
        return np.asarray(moved > 0)
    _check_grid(f"{name}: mask", own, grid)
    return inside


def _moved(volume: Volume, grid: Grid, what: str) -> Volume:
    """Bring one channel onto the voxels of the stack."""
    if volume.grid.same_as(grid):
        return volume
    _check_movable(what, volume.grid, grid)
    data, reached = bring_onto(volume.data, volume.grid, grid, valid=volume.valid)
    if reached is not None:
        _warn(f"{what} covers {reached.mean():.0%} of the stack; the rest is left out of the mask")
    return Volume(data, grid, reached)


def _check_movable(what: str, own: Grid, grid: Grid) -> None:
    if not (own.known and grid.known) or own.ndim != grid.ndim:
        raise GridMismatchError(
            f"{what} has grid {times(own.shape)}, the stack has {times(grid.shape)}, and they "
            "cannot be brought together without a known orientation and as many axes; resample it"
        )


def _check_grid(what: str, own: Grid, grid: Grid) -> None:
    if own.same_as(grid):
        return
    came = f"{what} has grid {times(own.shape)}, the stack has {times(grid.shape)}"
    if own.shape == grid.shape:
        apart = own.corner_distance(grid)
        came = f"{what} lies up to {apart:.3g} mm away from the stack, at most 0.001 mm is expected"
    raise GridMismatchError(f"{came}; resample it or set resample: true")
