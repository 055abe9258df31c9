"""Surrogates keep values and texture, and leave the outside of the body alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_latentattr.core.surrogates import phase_randomised, shifted


def image_and_mask() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    image = gaussian_filter(rng.standard_normal((40, 36)), 2).astype(np.float32)
    yy, xx = np.mgrid[:40, :36]
    return image, (yy - 20) ** 2 / 15**2 + (xx - 18) ** 2 / 12**2 < 1


@pytest.mark.parametrize("make", [shifted, phase_randomised])
def test_outside_the_body_nothing_changes_and_inside_it_does(make) -> None:
    image, mask = image_and_mask()
    out = make(image, mask, np.random.default_rng(1))
    np.testing.assert_array_equal(out[~mask], image[~mask])
    assert abs(np.corrcoef(out[mask], image[mask])[0, 1]) < 0.6


def test_phase_randomisation_keeps_exactly_the_values_inside() -> None:
    image, mask = image_and_mask()
    out = phase_randomised(image, mask, np.random.default_rng(1))
    np.testing.assert_array_equal(np.sort(out[mask]), np.sort(image[mask]))


def test_neighbours_stay_alike() -> None:
    image, mask = image_and_mask()
    for make in (shifted, phase_randomised):
        out = make(image, np.ones_like(mask), np.random.default_rng(2))
        here = np.corrcoef(image[:, 1:].ravel(), image[:, :-1].ravel())[0, 1]
        there = np.corrcoef(out[:, 1:].ravel(), out[:, :-1].ravel())[0, 1]
        assert there == pytest.approx(here, abs=0.1)


def test_a_shift_is_a_rotation_on_the_torus_where_everything_is_body() -> None:
    image, mask = image_and_mask()
    out = shifted(image, np.ones_like(mask), np.random.default_rng(3))
    np.testing.assert_array_equal(np.sort(out.ravel()), np.sort(image.ravel()))
