import numpy as np
import pytest

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.types import Grid, ImageStack
from napari_latentattr.io.preprocessing import Preprocessing, on_grid, preprocess, working_grid


def stack_of(data, mask=None, spacing=None):
    shape = data.shape[1:]
    grid = Grid.from_spacing(shape, spacing or (1.0,) * len(shape))
    return ImageStack("c1", tuple(f"ch{i}" for i in range(len(data))), data, grid, mask)


def test_percentiles_inside_the_mask_become_0_and_1_and_nothing_is_clipped(rng):
    data = rng.normal(50, 20, (2, 9, 10, 11)).astype(np.float32)
    mask = rng.random((9, 10, 11)) > 0.4
    data[:, ~mask] += 1000
    out = preprocess(stack_of(data, mask), Preprocessing(percentiles=(5, 95)))
    for channel in out.data:
        np.testing.assert_allclose(np.percentile(channel[mask], (5, 95)), (0, 1), atol=1e-5)
    assert out.data.min() < 0
    assert out.data.max() > 1


def test_zscore_brings_mean_0_and_sd_1(rng):
    data = rng.normal(50, 20, (2, 9, 10)).astype(np.float32)
    out = preprocess(stack_of(data), Preprocessing("zscore")).data
    np.testing.assert_allclose(out.mean(axis=(1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(out.std(axis=(1, 2)), 1, atol=1e-5)


def test_scaling_none_keeps_every_voxel(rng):
    data = rng.normal(size=(1, 4, 5)).astype(np.float32)
    np.testing.assert_array_equal(preprocess(stack_of(data), Preprocessing("none")).data, data)


def test_scaling_does_not_depend_on_the_unit_of_the_image(rng):
    data = rng.normal(size=(1, 8, 8)).astype(np.float32)
    one, other = (preprocess(stack_of(x)).data for x in (data, 40 * data - 7))
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_flat_channel_is_refused(rng):
    data = np.stack([rng.normal(size=(4, 5)), np.ones((4, 5))])
    with pytest.raises(InputError, match="case c1: channel ch1 has no contrast to scale by"):
        preprocess(stack_of(data))


def test_an_empty_mask_is_refused():
    with pytest.raises(InputError, match="case c1: the mask holds no voxel"):
        preprocess(stack_of(np.ones((1, 4, 5)), np.zeros((4, 5), bool)))


def test_new_voxels_cover_the_same_field_of_view():
    grid = Grid.from_spacing((12, 9, 6), (1.0, 2.0, 3.0))
    new = working_grid(grid, Preprocessing(spacing=(3, 6, 3)), case="c1")
    assert new.shape == (4, 3, 6)
    np.testing.assert_allclose(new.spacing, (3, 6, 3))
    first, edge = np.array([-0.5, -0.5, -0.5, 1.0]), np.array([11.5, 8.5, 5.5, 1.0])
    np.testing.assert_allclose(new.affine @ first, grid.affine @ first)
    np.testing.assert_allclose(new.affine @ [3.5, 2.5, 5.5, 1], grid.affine @ edge)


@pytest.mark.parametrize("spacing", [(3.0, 3.0, 3.0), (0.5, 0.5, 0.5), (2.0, 1.0, 1.5)])
def test_a_gradient_in_millimetres_stays_the_same_gradient(spacing):
    grid = Grid.from_spacing((24, 24, 24), (1.0, 1.0, 1.0))
    index = np.indices(grid.shape)
    data = (index[0] + 2 * index[1] - index[2])[None].astype(np.float32)
    stack = ImageStack("c1", ("T1",), data, grid)
    out = preprocess(stack, Preprocessing("none", spacing=spacing))
    at = np.indices(out.grid.shape).reshape(3, -1)
    old = np.linalg.solve(grid.affine, out.grid.affine @ np.vstack([at, np.ones(at.shape[1])]))[:3]
    want = (old[0] + 2 * old[1] - old[2]).reshape(out.grid.shape)
    inner = (slice(2, -2),) * 3
    np.testing.assert_allclose(out.data[0][inner], want[inner], atol=1e-2)


def test_detail_finer_than_the_new_voxels_is_averaged_not_picked():
    data = (np.indices((1, 60, 60)).sum(axis=0) % 2).astype(np.float32)
    out = preprocess(stack_of(data), Preprocessing("none", spacing=(4, 4)))
    np.testing.assert_allclose(out.data[:, 1:-1, 1:-1], 0.5, atol=0.02)


def test_labels_come_from_the_nearest_voxel():
    labels = np.arange(9)[:, None].repeat(3, axis=1)
    old = Grid.from_spacing((9, 3), (1, 1))
    new = working_grid(old, Preprocessing(spacing=(3, 1)), case="c1")
    np.testing.assert_array_equal(on_grid(labels, old, new)[:, 0], [1, 4, 7])
    np.testing.assert_array_equal(on_grid(labels, old, old), labels)


def test_the_mask_follows_the_voxels(rng):
    mask = np.zeros((9, 9), bool)
    mask[:, 3:] = True
    how = Preprocessing("none", spacing=(3, 3))
    out = preprocess(stack_of(rng.normal(size=(1, 9, 9)), mask), how)
    np.testing.assert_array_equal(out.mask, [[False, True, True]] * 3)


def test_spacing_needs_a_number_an_axis():
    with pytest.raises(InputError, match="the image has 2 axes, spacing gives 3 numbers"):
        preprocess(stack_of(np.ones((1, 4, 5))), Preprocessing(spacing=(3, 3, 3)))


@pytest.mark.parametrize("percentiles", [(1,), (5, 5), (-1, 50), (float("nan"), 50), (1, 101)])
def test_percentiles_that_make_no_sense_are_refused(percentiles):
    with pytest.raises(InputError, match="percentiles must be two rising numbers from 0 to 100"):
        Preprocessing(percentiles=percentiles)


@pytest.fixture
def rng():
    return np.random.default_rng(0)
