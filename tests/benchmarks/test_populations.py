from __future__ import annotations

import numpy as np
import pytest

from napari_latentattr.benchmarks.populations import Population, make_population


def deviations(population: Population, *, cases: int = 12) -> np.ndarray:
    """Signed deviations of each channel from its mean picture, (C, cases * voxels)."""
    images = population.draw(cases, seed=3)[:, :, population.mask]
    images = (images - images.mean(axis=0)) * population.sign[:, None]
    return images.swapaxes(0, 1).reshape(len(population.sign), -1)


def test_the_same_seed_draws_the_same_bits() -> None:
    first, again = (make_population(8, (32, 32), seed=5).draw(3, seed=7) for _ in range(2))
    assert first.dtype == np.float32
    assert first.tobytes() == again.tobytes()


def test_another_seed_draws_other_people() -> None:
    population = make_population(8, (32, 32), seed=5)
    assert not np.array_equal(population.draw(2, seed=7), population.draw(2, seed=8))


def test_the_first_people_do_not_depend_on_how_many_follow() -> None:
    population = make_population(4, (32, 32), seed=0)
    assert np.array_equal(population.draw(2, seed=1), population.draw(5, seed=1)[:2])


@pytest.mark.parametrize("shape", [(64, 64), (24, 24, 24)])
def test_channels_of_a_group_look_alike_and_groups_do_not(shape: tuple[int, ...]) -> None:
    likeness = np.corrcoef(deviations(make_population(12, shape, seed=1)))
    group = np.arange(12) // 4
    same = (group[:, None] == group) & ~np.eye(12, dtype=bool)
    assert likeness[same].min() > 0.5
    assert np.median(likeness[same]) > 0.75
    assert abs(likeness[group[:, None] != group]).max() < 0.45


def test_inverted_channels_mirror_their_group() -> None:
    population = make_population(8, (64, 64), seed=1)
    inverted = population.sign < 0
    assert 1 <= inverted.sum() <= 2
    raw = np.corrcoef(deviations(population) * population.sign[:, None])
    group = np.arange(8) // 4
    opposite = (group[:, None] == group) & (inverted[:, None] != inverted)
    assert opposite.any()
    assert raw[opposite].max() < -0.5


@pytest.mark.parametrize("shape", [(64, 64), (24, 24, 24)])
def test_images_are_zero_outside_an_ellipse_that_touches_no_border(shape: tuple[int, ...]) -> None:
    population = make_population(4, shape, seed=2)
    images = population.draw(2, seed=0)
    assert not images[:, :, ~population.mask].any()
    assert (images[:, :, population.mask] != 0).mean() > 0.99
    volume = {2: np.pi / 4 * 0.89 * 0.76, 3: np.pi / 6 * 0.84 * 0.89 * 0.76}[len(shape)]
    assert population.mask.mean() == pytest.approx(volume, rel=0.12)
    for axis in range(len(shape)):
        assert not population.mask.take([0, -1], axis=axis).any()


def test_people_vary_around_one_anatomy() -> None:
    population = make_population(4, (32, 32), seed=1)
    anatomy = np.tensordot(population.contrast, population.tissues, 1) + 0.6
    inside = population.mask & (population.tissues[2] > 0)  # white matter, edges blur
    gap = (population.draw(80, seed=0) - anatomy)[:, :, inside]
    assert gap.mean(axis=0).std() < 0.4 * gap.std()


def test_sixty_four_channels_can_be_drawn() -> None:
    assert make_population(64, (64, 64), seed=0).draw(1, seed=0).shape == (1, 64, 64, 64)


def test_images_can_lie_off_each_other_by_at_most_a_voxel() -> None:
    plain, moved = (make_population(6, (32, 32), seed=4, misaligned=off) for off in (0.0, 1.0))
    before, after = (population.draw(1, seed=2)[0] for population in (plain, moved))
    inner = np.s_[6:-6, 6:-6]
    for one, other in zip(before, after, strict=True):
        assert not np.array_equal(one, other)
        around = [np.roll(one, (y, x), (0, 1))[inner] for y in (-1, 0, 1) for x in (-1, 0, 1)]
        inside = plain.mask[inner]
        assert (other[inner] >= np.min(around, axis=0) - 1e-5)[inside].mean() > 0.95
        assert (other[inner] <= np.max(around, axis=0) + 1e-5)[inside].mean() > 0.95


def test_noise_is_unequal_and_independent_from_voxel_to_voxel() -> None:
    plain, noisy = (make_population(6, (64, 64), seed=4, noise=sd) for sd in (0.0, 0.5))
    added = (noisy.draw(1, seed=2) - plain.draw(1, seed=2))[0]
    np.testing.assert_allclose(added[:, plain.mask].std(axis=1), noisy.noise, rtol=0.06)
    assert noisy.noise.max() <= 0.5
    assert np.ptp(noisy.noise) > 0.1
    assert not added[:, ~plain.mask].any()
