import numpy as np
import pytest

from napari_latentattr.benchmarks.ranking_worlds import (
    CAUSES,
    USELESS,
    make_ranking_world,
    voxel_rows,
)
from napari_latentattr.ranking.effort import Effort
from napari_latentattr.ranking.shadows import beat_shadows, impurity_importance

QUICK = Effort(rounds=10, trees=12, threads=1)


def ignore(_done: int) -> None:
    pass


def test_causes_beat_the_shadows_of_other_patients_and_useless_maps_do_not():
    rows = voxel_rows(make_ranking_world(1.2, 1))
    share, p = beat_shadows(rows, effort=QUICK, seed=0, report=ignore)
    assert share[CAUSES].min() >= 0.9
    assert share[USELESS].max() <= 0.5
    assert p[CAUSES].max() < 0.02


def test_p_is_the_chance_of_as_many_heads():
    rows = voxel_rows(make_ranking_world(1.2, 1, patients=12))
    share, p = beat_shadows(rows, effort=Effort(rounds=3, trees=4), seed=0, report=ignore)
    heads = {0: 1.0, 1: 7 / 8, 2: 4 / 8, 3: 1 / 8}
    assert p == pytest.approx([heads[round(3 * s)] for s in share])


def test_impurity_importances_sum_to_one():
    rows = voxel_rows(make_ranking_world(1.2, 1, patients=12))
    importance = impurity_importance(rows, effort=QUICK, seed=0)
    assert importance.sum() == pytest.approx(1.0)
    assert importance.shape == (16,)
    assert np.all(importance >= 0)
