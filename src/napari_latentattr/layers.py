"""Turns images, latent maps and pictures into layers for the viewer, as plain tuples.

Every layer of a case lies in one place in mm, and says in its metadata what it is.

A viewer draws scale and translation exactly and drops rotations, so layers get those two alone;
the exact affine travels in the metadata. This file refuses to import a viewer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_latentattr.core.colours import SIGNED, UNSIGNED, grey_limits, picture_limits
from napari_latentattr.core.latent_grid import latent_grid
from napari_latentattr.core.results import Picture
from napari_latentattr.core.skip_words import skip_suffix
from napari_latentattr.core.traversal import Traversal
from napari_latentattr.core.types import Float32, Grid, ImageStack, LatentSpec, Provenance
from napari_latentattr.samples.folders import sample_folder

Layer: TypeAlias = tuple[npt.NDArray[Any], dict[str, Any], Literal["image", "labels"]]

# Direction in which the index of each canonical axis grows: inferior, posterior, left
DIRECTIONS = ("I", "P", "L")
_UNKNOWN = ("slice", "row", "column")
# Where a layer keeps what it is: {KEY: {"key": (kind, map, image, case), "grid": Grid, ...}};
# a picture of a part of the map has a key of five, the part last
KEY = "napari-latentattr"
MAP_AXIS, STEP_AXIS = "map", "step"

# Above this much of a picture depends on other maps, and its layer says so.
_ENTANGLED = 0.5


def image_layers(stack: ImageStack) -> list[Layer]:
    """Layers of the images of one case; the first one is visible.

    Parameters
    ----------
    stack : ImageStack

    Returns
    -------
    list of (data, keyword arguments, "image")
        One a channel, data of shape (*S).
    """
    return [
        (
            image,
            {
                "name": channel,
                "colormap": "gray",
                "contrast_limits": grey_limits(image),
                "rgb": False,
                "visible": index == 0,
                **placement(stack.grid),
            },
            "image",
        )
        for index, (channel, image) in enumerate(zip(stack.channels, stack.data, strict=True))
    ]


def case_layers(stack: ImageStack) -> list[Layer]:
    """`image_layers` that say in their metadata which image of which case they are."""
    layers = image_layers(stack)
    for channel, (_, look, _) in zip(stack.channels, layers, strict=True):
        look["metadata"][KEY]["key"] = ("image", None, channel, stack.case)
        look |= {"interpolation2d": "linear", "rendering": "attenuated_mip"}
    return layers


def latent_layer(maps: Float32, spec: LatentSpec, stack: ImageStack) -> Layer:
    """All latent maps of one case as one layer, each latent at the centre of what it sees.

    Parameters
    ----------
    maps : (K, *L) float32 array
    spec : LatentSpec
    stack : ImageStack
        The images that the maps were computed from.

    Returns
    -------
    (data, keyword arguments, "image")
        The first axis is called ``map`` and counts; the others are in mm.
    """
    place = placement(stack.grid)
    scale, translate = np.array(place["scale"]), np.array(place["translate"])
    place["scale"] = tuple((scale * spec.stride).tolist())
    place["translate"] = tuple((translate + scale * spec.offset).tolist())
    grid = latent_grid(stack.grid, spec, maps.shape[1:])
    look = {
        "name": "LA · latent maps",
        "colormap": "inferno",
        "blending": "additive",
        "contrast_limits": grey_limits(maps),
        "rgb": False,
        "interpolation2d": "nearest",
        "interpolation3d": "nearest",
        "visible": False,
        **_one_more_axis(MAP_AXIS, place),
        "metadata": {KEY: {"key": ("latents", None, None, stack.case), "grid": grid}},
    }
    return maps, look, "image"


def traversal_layer(found: Traversal, channel: str) -> Layer:
    """One image of a traversal as one layer, a picture a step.

    Parameters
    ----------
    found : Traversal
    channel : str

    Returns
    -------
    (data, keyword arguments, "image")
        The first axis is called ``step`` and counts; the others are in mm. The metadata give the
        strength of the map at each step.
    """
    place, data = placement(found.grid), found.images(channel)
    skip = skip_suffix(found.provenance.params)
    look = {
        "name": f"LA · map {found.target.index} · traversal in {channel}{skip}",
        "colormap": "gray",
        "contrast_limits": grey_limits(data),
        "interpolation2d": "linear",
        "rgb": False,
        **_one_more_axis(STEP_AXIS, place),
        "metadata": {
            KEY: {
                "key": ("traversal", found.target.index, channel, found.case),
                **{"grid": found.grid, "target": str(found.target)},
                **{"values": found.values.tolist(), "own": found.own},
                "strength": found.strength,
                **made_how(found.provenance),
            }
        },
    }
    return data, look, "image"


def picture_layers(picture: Picture) -> list[Layer]:
    """One coloured layer an image, all within the same limits, so colours can be compared.

    Parameters
    ----------
    picture : Picture

    Returns
    -------
    list of (data, keyword arguments, "image")
        Zero is transparent, positive orange, negative blue.
    """
    look = picture_look(picture.volume)
    skip = skip_suffix(picture.provenance.params)
    return [
        (
            volume,
            {
                "name": picture_name(picture, f"{picture.kind} in {channel}{skip}"),
                **look,
                "interpolation2d": "linear",
                **placement(picture.grid),
                "metadata": {KEY: _described(picture, channel)},
            },
            "image",
        )
        for channel, volume in zip(picture.channels, picture.volume, strict=True)
    ]


def picture_name(picture: Picture, what: str) -> str:
    """Name of the layer of one picture.

    It says so where the picture is about a part of the map, and where much is not the map's own.
    """
    entangled = picture.kind == "drawn" and picture.numbers.get("entanglement", 0) > _ENTANGLED
    of = "" if picture.place.is_whole else f" ({picture.place})"
    return f"LA · map {picture.target.index} · {what}{of}{' (entangled)' if entangled else ''}"


def picture_look(volume: npt.NDArray[Any]) -> dict[str, Any]:
    """Colours and limits of a picture; a whole picture shares them, so they can be compared."""
    low, high = picture_limits(volume)
    return {
        "colormap": dict(SIGNED if low < 0 else UNSIGNED),
        "contrast_limits": (low, high),
        "blending": "translucent_no_depth",
        "rendering": "translucent",
        # Else a volume that is 3 or 4 voxels wide would be taken for a colour image.
        "rgb": False,
    }


def placement(grid: Grid) -> dict[str, Any]:
    """Keyword arguments that put an array on `grid` where it belongs in the viewer.

    Parameters
    ----------
    grid : Grid
        In canonical order.

    Returns
    -------
    dict
        Scale and translation in mm along (inferior, posterior, left); they keep the centre of an
        oblique grid in its place. The metadata keep `grid` with its exact affine. Axes are named
        by direction only where the file said how it is oriented.
    """
    scale = np.array(grid.spacing)
    middle = (np.array(grid.shape) - 1) / 2
    # The affine gives superior, anterior and right; the axes of the viewer run the other way.
    centre = -(grid.affine[:-1, :-1] @ middle + grid.affine[:-1, -1])
    return {
        "scale": tuple(scale.tolist()),
        "translate": tuple((centre - scale * middle).tolist()),
        "units": ("mm",) * grid.ndim,
        "axis_labels": (DIRECTIONS if grid.known else _UNKNOWN)[-grid.ndim :],
        "metadata": {KEY: {"grid": grid}},
    }


def _one_more_axis(name: str, place: Mapping[str, Any]) -> dict[str, Any]:
    """Placement with an axis in front that counts."""
    return {
        "scale": (1.0, *place["scale"]),
        "translate": (0.0, *place["translate"]),
        # Without any unit on this axis the viewer would switch units off for all layers.
        "units": ("pixel", *place["units"]),
        "axis_labels": (name, *place["axis_labels"]),
    }


def dti_sample() -> list[Layer]:
    """Open the real images of one person that ship with the package.

    Returns
    -------
    list of layers
        Fractional anisotropy, its three directional parts and the labels of three bundles.
    """
    from napari_latentattr.io.study_file import read_study_file  # not with the window
    from napari_latentattr.io.volumes import read_labels, read_stack

    folder = sample_folder("dti")
    study = read_study_file(folder / "study_grouped.yaml")
    stack = read_stack([folder / "dti.nii.gz"], channels=study.channels, case="dti")
    labels = read_labels(folder / "labels.nii.gz", stack.grid, case=stack.case)
    names = study.labels or {}
    look = {
        "name": "labels",
        "opacity": 0.6,
        # Shown in the status bar under the pointer
        "features": {"index": [0, *names.values()], "name": ["", *names]},
        **placement(stack.grid),
    }
    return [*image_layers(stack), (labels, look, "labels")]


def _described(picture: Picture, channel: str) -> dict[str, Any]:
    """Say what the layer of one image is and how it was made; all but the grid are JSON scalars."""
    part = () if picture.place.is_whole else (str(picture.place),)
    return {
        "key": (picture.kind, picture.target.index, channel, picture.case, *part),
        "grid": picture.grid,
        "target": str(picture.target),
        "unit": picture.unit,
        "title": picture.title,
        "note": picture.note,
        **made_how(picture.provenance),
    }


def made_how(made: Provenance) -> dict[str, Any]:
    """Say how a result was made; all JSON scalars."""
    return {
        "method": made.method,
        "parameters": json.dumps(dict(made.params), default=str),
        "seed": made.seed,
        "model_sha256": made.model_sha256,
        "data_sha256": made.data_sha256,
        "versions": json.dumps(dict(made.versions)),
        "seconds": made.seconds,
    }
