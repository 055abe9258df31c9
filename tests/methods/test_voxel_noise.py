"""Noise of a voxel must not depend on the part of the image in which it is asked for."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from napari_latentattr.methods.voxel_noise import VoxelNoise

SHAPES = {2: (200, 190), 3: (40, 33, 70)}


def whole(shape: tuple[int, ...]) -> list[slice]:
    return [slice(0, 2), *(slice(0, n) for n in shape)]


@pytest.mark.parametrize("thin", [None, 0, 1])
@pytest.mark.parametrize("ndim", [2, 3])
def test_a_part_has_the_noise_that_the_whole_has_there(ndim: int, thin: int | None) -> None:
    shape, rng = SHAPES[ndim], np.random.default_rng(0)
    noise = VoxelNoise(shape, np.ones((2, *[1] * ndim), np.float32), 3, thin=thin)
    every = noise.at(whole(shape), 1)
    for _ in range(20):
        sides = [sorted(rng.choice(n + 1, 2, replace=False).tolist()) for n in shape]
        where = [slice(0, 2), *(slice(*side) for side in sides)]
        np.testing.assert_array_equal(noise.at(where, 1), every[tuple(where)])


@pytest.mark.parametrize("thin", [None, 1])
@pytest.mark.parametrize("ndim", [2, 3])
def test_it_is_gaussian_as_wide_as_asked_and_independent(ndim: int, thin: int | None) -> None:
    shape = SHAPES[ndim]
    width = np.array([1, 5], np.float32).reshape(2, *[1] * ndim)
    drawn = [
        VoxelNoise(shape, width, seed, thin=thin).at(whole(shape), sample)[c] / (1, 5)[c]
        for seed, sample, c in [(3, 0, 0), (3, 0, 1), (3, 1, 0), (4, 0, 0)]
    ]
    rows = [*drawn, np.roll(drawn[0], 1, axis=0), np.roll(drawn[0], 1, axis=1)]
    slack = 5 / np.sqrt(np.prod(shape))  # five standard errors
    for row in rows:
        assert abs(row.mean()) < slack
        assert abs(row.std() - 1) < slack
        assert abs((np.abs(row) < 0.6745).mean() - 0.5) < slack
    for one, other in combinations(rows, 2):
        assert abs((one * other).mean()) < slack
