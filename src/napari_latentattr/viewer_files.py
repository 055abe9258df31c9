"""Reading and writing of image files for the viewer: NIfTI in, and any layer out where it lies.

Plain data in and out. A layer that came from a file goes back to the voxels and the affine of that
file; refuses to import a viewer and to guess where left and right are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_latentattr.core.colours import grey_limits
from napari_latentattr.core.errors import InputError
from napari_latentattr.core.types import Float64, Grid
from napari_latentattr.layers import KEY, Layer, picture_look, placement

_ENDINGS = (".nii", ".nii.gz")
_RESULT = re.compile(r".+_map-\d+_desc-.+_.+")
_MILLIMETRES = {
    **dict.fromkeys(("m", "meter"), 1e3),
    **dict.fromkeys(("cm", "centimeter"), 10.0),
    **dict.fromkeys(("mm", "millimeter"), 1.0),
    **dict.fromkeys(("um", "µm", "micrometer", "micron"), 1e-3),
    **dict.fromkeys(("nm", "nanometer"), 1e-6),
}


def get_reader(path: str | list[str]) -> Callable[[str | list[str]], list[Layer]] | None:
    """Give the reader of one NIfTI file; None for everything else.

    Parameters
    ----------
    path : str or list of str
        A list asks for a stack of files, which is not read: its images could lie anywhere.
    """
    if isinstance(path, list) or not path.lower().endswith(_ENDINGS):
        return None
    return lambda path: [_layer(Path(str(path)))]


def write_image(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write an image layer with the voxel order and the position of the file it came from.

    Parameters
    ----------
    path : str
        Ends in .nii.gz, .nii, .nrrd or .mha.
    data : (*S) array
        float64 is written as float32.
    meta : mapping
        Of the layer. Where its metadata hold the grid of `data`, that geometry is written exactly;
        a layer that was moved since then is moved by as much. Other layers are written as they are
        shown, when their axes are called I, P, L (2D: P, L) and have a unit of length.

    Returns
    -------
    list of str
        The path.

    Raises
    ------
    InputError
        When the layer has colours, more than three axes or no known orientation, the ending is
        unknown, or the folder cannot be written to.
    """
    from napari_latentattr.io.writing import write_volume

    name = Path(path).name
    voxels = np.asarray(data[0] if meta.get("multiscale") else data)
    if meta.get("rgb"):
        raise InputError(f"{name}: the layer holds colours, expected one number a voxel; split it")
    if voxels.ndim not in (2, 3):
        raise InputError(
            f"{name}: the layer has {voxels.ndim} axes, expected 2 or 3; split the stack and save "
            "one volume of it"
        )
    write_volume(path, voxels, grid_shown(name, voxels.shape, meta))
    return [str(path)]


def write_labels(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write a labels layer as `write_image` does; whole numbers keep their type."""
    return write_image(path, data, meta)


def _layer(path: Path) -> Layer:
    from napari_latentattr.io.loading import load, stem  # half a second, not with the window

    voxels, grid = load(path)
    voxels = np.ascontiguousarray(voxels, dtype=voxels.dtype.newbyteorder("="))
    place = placement(grid)
    if voxels.ndim > grid.ndim:
        # Without any unit on the first axis the viewer would switch units off for all layers.
        first = {"scale": 1.0, "translate": 0.0, "units": "pixel", "axis_labels": "volume"}
        place |= {key: (value, *place[key]) for key, value in first.items()}
    look = _result_look if _RESULT.fullmatch(stem(path)) else _image_look
    return voxels, {"name": stem(path), **look(voxels), **place}, "image"


def _result_look(voxels: npt.NDArray[Any]) -> dict[str, Any]:
    """As in the window, with the limits of this file alone."""
    return picture_look(_finite(voxels))


def _image_look(voxels: npt.NDArray[Any]) -> dict[str, Any]:
    return {"colormap": "gray", "contrast_limits": grey_limits(_finite(voxels)), "rgb": False}


def _finite(voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.asarray(voxels[np.isfinite(voxels)], dtype=np.float64)


def grid_shown(name: str, shape: tuple[int, ...], meta: Mapping[str, Any]) -> Grid:
    """Where the voxels of a layer lie in the patient, exactly where it came with its geometry.

    Parameters
    ----------
    name : str
        Of the file or layer, for errors.
    shape : tuple of int
        Of the layer.
    meta : mapping
        Of the layer, as in `write_image`.

    Raises
    ------
    InputError
        As in `write_image`.
    """
    here = _shown(name, meta, len(shape))
    # The axes of the viewer run towards inferior, posterior, left; those of a grid the other way.
    turn = np.diag([-1.0] * len(shape) + [1.0])
    own = meta.get("metadata", {}).get(KEY, {})
    grid = own.get("grid") if isinstance(own, Mapping) else None
    if isinstance(grid, Grid) and grid.shape == shape:
        there = _shown(name, placement(grid), len(shape))
        if Grid(shape, here).same_as(Grid(shape, there)):
            return grid
        move = turn @ here @ np.linalg.inv(there) @ turn
        return _straight(name, Grid(shape, move @ grid.affine, known=grid.known))
    wanted = placement(Grid.from_spacing(shape, (1.0,) * len(shape)))["axis_labels"]
    named = tuple(meta.get("axis_labels") or ())
    if named != wanted:
        raise InputError(
            f"{name}: the axes are called {', '.join(map(str, named)) or 'nothing'}, so left and "
            f"right are not known; call them {', '.join(wanted)} if that is how they run"
        )
    return _straight(name, Grid(shape, turn @ here))


def _straight(name: str, grid: Grid) -> Grid:
    """Refuse a sheared grid: a writer would straighten it without a word."""
    axes = grid.affine[:-1, :-1] / np.array(grid.spacing)
    if np.abs(axes.T @ axes - np.eye(grid.ndim)).max() > 1e-6:
        raise InputError(
            f"{name}: the axes of the layer are not perpendicular, which not every image file can "
            "hold; take the shear out of its transform"
        )
    return grid


def _shown(name: str, meta: Mapping[str, Any], ndim: int) -> Float64:
    """Matrix from voxel index to millimetres in the viewer, as the viewer composes it."""
    straight: Float64 = np.eye(ndim)
    scale = np.diag(np.array(meta.get("scale", np.ones(ndim)), dtype=np.float64))
    rotate = np.array(meta.get("rotate", straight), dtype=np.float64)
    shear = np.array(meta.get("shear", straight), dtype=np.float64)
    if shear.ndim == 1:
        above, shear = shear, straight.copy()
        shear[np.triu_indices(ndim, 1)] = above
    inner = np.eye(ndim + 1)
    inner[:-1, :-1] = rotate @ shear @ scale
    inner[:-1, -1] = meta.get("translate", 0.0)
    outer = np.array(meta.get("affine", np.eye(ndim + 1)), dtype=np.float64)
    return np.asarray(np.diag([*_millimetres(name, meta, ndim), 1.0]) @ outer @ inner)


def _millimetres(name: str, meta: Mapping[str, Any], ndim: int) -> list[float]:
    units = [str(unit) for unit in meta.get("units") or ("mm",) * ndim]
    for unit in units:
        if unit not in _MILLIMETRES:
            raise InputError(
                f"{name}: the layer is measured in {unit}, expected a unit of length; set its "
                "units to mm"
            )
    return [_MILLIMETRES[unit] for unit in units]
