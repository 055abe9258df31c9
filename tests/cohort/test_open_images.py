"""Open images become one case, or one sentence says truly why not."""

from __future__ import annotations

import numpy as np
import pytest

from napari_latentattr.cohort.open_images import stack_of
from napari_latentattr.core.errors import GridMismatchError
from napari_latentattr.core.open_image import OpenImage
from napari_latentattr.core.types import Grid

SHAPE, SPACING = (4, 5, 6), (3.0, 1.5, 2.0)


def image(name: str, affine: np.ndarray, shape=SHAPE) -> OpenImage:
    return OpenImage(name, np.random.default_rng(0).random(shape), Grid(shape, affine))


def affine(spacing=SPACING, degrees: float = 0.0) -> np.ndarray:
    """Canonical affine, turned about its first axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.eye(len(spacing))
    turn[-2:, -2:] = [[c, -s], [s, c]]
    made = np.eye(len(spacing) + 1)
    made[:-1, :-1] = turn @ np.diag([-mm for mm in spacing])
    return made


def refusal(one: OpenImage, other: OpenImage) -> str:
    with pytest.raises(GridMismatchError, match="^layer b ") as caught:
        stack_of([one, other])
    return str(caught.value)


def test_grids_that_differ_in_angle_alone_are_said_to_be_turned_by_it():
    said = refusal(image("a", affine(degrees=5)), image("b", affine(degrees=12)))
    assert "voxels of the same size, turned by 7 degrees" in said
    assert "4x5x6" not in said
    assert "onto the voxels of a" in said
    assert "preprocess: {resample: true}" in said


def test_flat_grids_are_compared_in_angle_too():
    flat = SPACING[1:], SHAPE[1:]
    first, second = (image(n, affine(flat[0], d), flat[1]) for n, d in (("a", 0), ("b", 30)))
    assert "turned by 30 degrees" in refusal(first, second)


def test_grids_that_differ_in_place_alone_are_said_to_be_as_far_apart_as_they_are():
    moved = affine()
    moved[:-1, -1] = (0, 3, 4)
    said = refusal(image("a", affine()), image("b", moved))
    assert "the same voxels in another place: its corners lie up to 5 mm from those of a" in said
    assert "turned" not in said


def test_a_mirrored_grid_is_said_to_be_mirrored():
    mirrored = affine() @ np.diag([1, 1, -1, 1.0])
    assert "is mirrored against a: its corners" in refusal(
        image("a", affine()), image("b", mirrored)
    )


@pytest.mark.parametrize(
    ("spacing", "shape", "said"),
    [
        ((3.0, 1.5, 2.5), SHAPE, "a grid of 4x5x6 at 3 x 1.5 x 2.5 mm, a one of 4x5x6 at 3 x 1.5"),
        (SPACING, (4, 5, 7), "a grid of 4x5x7 at 3 x 1.5 x 2 mm, a one of 4x5x6 at 3 x 1.5 x 2 mm"),
    ],
)
def test_grids_that_differ_in_voxels_are_compared_in_voxels(spacing, shape, said):
    assert said in refusal(image("a", affine()), image("b", affine(spacing), shape))
