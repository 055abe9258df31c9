from __future__ import annotations

import numpy as np
import pytest

from napari_latentattr.benchmarks.copies import copy_likeness, find_copies, with_copy
from napari_latentattr.benchmarks.worlds import make_world


@pytest.mark.parametrize("likeness", [1.0, 0.99], ids=["exact", "near"])
def test_copies_used_together_are_a_tie_and_one_used_alone_is_named(likeness) -> None:
    found = find_copies(likeness, worlds=3)
    assert found.both >= 3
    assert found.both_tied == found.both
    assert found.one >= 3
    assert found.other_named == 0
    assert found.one_named >= 0.9 * found.one
    assert found.one_noted == found.one_named


def test_noisy_copies_are_told_apart() -> None:
    found = find_copies(0.8, worlds=3)
    assert found.both_tied == 0
    assert found.other_named == 0


def test_a_copy_is_as_alike_as_was_asked_and_nothing_else_changes() -> None:
    world = make_world(12, n_channels=4, shape=(32, 32), seed=1)
    for likeness in (1.0, 0.99, 0.8):
        copied = with_copy(world, (0, 2), likeness, seed=3)
        assert copy_likeness(copied.data, (0, 2), world.mask) == pytest.approx(likeness, abs=0.03)
        np.testing.assert_array_equal(copied.data[:, [0, 1, 3]], world.data[:, [0, 1, 3]])
