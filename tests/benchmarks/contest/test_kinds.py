from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_latentattr.benchmarks.contest.kinds import KINDS, Kind, truth_of
from napari_latentattr.methods.channel_dependence import channel_dependence

BUILT = [kind for kind in KINDS if not kind.trained]
MASKED = Kind("masked", trained="masked", n_channels=4, n_maps=4, shape=(32, 32))


@pytest.mark.parametrize("kind", [*BUILT, MASKED], ids=lambda kind: kind.name)
def test_the_same_kind_and_seed_give_the_same_world(kind: Kind) -> None:
    before = torch.get_rng_state()
    one, again = (kind.make(2, seed=3) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert one.data.shape == (2, kind.n_channels, *kind.shape)
    np.testing.assert_array_equal(one.data, again.data)
    assert one.model().spec.sha256 == again.model().spec.sha256
    assert not np.array_equal(one.data, kind.make(2, seed=4).data)


def test_a_masked_trained_autoencoder_has_learnt_something_and_sees_its_own_image_alone() -> None:
    world = MASKED.make(6, seed=0)
    truth = truth_of(MASKED, world, reference=20, tau=0.03)
    np.testing.assert_array_equal(truth.unused, ~np.eye(4, dtype=bool))
    found = channel_dependence(world.model(), world.cohort()).ratio
    assert (found[truth.unused] == 0).all()
    np.testing.assert_allclose(truth.ratio[world.plan], 1, atol=1e-5)
    drawn = world.model().decode(world.model().encode(world.data))
    error = ((drawn - world.data) ** 2).mean() / world.data.var()
    assert error < 0.25


@pytest.mark.parametrize("leak", [0.1, "graded"])
def test_with_leak_every_pair_is_used_or_unused_and_none_is_zero(leak) -> None:
    kind = Kind("leak", leak=leak, shape=(32, 32))
    truth = truth_of(kind, kind.make(1, seed=1), reference=40, tau=0.03)
    assert not kind.exact
    assert (truth.used ^ truth.unused).all()
    assert (truth.ratio > 0).all()
    assert truth.unused.any()
