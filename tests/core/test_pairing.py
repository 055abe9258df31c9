from __future__ import annotations

import itertools

import numpy as np
import pytest

from napari_latentattr.core.pairing import compare_pairings

RNG = np.random.default_rng(0)


def test_mean_and_mismatch_are_those_of_all_pairings() -> None:
    alike = RNG.standard_normal((2, 3, 5, 5))
    found = compare_pairings(alike, list("abcde"), draws=50)
    every = [
        alike[..., np.arange(5), list(order)].mean(-1) for order in itertools.permutations(range(5))
    ]
    np.testing.assert_allclose(found.mismatched, np.mean(every, axis=0))
    np.testing.assert_allclose(found.matched, alike.trace(axis1=-2, axis2=-1) / 5)


def test_p_is_the_share_of_all_pairings() -> None:
    alike = RNG.standard_normal((1, 4, 4)) + 0.7 * np.eye(4)
    observed = alike[0].trace()
    every = [
        alike[0, np.arange(4), list(order)].sum() for order in itertools.permutations(range(4))
    ]
    exact = np.mean(np.array(every) >= observed - 1e-12)
    found = compare_pairings(alike, list("abcd"), draws=20_000)
    assert found.p[0] == pytest.approx(exact, abs=0.01)


def test_units_of_several_cases_are_exchanged_whole() -> None:
    alike = RNG.standard_normal((4, 4))
    found = compare_pairings(alike, ["a", "a", "b", "c"], draws=20)
    sums = np.array(
        [
            [alike[0, 0] + alike[1, 1], alike[0, 2] + alike[1, 2], alike[0, 3] + alike[1, 3]],
            [alike[2, 0], alike[2, 2], alike[2, 3]],
            [alike[3, 0], alike[3, 2], alike[3, 3]],
        ]
    )
    assert found.n == 3
    assert found.mismatched == pytest.approx(sums.sum() / (3 * 4))
    assert found.matched == pytest.approx(np.diag(alike).mean())


def test_independent_patterns_give_uniform_p_values_whatever_all_have_in_common() -> None:
    """Likenesses with effects of either case, as shared anatomy makes them."""
    p = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        alike = 0.5 + rng.normal(0, 0.3, (20, 1)) + rng.normal(0, 0.3, 20)
        p.append(compare_pairings(alike + rng.normal(0, 0.1, (20, 20)), range(20), draws=99).p)
    assert 0.03 <= np.mean(np.array(p) <= 0.05) <= 0.07


def test_many_draws_in_little_memory_are_the_same_draws(monkeypatch) -> None:
    alike = RNG.standard_normal((6, 6)) + np.eye(6)
    whole = compare_pairings(alike, list("abcdef"), draws=99)
    monkeypatch.setattr("napari_latentattr.core.pairing._CHUNK", 100)
    np.testing.assert_array_equal(compare_pairings(alike, list("abcdef"), draws=99).p, whole.p)
