from dataclasses import replace

import numpy as np
import pytest

from napari_latentattr.benchmarks.ranking_worlds import make_ranking_world, voxel_rows
from napari_latentattr.ranking.clusters import cluster_maps, correlate, map_profiles
from napari_latentattr.ranking.rows import Rows
from napari_latentattr.ranking.units import patients_as_units


def rows_of(values) -> Rows:
    values = np.asarray(values, dtype=np.float32)
    n, places, n_maps = values.shape
    return Rows(
        values=values,
        inside=np.ones((n, places), bool),
        label=np.arange(n * places).reshape(n, places) % 2,
        map_of=np.arange(n_maps),
        classes=("elsewhere", "labelled"),
        units=patients_as_units(range(n)),
    )


def test_a_map_and_its_negative_copy_are_one_cluster():
    a, b = np.random.default_rng(0).standard_normal((2, 6, 50))
    assert cluster_maps(rows_of(np.stack([a, b, -a], axis=2))).tolist() == [0, 1, 0]


@pytest.mark.parametrize(("r", "together"), [(0.6, False), (0.8, True)])
def test_maps_are_joined_from_a_correlation_of_seven_tenths(r, together):
    a, b = np.random.default_rng(0).standard_normal((2, 6, 500))
    mixed = r * a + np.sqrt(1 - r**2) * b
    first, second = cluster_maps(rows_of(np.stack([a, mixed], axis=2)))
    assert (first == second) == together


def test_one_map_and_a_still_map_are_clusters_of_their_own():
    a = np.random.default_rng(0).standard_normal((6, 5))
    assert cluster_maps(rows_of(a[:, :, None])).tolist() == [0]
    assert cluster_maps(rows_of(np.stack([a, np.ones_like(a)], axis=2))).tolist() == [0, 1]


def test_maps_are_compared_where_the_outcome_differs():
    rows = voxel_rows(make_ranking_world(0.0, 0, patients=12))
    rng = np.random.default_rng(0)
    assert map_profiles(rows, rng) == pytest.approx(rows.values.mean(axis=1), abs=1e-5)
    label = rows.label.copy()
    label[0, 0] = 1 - label[0, 0]
    assert map_profiles(replace(rows, label=label), rng).shape == (12 * 16, 16)


def test_correlation_is_that_of_numpy():
    profile = np.random.default_rng(0).standard_normal((30, 4))
    assert correlate(profile) == pytest.approx(np.corrcoef(profile.T))
