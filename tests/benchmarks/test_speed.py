from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from napari_latentattr.benchmarks.speed import WORKLOADS, WORKS, Workload, build_workload, speed
from napari_latentattr.benchmarks.speed.covering import covering
from napari_latentattr.benchmarks.speed.dependence import dependence
from napari_latentattr.benchmarks.speed.importance import TABLE, importance
from napari_latentattr.benchmarks.speed.secants import click, decoder, next_click, rescale
from napari_latentattr.benchmarks.speed.shapley import exact_shapley, sampled_shapley

SMALL = Workload("S", 6, (2, 3, 4), (16, 16), target=1.0)
MANY = Workload("M", 1, (10, 12, 4), (16, 16), target=1.0)
COVERED = Workload("C", 1, (2, 8, 8, 9), (32, 32), target=1.0)
COVERED_3D = Workload("C3", 1, (2, 8, 8, 9), (32, 32, 32), target=1.0)
SMALL_3D = Workload("S3", 6, (2, 3, 4), (8, 8, 8), target=1.0)


def test_the_workloads_are_those_that_the_targets_speak_of() -> None:
    assert [work.passes for work in WORKLOADS] == [1536, 192]
    assert [(w.features[0], w.features[-1], w.shape) for w in WORKLOADS] == [
        (16, 64, (256, 256)),
        (4, 64, (96, 96, 96)),
    ]


@pytest.mark.parametrize("work", [SMALL, SMALL_3D])
def test_a_workload_is_the_same_every_time_and_touches_no_global_state(work: Workload) -> None:
    before = torch.get_rng_state()
    (first, images), (again, same) = build_workload(work), build_workload(work)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(images, same)
    assert images.shape == (work.n_cases, work.features[0], *work.shape)
    for a, b in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)


def test_cases_of_a_workload_differ_and_have_unit_variance() -> None:
    _, images = build_workload(SMALL)
    assert not torch.equal(images[0], images[1])
    assert np.allclose(images.flatten(1).std(1), 1, atol=1e-5)


def test_the_timing_is_told_as_record_and_as_table() -> None:
    works = [partial(dependence, SMALL), partial(dependence, SMALL_3D)]
    timed = speed(2, works=works, raws=4)
    record = json.loads(json.dumps(timed.record()))
    assert [len(row["ratio"]["wall"]) for row in record["timed"]] == [2, 2]
    assert all(ratio > 0 for row in record["timed"] for ratio in row["ratio"]["wall"])
    assert record["timed"][0]["workload"]["name"] == "S"
    assert record["threads"] == 1
    table = timed.markdown()
    assert "| S: 6 cases, 2 images of 16 x 16, 4 maps | 48 | pass |" in table
    assert record["allocator"] in table
    assert torch.get_num_threads() >= 1


def test_short_cuts_tell_how_far_they_are_from_the_plain_way() -> None:
    works = [partial(exact_shapley, SMALL_3D), partial(sampled_shapley, MANY)]
    exact, sampled = speed(1, works=works, raws=2).timed
    assert (exact.name[:32], exact.unit, exact.units) == (
        "S3: exact Shapley, 4 coalitions,",
        "answer",
        1,
    )
    assert (sampled.unit, sampled.units, sampled.target) == ("coalition", 347, 0.85)
    assert 0 <= exact.exactness < 1e-6
    assert 0 < sampled.exactness < 1e-6


@pytest.mark.parametrize("make", [covering, decoder, rescale])
@pytest.mark.parametrize("workload", [COVERED, COVERED_3D], ids=["2D", "3D"])
def test_works_of_one_case_tell_how_exact_they_are(make, workload: Workload) -> None:
    (timed,) = speed(1, works=[partial(make, workload)], raws=2).timed
    assert timed.unit == "answer"
    assert 0 <= timed.exactness < 1e-5


def test_one_map_of_the_decoder_is_timed_cold_and_warm() -> None:
    cold, warm = speed(1, works=[partial(w, SMALL) for w in (click, next_click)], raws=2).timed
    assert (cold.target, warm.target) == (4.2, 1.25)


def test_every_work_is_built_on_one_of_the_workloads() -> None:
    names = [(make.func.__name__, make.args[0].name) for make in WORKS]
    assert len(set(names)) == len(names) >= 4
    assert names[:2] == [("dependence", "W1"), ("dependence", "W2")]
    assert all(make.args[0] in (*WORKLOADS, TABLE) for make in WORKS)


def test_every_prediction_of_an_importance_is_counted() -> None:
    made = importance(replace(TABLE, n_cases=60, features=(3, 3)), trees=20)
    assert made.units == 15
    loss = made.run()
    assert loss.shape == (3,)
    assert loss.argmax() == 0
