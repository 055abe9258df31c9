"""A study of images that are already open: one person, named arrays on grids.

Refuses to know files and viewers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_latentattr.cohort.cohort import Cohort
from napari_latentattr.cohort.study import Study
from napari_latentattr.core.errors import GridMismatchError, InputError
from napari_latentattr.core.open_image import OpenImage, to_resample
from napari_latentattr.core.types import Bool, Float32, Grid, ImageStack
from napari_latentattr.io.case_table import Values, check_channels
from napari_latentattr.io.preprocessing import Preprocessing, Scaling, preprocess
from napari_latentattr.io.resampling import bring_onto
from napari_latentattr.io.resampling import resample as look_up

if TYPE_CHECKING:
    from napari_latentattr.model.latent import LatentModel

CASE = "open images"
_TURNED = 1e-3  # degrees; less is rounding in the header


def stack_of(
    images: Sequence[OpenImage], *, scaling: Scaling = "percentile", resample: bool = False
) -> ImageStack:
    """Put open images together as the images of one case, in the order given.

    Parameters
    ----------
    images : sequence of OpenImage
        All on one grid, within 0.001 mm.
    scaling : str
        As in `Preprocessing`.
    resample : bool
        Bring those on other voxels onto those of the first (linear) instead of refusing them. What
        one of them does not reach is 0 and outside the mask.

    Raises
    ------
    InputError
        When there is none, two have one name, one holds values that are no numbers, or one shares
        no voxel with the first.
    GridMismatchError
        When one lies on another grid, and is not or cannot be resampled.
    """
    if not images:
        raise InputError("no image is chosen; tick one layer for each image of the model")
    names = [image.name for image in images]
    check_channels(names)
    first = images[0]
    movable = to_resample(images) if resample else ()
    for image in images:
        _check(image, first, movable)
    data = [np.asarray(image.data, dtype=np.float32) for image in images]
    if not all(np.isfinite(one).all() for one in data):
        raise InputError("the images hold values that are no finite numbers; replace them first")
    mask = None
    for i, image in enumerate(images):
        if image.name in movable:
            data[i], reached = _moved(data[i], image, first)
            mask = _both(mask, reached)
    stack = ImageStack(CASE, tuple(names), np.stack(data), first.grid, mask)
    return preprocess(stack, Preprocessing(scaling=scaling))


def study_of(
    model: LatentModel,
    stack: ImageStack,
    *,
    labels: Sequence[OpenImage] = (),
    outcome: str | None = None,
    resample: bool = False,
) -> Study:
    """Make a study of one stack: slice by slice where a 2D model meets a volume.

    Parameters
    ----------
    labels : sequence of OpenImage
        Label maps on the grid of the stack; every nonzero voxel is labelled.
    outcome : str, optional
        Name of one of them.
    resample : bool
        Bring label maps on other voxels onto those of the stack (nearest).
    """
    if resample:
        labels = [_on_grid(image, stack.grid) for image in labels]
    regions = {image.name: region_of(image, stack.grid) for image in labels}
    source = _OneStack(stack, regions)
    flat = model.spec.ndim == 2 and stack.grid.ndim == 3
    cohort = Cohort(source, slices="axial" if flat else None)
    return Study(
        name=CASE,
        path=None,
        model=model,
        cohort=cohort.by_slice("axial") if flat else cohort,
        outcome_name=outcome,
        seed=0,
    )


def region_of(labels: OpenImage, grid: Grid) -> Bool:
    """Voxels (*S) of a label map that are not zero.

    Raises
    ------
    GridMismatchError
        When it does not lie on `grid`.
    """
    if labels.data.shape != grid.shape or not labels.grid.same_as(grid):
        raise GridMismatchError(
            f"labels {labels.name} lie on another grid than the images; paint them on a new Labels "
            "layer, which takes the grid of the images"
        )
    return np.asarray(labels.data) > 0


def resampling_note(
    images: Sequence[OpenImage], labels: Sequence[OpenImage], stack: ImageStack
) -> str:
    """Say what was resampled, and how much of the first image all of them cover."""
    moved = set(to_resample([*images, *labels]))
    said = [
        f"{', '.join(image.name for image in group if image.name in moved)} ({how})"
        for group, how in ((images, "linear"), (labels, "nearest"))
        if moved & {image.name for image in group}
    ]
    covered = 1.0 if stack.mask is None else float(stack.mask.mean())
    rest = (
        ""
        if covered == 1
        else f"; {1 - covered:.0%} of its voxels are not covered by all, and left out"
    )
    return f"Resampled onto the voxels of {images[0].name}: {' and '.join(said)}{rest}."


def _on_grid(labels: OpenImage, grid: Grid) -> OpenImage:
    """Bring a label map onto the voxels of the images, where a place has a meaning in both."""
    like = OpenImage("", labels.data, grid)
    if labels.grid.same_as(grid) or not labels.shares_space(like):
        return labels
    marked = (np.asarray(labels.data) > 0).astype(np.uint8)
    return replace(
        labels, data=look_up(marked, labels.grid, grid, interpolation="nearest"), grid=grid
    )


def _moved(data: Float32, image: OpenImage, first: OpenImage) -> tuple[Float32, Bool | None]:
    moved, reached = bring_onto(data, image.grid, first.grid)
    if reached is not None and not reached.any():
        raise InputError(
            f"layer {image.name} shares no place with {first.name}; check that both are of one "
            "person and of one part of the body"
        )
    return moved, reached


def _both(one: Bool | None, other: Bool | None) -> Bool | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _check(image: OpenImage, first: OpenImage, movable: Sequence[str] = ()) -> None:
    if image.data.ndim not in (2, 3) or image.data.shape != image.grid.shape:
        raise InputError(
            f"layer {image.name} has shape {image.data.shape}; images have 2 or 3 axes in space"
        )
    if image.name not in movable and not image.grid.same_as(first.grid):
        raise GridMismatchError(
            f"layer {image.name} {_difference(image.grid, first)}; resample it onto the voxels of "
            f"{first.name}, or open the files as a study with preprocess: {{resample: true}}"
        )


def _difference(grid: Grid, first: OpenImage) -> str:
    """Say how a grid differs from that of the first image: in voxels, angle or place."""
    want = first.grid
    if grid.shape != want.shape or not np.allclose(grid.spacing, want.spacing, rtol=0, atol=1e-6):
        have, first_has = ("x".join(map(str, g.shape)) for g in (grid, want))
        return (
            f"has a grid of {have} at {_mm(grid)} mm, {first.name} one of {first_has} at "
            f"{_mm(want)} mm"
        )
    apart = f"its corners lie up to {grid.corner_distance(want):.3g} mm from those of {first.name}"
    a, b = (g.affine[:-1, :-1] / g.spacing for g in (grid, want))
    if np.linalg.det(a.T @ b) < 0:
        return f"is mirrored against {first.name}: {apart}"
    cosine = (np.trace(a.T @ b) - grid.ndim + 2) / 2
    degrees = float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    if degrees < _TURNED:
        return f"has the same voxels in another place: {apart}"
    return f"has voxels of the same size, turned by {degrees:.3g} degrees: {apart}"


def _mm(grid: Grid) -> str:
    return " x ".join(f"{s:g}" for s in grid.spacing)


class _OneStack:
    """The one case."""

    columns: tuple[str, ...] = ()

    def __init__(self, stack: ImageStack, regions: Mapping[str, Bool]) -> None:
        self._stack, self._regions = stack, dict(regions)
        self.channels = stack.channels
        self.cases = self.patients = (stack.case,)
        self.sequences = ("",)
        self.region_names = tuple(self._regions)

    def read(self, index: int) -> ImageStack:
        return self._stack

    def fingerprint(self, index: int) -> None:
        """Open images have no files."""

    def region(self, index: int, name: str) -> Bool:
        return self._regions[name]

    def values(self, column: str) -> Values:
        raise InputError(f"open images have no column {column}")
