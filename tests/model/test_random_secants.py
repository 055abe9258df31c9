"""Secants of random networks: parts sum to the change of the output, whatever the network holds."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest
import torch
from tests.random_networks import RandomNetwork, random_network
from torch import Tensor, nn

from napari_latentattr.model.graph import Graph
from napari_latentattr.model.reading import graph_of
from napari_latentattr.model.secants import Secants
from napari_latentattr.model.tracing import symbolic_trace

NETWORKS = 240


def read(network: RandomNetwork) -> Graph:
    trace = symbolic_trace(nn.Sequential(OrderedDict(net=network.module)), "net", after=False)
    assert trace is not None
    return graph_of(trace, network.ndim)


def check(seed: int, dtype: torch.dtype, exactness: float) -> None:
    network = random_network(seed)
    network.module.to(dtype)
    graph, rng = read(network), np.random.default_rng([seed, 2])
    shape = (1, network.n_channels, *network.shape)
    x, start = (torch.from_numpy(rng.standard_normal(shape)).to(dtype) for _ in range(2))
    same = rng.random(shape) < 0.1  # voxels that do not change have slopes instead
    start[torch.from_numpy(same)] = x[torch.from_numpy(same)]
    start = start if rng.random() < 0.8 else torch.zeros_like(start)
    secants = Secants(graph, x, start, apart=bool(rng.random() < 0.5))
    outputs = [network.module(side.clone()) for side in (x, start)]
    change = outputs[0] - outputs[1]
    parts = torch.from_numpy(rng.standard_normal((3, *shape[1:]))).to(dtype)
    parts[2] = (x - start)[0] - parts[:2].sum(0)
    alone = secants.send_features(range(network.n_channels))
    one = torch.zeros_like(x)
    one[:, -1] = (x - start)[:, -1]
    for found, truth, size in (
        (secants.change, change, change),
        (alone.sum(0, keepdim=True), change, alone),
        (secants.send(parts).sum(0, keepdim=True), change, secants.send(parts)),
        (secants.send(one), alone[-1:], alone),
    ):
        largest = max(float(size.abs().max()), *(float(side.abs().max()) for side in outputs))
        torch.testing.assert_close(found, truth, rtol=0, atol=exactness * largest)


@pytest.mark.parametrize("first", range(0, NETWORKS, 40))
@torch.inference_mode()
def test_parts_sum_to_the_change_of_a_random_network(first: int) -> None:
    for seed in range(first, first + 40):
        try:
            check(seed, torch.float64, 1e-10)
        except Exception as error:
            error.add_note(f"random network {seed}: {random_network(seed).module}")
            raise


@torch.inference_mode()
def test_single_precision_keeps_the_sum() -> None:
    for seed in range(1000, 1040):
        check(seed, torch.float32, 1e-5)


@torch.inference_mode()
def test_a_wrong_division_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def slope_at_the_start(step: object, end: Tensor, begin: Tensor, change: Tensor) -> Tensor:
        return (begin > 0).to(begin.dtype)

    monkeypatch.setattr("napari_latentattr.model.secants._gate", slope_at_the_start)
    noticed = 0
    for seed in range(40):
        try:
            check(seed, torch.float64, 1e-10)
        except AssertionError:
            noticed += 1
    assert noticed >= 20
