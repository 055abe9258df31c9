"""Latent voxels sit at the centres of their receptive fields."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_latentattr.core.latent_grid import (
    field_box,
    latent_centres,
    latent_grid,
    latents_inside,
    latents_of_region,
    nearest_latent,
    to_input_grid,
)
from napari_latentattr.core.types import Grid, LatentSpec


def spec(stride: tuple[float, ...], offset: tuple[float, ...]) -> LatentSpec:
    n = len(stride)
    return LatentSpec("encoder", 1, 1, n, stride, (3,) * n, offset, (), (), "cpu", "")


def test_centres_start_at_the_offset_and_step_by_the_stride() -> None:
    rows, columns = latent_centres(spec((4, 2), (1.5, 0)), (3, 4))
    np.testing.assert_array_equal(rows, [1.5, 5.5, 9.5])
    np.testing.assert_array_equal(columns, [0, 2, 4, 6])


def test_a_latent_is_inside_when_its_centre_is() -> None:
    mask = np.zeros((16, 16), dtype=bool)
    mask[4:9, 8:] = True
    inside = latents_inside(mask, spec((4, 4), (0, 0)), (4, 4))
    np.testing.assert_array_equal(inside, mask[::4, ::4])


def test_a_centre_between_voxels_needs_half_of_them() -> None:
    mask = np.zeros((8,), dtype=bool)
    mask[2:4] = True
    got = latents_inside(mask[:, None], spec((2, 1), (0.5, 0)), (4, 1))
    np.testing.assert_array_equal(got[:, 0], [False, True, False, False])
    got = latents_inside(mask[:, None], spec((2, 1), (1.5, 0)), (3, 1))
    np.testing.assert_array_equal(got[:, 0], [True, True, False])


def test_a_region_counts_by_the_share_of_the_cell() -> None:
    region = np.zeros((12, 12), dtype=bool)
    region[4:8, 4:5] = True
    at_quarter = latents_of_region(region, spec((4, 4), (1.5, 1.5)), (3, 3))
    at_third = latents_of_region(region, spec((4, 4), (1.5, 1.5)), (3, 3), share=0.3)
    expected = np.zeros((3, 3), dtype=bool)
    expected[1, 1] = True
    np.testing.assert_array_equal(at_quarter, expected)
    assert not at_third.any()


def test_cell_shares_equal_counting_voxels() -> None:
    region = np.random.default_rng(0).random((12, 20)) < 0.4
    counted = region.reshape(3, 4, 5, 4).mean(axis=(1, 3))
    got = latents_of_region(region, spec((4, 4), (1.5, 1.5)), (3, 5), share=0.45)
    np.testing.assert_array_equal(got, counted >= 0.45)


def test_volumes_return_to_the_voxels_where_the_latents_sit() -> None:
    latent = np.arange(4.0, dtype=np.float32)[None, :, None] * np.ones((2, 1, 3), np.float32)
    image = to_input_grid(latent, spec((4, 4), (2, 1)), (16, 12))
    np.testing.assert_allclose(image[0, 2::4, 1], [0, 1, 2, 3])
    assert image[1, 4, 5] == pytest.approx(0.5)
    assert image[0, 0, 0] == 0


@pytest.mark.parametrize("latents", [(4, 5, 6), (1, 5, 1)])
def test_between_latents_a_volume_is_what_scipy_interpolates(latents: tuple[int, ...]) -> None:
    latent = np.random.default_rng(0).normal(size=(2, 3, *latents)).astype(np.float32)
    how, shape = spec((4, 3, 2), (1.5, -2.0, 7.0)), (17, 19, 16)
    steps = zip(shape, how.offset, how.stride, strict=True)
    at = np.meshgrid(*[(np.arange(n) - o) / s for n, o, s in steps], indexing="ij")
    image = to_input_grid(latent, how, shape)
    assert image.dtype == np.float32
    for given, drawn in zip(latent.reshape(6, *latents), image.reshape(6, *shape), strict=True):
        expected = ndimage.map_coordinates(given, at, order=1, mode="nearest")
        np.testing.assert_allclose(drawn, expected, rtol=0, atol=1e-6)


def test_latent_grid_puts_latents_where_their_input_voxels_are() -> None:
    affine = np.diag([-3.0, -2.0, -1.0, 1.0])
    affine[:3, 3] = [10, 20, 30]
    grid = Grid((16, 16, 16), affine)
    s = spec((4, 4, 2), (1.5, 0, 0.5))
    latents = latent_grid(grid, s, (4, 4, 8))
    at = np.array([2, 3, 5, 1.0])
    index = np.array([1.5 + 8, 12, 10.5, 1.0])
    np.testing.assert_allclose(latents.affine @ at, affine @ index)


@pytest.mark.parametrize("shift", [-0.49, 0.0, 0.49])
def test_the_nearest_latent_of_a_place_is_the_one_whose_cell_it_lies_in(shift) -> None:
    how = spec((4, 2), (1.5, 0.5))
    for index in np.ndindex(3, 4):
        centre = np.array(
            [axis[i] for axis, i in zip(latent_centres(how, (3, 4)), index, strict=True)]
        )
        assert nearest_latent(centre + shift * np.array(how.stride), how, (3, 4)) == index


def test_every_voxel_of_an_image_has_a_nearest_latent_and_what_lies_beyond_has_none() -> None:
    how = spec((4,), (3.0,))  # the last of its kind: voxels 0 and 1 lie left of every cell
    assert [nearest_latent((v,), how, (4,)) for v in (0, 1, 4, 15)] == [(0,), (0,), (0,), (3,)]
    assert nearest_latent((-2,), how, (4,)) is None
    assert nearest_latent((20,), how, (4,)) is None


@pytest.mark.parametrize("width", [1, 2, 5, 8])
def test_a_field_box_holds_every_voxel_of_the_field_inside_the_image(width: int) -> None:
    first = (width - 1) / 2 - 1
    line = LatentSpec("e", 1, 1, 1, (4.0,), (width,), (first,), (), (), "cpu", "")
    for i in range(5):
        field = np.arange(4 * i - 1, 4 * i - 1 + width)
        inside = field[(field >= 0) & (field < 15)]
        ((low, high),) = field_box((i,), line, (15,))
        if len(inside):
            assert (low, high) == (inside[0], inside[-1] + 1)
        else:
            assert 0 <= low < high <= 15
