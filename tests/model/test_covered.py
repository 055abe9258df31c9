from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
import torch
from tests.random_networks import RandomNetwork, random_network
from torch import Tensor, nn

from napari_latentattr.model.covered import CoveredCase
from napari_latentattr.model.graph import Graph
from napari_latentattr.model.reading import graph_of
from napari_latentattr.model.tiles import Canvas
from napari_latentattr.model.tracing import symbolic_trace
from napari_latentattr.model.windows import Windows

NETWORKS = 240


def read(network: RandomNetwork) -> Graph:
    trace = symbolic_trace(nn.Sequential(OrderedDict(net=network.module)), "net", after=False)
    assert trace is not None
    return graph_of(trace, network.ndim)


def noise(network: RandomNetwork, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = (1, network.n_channels, *network.shape)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def some_windows(
    network: RandomNetwork, rng: np.random.Generator
) -> tuple[np.ndarray, tuple[int, ...]]:
    """Windows anywhere, the first and the last place among them."""
    size = rng.integers(1, 7, size=network.ndim)
    room = np.asarray(network.shape) - size
    drawn = [rng.integers(0, room + 1) for _ in range(6)]
    return np.stack([np.zeros_like(room), room, *drawn]), tuple(size.tolist())


def filled_one_by_one(
    network: RandomNetwork,
    x: Tensor,
    filled: Tensor,
    starts: Iterable[Sequence[int]],
    size: Sequence[int],
    channels: Sequence[int],
) -> Tensor:
    """Latents (W, K, *L) of the case with each window filled, by whole passes."""
    found = []
    for start in starts:
        box = tuple(slice(a, a + n) for a, n in zip(start, size, strict=True))
        covered = x.clone()
        for c in channels:
            covered[(0, c, *box)] = filled[(0, c, *box)]
        found.append(network.module(covered.clone()))
    return torch.cat(found)


def check(network: RandomNetwork, seed: int, *, exactness: float, dtype: torch.dtype) -> None:
    rng = np.random.default_rng([seed, 1])
    network.module.to(dtype)
    graph, x, filled = (
        read(network),
        noise(network, seed).to(dtype),
        noise(network, seed + 1).to(dtype),
    )
    starts, size = some_windows(network, rng)
    channels = [0] if rng.random() < 0.5 else list(range(network.n_channels))
    activations = graph.activations(x)
    case = CoveredCase(Windows(Canvas(graph, x), starts, size), activations)
    truth = filled_one_by_one(network, x, filled, starts.tolist(), size, channels)
    weight = torch.from_numpy(rng.random((1, 1, *truth.shape[2:]))).to(dtype)
    weight /= weight.sum()
    expected = ((activations[-1] - truth) * weight).flatten(2).sum(-1)
    found = torch.full_like(expected, torch.nan)
    for rows, effect in case.effects(filled, channels, weight, np.ones(len(starts), bool)):
        found[torch.from_numpy(rows)] = effect
    largest = float(activations[-1].abs().max())
    torch.testing.assert_close(found, expected, rtol=0, atol=exactness * largest)


@pytest.mark.parametrize("first", range(0, NETWORKS, 40))
def test_a_filled_window_changes_the_latents_as_a_whole_pass_says(first: int) -> None:
    for seed in range(first, first + 40):
        try:
            check(random_network(seed), seed, exactness=1e-12, dtype=torch.float64)
        except Exception as error:
            error.add_note(f"random network {seed}: {random_network(seed).module}")
            raise


def test_single_precision_is_enough_for_one_part_in_a_million() -> None:
    for seed in range(1000, 1040):
        check(random_network(seed), seed, exactness=1e-6, dtype=torch.float32)


def test_windows_that_change_no_voxel_are_left_out() -> None:
    network = random_network(0)
    network.module.double()
    graph, x = read(network), noise(network, 0)
    activations = graph.activations(x)
    starts = np.array([[0, 0], [5, 5], [8, 8], [12, 3]])
    case = CoveredCase(Windows(Canvas(graph, x), starts, (4, 4)), activations)
    filled = x.clone()
    filled[..., 9, 9] += 1
    weight = torch.ones(1, 1, *activations[-1].shape[2:], dtype=torch.float64)
    found = [rows.tolist() for rows, _ in case.effects(filled, [0], weight, np.ones(4, bool))]
    assert found == [[2]]
