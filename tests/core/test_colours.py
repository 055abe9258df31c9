from __future__ import annotations

import numpy as np
import pytest

from napari_latentattr.core.colours import grey_limits, picture_limits


@pytest.mark.parametrize("limit", [0.00027, 0.0451, 0.3, 0.7, 0.81, 1.0, 4.5, 9.1, 123.0])
@pytest.mark.parametrize("sign", [-1, 1])
def test_limits_hold_the_strongest_value_and_at_most_a_third_more(limit, sign):
    low, high = picture_limits(np.array([0, sign * limit, 0.1 * limit]))
    assert low == (-high if sign < 0 else 0)
    assert limit <= high <= limit * 4 / 3 + 1e-12


@pytest.mark.parametrize("limit", [0.02, 0.3, 1.2, 35.0, 600.0])
def test_a_limit_that_can_be_read_stays_as_it_is(limit):
    assert picture_limits(np.array([0, limit])) == (0.0, limit)


@pytest.mark.parametrize("volume", [np.zeros(3), np.full(3, np.nan), np.zeros(0)])
def test_a_picture_without_values_has_limits(volume):
    assert picture_limits(volume) == (0.0, 1.0)


def test_white_of_a_large_image_is_close_to_that_of_all_its_voxels():
    image = np.random.default_rng(0).gamma(2.0, size=(96, 96, 96)).astype(np.float32)
    low, high = grey_limits(image)
    assert low == 0
    assert high == pytest.approx(np.percentile(image, 99.8), rel=0.02)


def test_every_column_of_a_large_image_counts():
    image = np.zeros((448, 448, 35), dtype=np.float32)  # every 35th voxel is in one column
    image[..., 1:] = 5
    assert grey_limits(image) == (0.0, 5.0)


def test_what_lies_below_zero_is_black_and_a_flat_image_has_a_range():
    assert grey_limits(np.array([-2.0, 0.0, 3.0]))[0] == -2
    assert grey_limits(np.zeros((2, 2))) == (0.0, 1.0)
    assert grey_limits(np.zeros(0)) == (0.0, 1.0)
