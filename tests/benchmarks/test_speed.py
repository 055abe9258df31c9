from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from napari_latentattr.benchmarks.speed import WORKLOADS, Workload, build_workload, speed

SMALL = Workload("S", 6, (2, 3, 4), (16, 16), target=1.0)
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
    timed = speed(2, workloads=(SMALL, SMALL_3D), raws=4)
    record = json.loads(json.dumps(timed.record()))
    assert [len(row["ratio"]["wall"]) for row in record["timed"]] == [2, 2]
    assert all(ratio > 0 for row in record["timed"] for ratio in row["ratio"]["wall"])
    assert record["threads"] == 1
    table = timed.markdown()
    assert "| S: 6 cases, 2 images of 16 x 16, 4 maps | 48 |" in table
    assert record["allocator"] in table
    assert torch.get_num_threads() >= 1
