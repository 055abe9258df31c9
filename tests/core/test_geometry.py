from itertools import permutations, product

import numpy as np
import pytest

from napari_latentattr.core.geometry import crop, reorient, restore
from napari_latentattr.core.types import Grid

TURNS = [
    np.eye(3)[list(order)] * signs
    for order in permutations(range(3))
    for signs in product([1.0, -1.0], repeat=3)
]


def grid_with(directions, shape, seed=0):
    rng = np.random.default_rng(seed)
    d = len(shape)
    affine = np.eye(d + 1)
    affine[:d, :d] = directions * rng.uniform(0.3, 4, d)
    affine[:d, d] = rng.uniform(-200, 200, d)
    return Grid(shape, affine)


def oblique(seed):
    """A random rotation, left-handed for odd seeds."""
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return q * [1, 1, np.sign(np.linalg.det(q)) * (-1) ** seed]


def positions_by_label(data, grid):
    """World position of every voxel, sorted by its unique label."""
    index = np.indices(data.shape).reshape(data.ndim, -1)
    world = grid.affine[:-1, :-1] @ index + grid.affine[:-1, -1:]
    return world[:, np.argsort(data.ravel())]


@pytest.mark.parametrize("directions", [*TURNS, *map(oblique, range(12))])
def test_every_voxel_keeps_its_place_and_axes_point_inferior_posterior_left(directions):
    source = grid_with(directions, (3, 4, 5))
    data = np.arange(60).reshape(3, 4, 5)
    turned, grid = reorient(data, source)
    assert turned.shape == grid.shape
    np.testing.assert_allclose(
        positions_by_label(turned, grid), positions_by_label(data, source), atol=1e-9
    )
    cosines = grid.affine[:-1, :-1] / grid.spacing
    assert (np.diag(cosines) < 0).all()
    best = max(abs(np.trace(cosines[:, list(order)])) for order in permutations(range(3)))
    assert -np.trace(cosines) >= best - 1e-6


@pytest.mark.parametrize("directions", [*TURNS, *map(oblique, range(12))])
def test_restore_gives_back_the_very_array_and_grid_of_the_file(directions):
    source = grid_with(directions, (3, 4, 5))
    data = np.arange(120).reshape(2, 3, 4, 5)
    back, grid = restore(*reorient(data, source))
    assert grid is source
    np.testing.assert_array_equal(back, data)


@pytest.mark.parametrize("directions", [*TURNS, *map(oblique, range(4))])
def test_a_cropped_image_is_restored_to_the_same_part_of_its_file(directions):
    source = grid_with(directions, (4, 5, 6))
    data = np.arange(120).reshape(4, 5, 6)
    turned, grid = reorient(data, source)
    box = [(1, n - 1) if axis else (0, n - 2) for axis, n in enumerate(grid.shape)]
    part = turned[tuple(slice(low, high) for low, high in box)]
    found, place = restore(part, crop(grid, box))
    whole = dict(zip(data.ravel(), positions_by_label(data, source).T, strict=True))
    world = positions_by_label(found, place).T
    np.testing.assert_allclose(world, [whole[v] for v in np.sort(found.ravel())], atol=1e-9)
    assert crop(grid, box).shape == part.shape
    np.testing.assert_allclose(place.spacing, source.spacing)


def test_canonical_image_passes_untouched():
    data, grid = np.zeros((2, 3, 4)), Grid.from_spacing((2, 3, 4), (1, 1, 2))
    same, same_grid = reorient(data, grid)
    assert same is data
    assert same_grid is grid
    assert grid.source is None
    assert restore(data, grid)[0] is data
    assert restore(data, grid)[1] is grid


def test_image_turns_towards_posterior_and_left():
    source = Grid((2, 3), [[0, 2, 5], [3, 0, 7], [0, 0, 1]])
    data = np.arange(6).reshape(2, 3)
    turned, grid = reorient(data, source)
    np.testing.assert_array_equal(turned, data.T[::-1, ::-1])
    np.testing.assert_allclose(grid.affine, [[-2, 0, 9], [0, -3, 10], [0, 0, 1]])


def test_leading_channels_stay_in_front():
    source = grid_with(TURNS[29], (3, 4, 5))
    data = np.arange(120).reshape(2, 3, 4, 5)
    turned, _ = reorient(data, source)
    for both, alone in zip(turned, data, strict=True):
        np.testing.assert_array_equal(both, reorient(alone, source)[0])


def test_unknown_orientation_stays_unknown():
    _, grid = reorient(np.zeros((2, 3, 4)), Grid((2, 3, 4), np.eye(4), known=False))
    assert not grid.known


@pytest.mark.parametrize("turn", [reorient, restore])
def test_data_off_the_grid_are_refused(turn):
    with pytest.raises(ValueError, match="does not lie on a grid"):
        turn(np.zeros((2, 3, 5)), Grid((2, 3, 4), np.eye(4)))


def test_grid_that_was_not_turned_from_its_source_is_refused():
    grid = Grid((2, 3, 4), np.eye(4), source=Grid((2, 3, 9), np.eye(4)))
    with pytest.raises(ValueError, match="was not turned from"):
        restore(np.zeros((2, 3, 4)), grid)
