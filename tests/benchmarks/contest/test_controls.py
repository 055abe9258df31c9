"""The controls of the contest are the registered ones, and captum's answers are captum's."""

from __future__ import annotations

import numpy as np
import pytest

from napari_latentattr import attribute
from napari_latentattr.benchmarks.contest import controls
from napari_latentattr.benchmarks.contest.calls import body_of
from napari_latentattr.benchmarks.contest.kinds import Kind
from napari_latentattr.benchmarks.contest.leaving_out import (
    captum_ablation,
    captum_gradients,
    captum_shapley,
    leave_one_out,
)
from napari_latentattr.benchmarks.contest.ours import dependence, shapley
from napari_latentattr.core.similarity import rank_correlation

WORLD = Kind("zero", n_channels=4, n_maps=5, shape=(32, 32)).make(4, seed=2)
MODEL, COHORT = WORLD.model(), WORLD.cohort()
INSIDE = body_of(MODEL, COHORT)


def test_responses_alone_are_those_of_the_registered_control() -> None:
    _, responses = controls.responses_alone(MODEL, COHORT[1])
    found = attribute(MODEL, COHORT[1], "all", method="encode_alone")
    for k, one in enumerate(found):
        size = np.sqrt((responses[:, k, INSIDE].astype(float) ** 2).mean(axis=1))
        np.testing.assert_allclose(one.score, size, rtol=1e-5)


def test_pictures_alone_are_those_of_the_registered_control() -> None:
    rules = controls.decode_alone(MODEL, COHORT)
    alike = np.mean(
        [
            [
                rank_correlation(np.asarray(one.volume), stack.data, stack.mask)
                for one in attribute(MODEL, stack, "all", method="solo")
            ]
            for stack in COHORT
        ],
        axis=0,
    )
    np.testing.assert_allclose(rules["decode alone, rho > .3"].score, alike, atol=1e-6)
    np.testing.assert_array_equal(rules["decode alone, rho > .3"].called, alike > 0.3)


@pytest.mark.parametrize(
    "contestant",
    [
        dependence,
        shapley,
        leave_one_out,
        captum_ablation,
        captum_shapley,
        captum_gradients,
        controls.shift_null,
    ],
)
def test_an_image_without_weights_is_not_called_and_one_with_weights_is(contestant) -> None:
    for name, calls in contestant(MODEL, COHORT).items():
        assert calls.called.shape == calls.score.shape == WORLD.plan.shape, name
        assert (np.abs(calls.score[~WORLD.plan]) < 1e-6).all(), name
        assert (calls.score.argmax(axis=1)[:, None] == np.arange(4))[WORLD.plan].sum() == 5, name


def test_captum_takes_away_what_a_plain_forward_without_the_image_loses() -> None:
    (calls,) = captum_ablation(MODEL, COHORT).values()
    lost = []
    for c in range(4):
        without = WORLD.data.copy()
        without[:, c] = 0
        gap = (MODEL.encode(WORLD.data) - MODEL.encode(without))[:, :, INSIDE].mean(axis=-1)
        lost.append(np.abs(gap).mean(axis=0))
    size = np.stack(lost, axis=1)
    np.testing.assert_allclose(calls.score, size / size.sum(axis=1, keepdims=True), atol=1e-5)
