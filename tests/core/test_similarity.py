from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from napari_latentattr.core.similarity import rank_correlation


def pictures() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    a, b = np.round(3 * rng.normal(size=(2, 3, 7, 6))).astype(np.float32)  # with ties
    mask = rng.random((7, 6)) < 0.6
    return a, a + b, mask


def test_it_is_spearman_inside_the_mask_image_by_image() -> None:
    a, b, mask = pictures()
    found = rank_correlation(a, b, mask)
    expected = [stats.spearmanr(x[mask], y[mask]).statistic for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert found.dtype == np.float64


def test_without_a_mask_every_voxel_counts() -> None:
    a, b, mask = pictures()
    everywhere = rank_correlation(a, b, None)
    np.testing.assert_array_equal(everywhere, rank_correlation(a, b, np.ones_like(mask)))
    assert not np.allclose(everywhere, rank_correlation(a, b, mask))


def test_scale_does_not_matter_and_sign_turns_it_around() -> None:
    a, _, mask = pictures()
    np.testing.assert_allclose(rank_correlation(a, np.exp(a / 4), mask), 1)
    np.testing.assert_allclose(rank_correlation(a, -2 * a, mask), -1)


def test_flat_pictures_are_like_nothing_and_two_of_them_cannot_be_compared() -> None:
    a, b, mask = pictures()
    a[:2], b[0] = 0, 0
    found = rank_correlation(a, b, mask)
    assert np.isnan(found[0])
    assert found[1] == 0
    assert found[2] == pytest.approx(stats.spearmanr(a[2][mask], b[2][mask]).statistic)
