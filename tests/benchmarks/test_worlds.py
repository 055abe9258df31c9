from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_latentattr.benchmarks.worlds import Leak, make_world, planted_encoder


def moves(n_channels: int, n_maps: int, *, leak: Leak, ndim: int, seed: int) -> np.ndarray:
    """Largest move (K, C) of every map when one channel is replaced by other noise."""
    encoder = planted_encoder(n_channels, n_maps, seed, leak=leak, ndim=ndim)
    rng = np.random.default_rng(0)
    size = (n_channels, *[16] * ndim)
    x, other = (torch.from_numpy(rng.standard_normal((1, *size))).float() for _ in range(2))
    largest = np.zeros((n_maps, n_channels))
    with torch.inference_mode():
        base = encoder(x)
        for c in range(n_channels):
            swapped = x.clone()
            swapped[:, c] = other[:, c]
            largest[:, c] = (encoder(swapped) - base).abs().flatten(2).amax(2)[0]
    return largest


@pytest.mark.parametrize(("n_channels", "ndim"), [(8, 2), (8, 3), (64, 2), (1, 2)])
def test_without_leak_exactly_the_planned_channels_move_a_map(n_channels: int, ndim: int) -> None:
    plan = planted_encoder(n_channels, 8, 4, ndim=ndim).plan
    assert np.array_equal(moves(n_channels, 8, leak=0.0, ndim=ndim, seed=4) > 0, plan)


@pytest.mark.parametrize("leak", [0.05, "graded"])
def test_with_leak_every_channel_moves_every_map(leak: Leak) -> None:
    assert (moves(8, 8, leak=leak, ndim=2, seed=4) > 0).all()


def test_planned_channels_move_a_map_more_than_leaking_ones() -> None:
    plan = planted_encoder(8, 8, 4).plan
    moved = moves(8, 8, leak=0.03, ndim=2, seed=4)
    assert moved[plan].min() > moved[~plan].max()


@pytest.mark.parametrize("leak", [0.0, 0.05, "graded"])
def test_leak_changes_the_weights_and_not_the_plan(leak: Leak) -> None:
    assert np.array_equal(planted_encoder(8, 8, 4, leak=leak).plan, planted_encoder(8, 8, 4).plan)


def test_every_map_listens_to_one_to_three_channels() -> None:
    sizes = planted_encoder(16, 64, 0).plan.sum(axis=1)
    assert set(sizes.tolist()) == {1, 2, 3}


def test_weights_outside_the_plan_are_exactly_zero() -> None:
    encoder = planted_encoder(8, 4, 0)
    weight = encoder[0].weight.detach().numpy().reshape(4, -1, 8, 3, 3)
    silent = ~weight.any(axis=(1, 3, 4))
    assert np.array_equal(silent, ~encoder.plan)


def test_the_same_seed_makes_the_same_world_and_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    first, again = (make_world(2, shape=(16, 16), seed=9) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert first.data.tobytes() == again.data.tobytes()
    assert np.array_equal(first.plan, again.plan)
    for a, b in zip(first.module.parameters(), again.module.parameters(), strict=True):
        assert torch.equal(a, b)


def test_other_people_of_a_world_keep_its_autoencoder() -> None:
    world = make_world(2, shape=(16, 16))
    other = world.with_cases(3, seed=1)
    assert other.module is world.module
    assert other.data.shape == (3, 8, 16, 16)


@pytest.mark.parametrize("shape", [(16, 16), (16, 12, 16)])
def test_the_autoencoder_gives_back_images_of_the_size_it_got(shape: tuple[int, ...]) -> None:
    world = make_world(2, n_channels=5, n_maps=3, shape=shape)
    with torch.inference_mode():
        assert world.module(torch.from_numpy(world.data)).shape == world.data.shape


@pytest.mark.parametrize("shape", [(32, 32), (16, 16, 16)])
def test_the_tool_reads_a_world_as_model_and_cohort(shape: tuple[int, ...]) -> None:
    world = make_world(2, n_channels=5, n_maps=3, shape=shape)
    model, cohort = world.model(), world.cohort()
    assert (model.spec.n_channels, model.spec.n_maps, model.spec.ndim) == (5, 3, len(shape))
    assert model.spec.stride == (4.0,) * len(shape)
    assert np.array_equal(cohort[1].data, world.data[1])
    assert np.array_equal(cohort[1].mask, world.mask)
    assert len(set(cohort.patients)) == 2
