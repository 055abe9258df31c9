"""Decoders built by hand do what their plan says, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_latentattr.benchmarks.drawing_worlds import Interaction, make_drawing_world

WORLD = make_drawing_world(5, seed=3)


@pytest.fixture(scope="module")
def plain():
    return WORLD.model(Interaction())


def change(model, which: int) -> np.ndarray:
    """Picture with one map of case 1 in case 0, less that of case 0."""
    mixed = WORLD.code[:1].copy()
    mixed[0, which] = WORLD.code[1, which]
    return (model.decode(mixed) - model.decode(WORLD.code[:1]))[0]


def test_images_carry_the_codes_bit_by_bit(plain) -> None:
    images = np.stack([stack.data for stack in WORLD.cohort()])
    assert images.shape == (5, 4, 64, 64)
    np.testing.assert_array_equal(plain.encode(images), WORLD.code)


def test_the_same_seed_gives_the_same_world_and_another_one_does_not() -> None:
    again, other = make_drawing_world(5, seed=3), make_drawing_world(5, seed=4)
    np.testing.assert_array_equal(again.code, WORLD.code)
    np.testing.assert_array_equal(again.region, WORLD.region)
    assert again.model(Interaction()).spec.sha256 == WORLD.model(Interaction()).spec.sha256
    assert not np.array_equal(other.region, WORLD.region)


def test_without_interaction_a_map_changes_its_region_alone_and_pictures_add_up(plain) -> None:
    with torch.no_grad():
        alone = plain.module.decoder.alone(torch.from_numpy(WORLD.code[:2])).numpy()
    for k, region in enumerate(WORLD.region):
        moved = change(plain, k)
        assert not moved[region == 0].any()
        np.testing.assert_allclose(moved, alone[1, k] - alone[0, k], rtol=0, atol=2e-5)
        assert (region.reshape(4, -1).max(axis=1) > 0).sum() == 2


@pytest.mark.parametrize("interaction", [Interaction(0.5), Interaction(normalised=True)])
def test_with_interaction_a_map_changes_other_places_too(interaction) -> None:
    moved = change(WORLD.model(interaction), 0)
    assert np.abs(moved[WORLD.region[0] == 0]).max() > 0.01


def test_normalised_images_have_mean_zero_and_deviation_one_two_at_a_time() -> None:
    picture = WORLD.model(Interaction(1.0, normalised=True)).decode(WORLD.code[:1])[0]
    for pair in picture.reshape(2, -1):
        assert pair.mean() == pytest.approx(0, abs=1e-5)
        assert pair.std() == pytest.approx(1, abs=1e-3)
