from __future__ import annotations

import numpy as np
import pytest

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.types import Grid
from napari_latentattr.methods.window_grid import window_grid


def test_millimetres_become_voxels_along_each_axis() -> None:
    found = window_grid(Grid.from_spacing((10, 10), (1.0, 2.5)), patch=5.0, stride=3.0)
    assert found.size == (5, 2)
    assert found.places == ((0, 3, 5), tuple(range(9)))


def test_the_last_window_is_moved_inward_so_that_all_is_covered() -> None:
    for n in range(1, 30):
        grid = window_grid(Grid.from_spacing((n, n), (1.0, 1.0)), patch=4.0, stride=3.0)
        assert grid.covers(0).any(axis=0).all()
        assert (grid.covers(0).sum(axis=1) == grid.size[0]).all()


def test_a_window_is_never_thinner_than_a_voxel_nor_larger_than_the_image() -> None:
    grid = window_grid(Grid.from_spacing((4, 4), (30.0, 0.1)), patch=2.0, stride=1.0)
    assert grid.size == (1, 4)
    assert grid.counts == (4, 1)


def test_a_voxel_gets_the_mean_of_the_windows_that_cover_it() -> None:
    grid = window_grid(Grid.from_spacing((4, 3), (1.0, 1.0)), patch=3.0, stride=1.0)
    found = grid.mean_over_windows(np.array([[[2.0], [4.0]]]))
    np.testing.assert_allclose(found[0], np.outer([2.0, 3.0, 3.0, 4.0], np.ones(3)))


def test_windows_touch_a_mask_where_they_hold_one_voxel_of_it() -> None:
    grid = window_grid(Grid.from_spacing((5, 5), (1.0, 1.0)), patch=2.0, stride=1.0)
    mask = np.zeros((5, 5), bool)
    mask[2, 4] = True
    assert np.argwhere(grid.touching(mask)).tolist() == [[1, 3], [2, 3]]


def test_gaps_are_refused() -> None:
    with pytest.raises(InputError, match="leaves gaps between patches of 4 mm"):
        window_grid(Grid.from_spacing((8, 8), (1.0, 1.0)), patch=4.0, stride=4.5)
