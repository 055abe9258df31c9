"""Open images become one case, or one sentence says truly why not."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from napari_latentattr.cohort.open_images import region_of, resampling_note, stack_of, study_of
from napari_latentattr.core.errors import GridMismatchError, InputError
from napari_latentattr.core.open_image import OpenImage, to_resample
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


def sloping(name: str, at: np.ndarray, shape=(9, 10, 11)) -> OpenImage:
    """Image whose value is the place along one oblique line, in mm: linear, so it moves exactly."""
    index = np.indices(shape).reshape(3, -1)
    place = at[:-1] @ np.vstack([index, np.ones(index.shape[1])])
    values = np.array([1.0, -2.0, 0.5]) @ place
    return OpenImage(name, values.reshape(shape), Grid(shape, at))


def test_on_request_an_image_on_another_oblique_grid_is_read_at_the_places_of_the_first():
    first, second = sloping("a", affine(degrees=5)), sloping("b", affine((2.0, 1.0, 1.5), 12))
    stack = stack_of([first, second], scaling="none", resample=True)
    assert stack.grid is first.grid
    assert stack.mask is not None
    assert 0.2 < stack.mask.mean() < 0.9
    np.testing.assert_array_equal(stack.data[0], first.data.astype(np.float32))
    index = np.indices(first.grid.shape).reshape(3, -1)
    there = np.linalg.inv(second.grid.affine) @ first.grid.affine
    there = (there @ np.vstack([index, np.ones(index.shape[1])]))[:-1]
    last = np.array(second.grid.shape)[:, None] - 1
    # Beyond the outermost centres the outer half of a voxel has its value.
    between = ((there >= 0) & (there <= last)).all(axis=0).reshape(first.grid.shape)
    assert stack.mask[between].all()
    np.testing.assert_allclose(stack.data[1][between], first.data[between], atol=1e-4)
    assert not stack.data[1][~stack.mask].any()
    said = resampling_note([first, second], [], stack)
    assert said.startswith("Resampled onto the voxels of a: b (linear); ")
    assert f"{1 - stack.mask.mean():.0%} of its voxels" in said


def test_images_on_one_grid_are_left_alone_when_resampling_is_allowed():
    images = [image("a", affine(degrees=5)), image("b", affine(degrees=5))]
    plain, allowed = (stack_of(images, resample=yes) for yes in (False, True))
    np.testing.assert_array_equal(plain.data, allowed.data)
    assert allowed.mask is None
    assert to_resample(images) == ()


def test_an_image_that_lies_elsewhere_in_the_patient_is_not_resampled_into_nothing():
    far = affine()
    far[:-1, -1] = (500, 0, 0)
    with pytest.raises(InputError, match="layer b shares no place with a"):
        stack_of([image("a", affine()), image("b", far)], resample=True)


@pytest.mark.parametrize(
    "other",
    [
        OpenImage("b", np.zeros(SHAPE), Grid(SHAPE, affine(degrees=9), known=False)),
        image("b", affine(SPACING[1:]), SHAPE[1:]),
    ],
    ids=["orientation unknown", "flat"],
)
def test_images_that_share_no_space_are_refused_also_when_resampling_is_allowed(other):
    images = [image("a", affine()), other]
    assert to_resample(images) == ()
    with pytest.raises(GridMismatchError, match="^layer b "):
        stack_of(images, resample=True)


def test_labels_on_another_grid_are_moved_by_the_nearest_voxel_on_request():
    stack = stack_of([image(n, affine()) for n in "abc"], scaling="none")
    fine = affine(tuple(mm / 2 for mm in SPACING))
    marked = np.zeros([2 * n for n in SHAPE], np.uint8)
    marked[4:, :4] = 3
    labels = OpenImage("lesion", marked, Grid(marked.shape, fine))
    with pytest.raises(GridMismatchError, match="labels lesion lie on another grid"):
        region_of(labels, stack.grid)
    model = SimpleNamespace(spec=SimpleNamespace(ndim=3))
    study = study_of(model, stack, labels=[labels], outcome="lesion", resample=True)
    np.testing.assert_array_equal(study.cohort.region(0, "lesion"), marked[::2, ::2, ::2] > 0)
