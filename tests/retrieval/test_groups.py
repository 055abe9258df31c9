from __future__ import annotations

import numpy as np
import pytest

from napari_latentattr.retrieval.differences import Sides, compare_maps, labels_without
from napari_latentattr.retrieval.group_gate import likeness_of_patients
from napari_latentattr.retrieval.partition import partitions
from napari_latentattr.retrieval.valley import valley_depth


def test_a_valley_is_empty_between_far_groups_and_absent_in_one():
    rng = np.random.default_rng(0)
    value = np.sort(rng.standard_normal(400))
    assert valley_depth(value - 10, value + 10) > 0.999
    assert valley_depth(value[:200], value[200:]) < 0.15


def test_the_valley_does_not_depend_on_scale_or_sign():
    rng = np.random.default_rng(1)
    one, other = rng.standard_normal(30), rng.standard_normal(20) + 4
    assert valley_depth(one, other) == pytest.approx(valley_depth(-7 * one + 2, -7 * other + 2))


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_likeness_of_patients_is_the_share_of_variance_between_them(share):
    rng = np.random.default_rng(2)
    patient = np.repeat(np.arange(2000), 3)
    between = np.sqrt(share) * rng.standard_normal((2000, 2))[patient]
    score = between + np.sqrt(1 - share) * rng.standard_normal((6000, 2))
    assert likeness_of_patients(score, patient) == pytest.approx([share, share], abs=0.03)


def test_patients_with_one_case_each_lie_apart_in_all_they_do():
    score = np.random.default_rng(3).standard_normal((10, 2))
    assert likeness_of_patients(score, np.arange(10)).tolist() == [1, 1]


def test_a_cut_has_groups_of_the_least_size_or_is_not_made():
    score = np.random.default_rng(4).standard_normal((60, 3))
    for count, cut in partitions(score, least=8).items():
        sizes = np.bincount(cut.label[~cut.far])
        assert sizes.size == count
        assert sizes.min() >= 8


def test_a_map_of_noise_is_called_no_more_often_than_promised():
    rng = np.random.default_rng(5)
    called = tested = 0
    for _ in range(60):
        kind = np.repeat([0, 1], 30)
        pooled = rng.standard_normal((60, 8))
        pooled[:, :5] += 3 * kind[:, None]
        cut = partitions(pooled, least=4)[2]
        label = np.where(cut.far, -1, cut.label)
        others = labels_without(pooled, label, least=4, report=lambda _done, _all: None)
        side = Sides(np.arange(60), label)
        found = compare_maps([str(k) for k in range(8)], pooled, side, others)
        noise = [d.p for d in found if int(d.name) >= 5 and d.cluster == 0]
        called += sum(p < 0.05 for p in noise)
        tested += len(noise)
    assert tested == 180
    assert called <= 17  # 5 % of 180 are 9; 17 or fewer in 99 % of draws
