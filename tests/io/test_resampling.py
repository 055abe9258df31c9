import numpy as np
import pytest

from napari_latentattr.core.types import Grid
from napari_latentattr.io.resampling import resample

OLD = Grid.from_spacing((4, 5, 6), (2, 2, 2))
DATA = np.random.default_rng(0).normal(size=(4, 5, 6)).astype(np.float32)


def shifted(grid, voxels):
    step = np.eye(grid.ndim + 1)
    step[:-1, -1] = voxels
    return Grid(grid.shape, grid.affine @ step)


def test_same_grid_gives_the_same_image():
    np.testing.assert_allclose(resample(DATA, OLD, OLD), DATA, atol=1e-6)


def test_half_a_voxel_further_is_the_mean_of_two_neighbours():
    moved = resample(DATA, OLD, shifted(OLD, (0, 0, 0.5)))
    np.testing.assert_allclose(moved[..., :-1], (DATA[..., 1:] + DATA[..., :-1]) / 2, atol=1e-5)


def test_nearest_takes_values_of_the_image_only():
    labels = np.arange(120, dtype=np.int16).reshape(4, 5, 6)
    moved = resample(labels, OLD, shifted(OLD, (0, 0.4, 0)), interpolation="nearest")
    assert moved.dtype == np.int16
    np.testing.assert_array_equal(moved, labels)


@pytest.mark.parametrize("interpolation", ["linear", "nearest"])
def test_beyond_the_image_is_zero(interpolation):
    moved = resample(DATA, OLD, shifted(OLD, (0, 0, 2)), interpolation=interpolation)
    np.testing.assert_array_equal(moved[..., -2:], 0)
    np.testing.assert_allclose(moved[..., :-2], DATA[..., 2:], atol=1e-6)


def test_images_of_two_axes_are_resampled_too():
    grid = Grid.from_spacing((4, 5), (1, 2))
    moved = resample(DATA[:, :, 0], grid, shifted(grid, (1, 0)))
    np.testing.assert_allclose(moved[:-1], DATA[1:, :, 0], atol=1e-6)
