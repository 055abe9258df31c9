from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.model.test_covered import filled_one_by_one, noise, read, some_windows
from tests.random_networks import RandomNetwork, random_network
from torch import nn

from napari_latentattr.model.boxes import Boxes
from napari_latentattr.model.covered import CoveredCase
from napari_latentattr.model.tiles import Canvas, slices
from napari_latentattr.model.tilings import tiles_of
from napari_latentattr.model.windows import Windows

NETWORKS = 60


def small_limit(canvas: Canvas) -> int:
    """Room for about a fifth of all activations."""
    return sum(image.numel() for image in canvas.images) * 8 // 5


@pytest.mark.parametrize("first", range(0, NETWORKS, 20))
def test_tiles_together_give_the_latents_of_the_whole(first: int) -> None:
    parts = 0
    for seed in range(first, first + 20):
        network = random_network(seed)
        network.module.double()
        graph, x = read(network), noise(network, seed)
        canvas, whole = Canvas(graph, x), graph.activations(x)
        assert [i.shape for i in canvas.images] == [a.shape for a in whole], network.module
        found = torch.full_like(whole[-1], torch.nan)
        for boxes in tiles_of(canvas, small_limit(canvas)):
            parts += 1
            found[slices(boxes[-1])] = canvas.latents(x[slices(boxes[0])], boxes)
        largest = float(whole[-1].abs().max())
        torch.testing.assert_close(
            found, whole[-1], rtol=0, atol=1e-12 * largest, msg=str(network.module)
        )
    assert parts > 5 * 20


@pytest.mark.parametrize("first", range(0, NETWORKS, 20))
def test_windows_in_a_tile_change_the_latents_as_a_whole_pass_says(first: int) -> None:
    smaller = 0
    for seed in range(first, first + 20):
        network = random_network(seed)
        network.module.double()
        rng = np.random.default_rng([seed, 2])
        graph, x, filled = read(network), noise(network, seed), noise(network, seed + 1)
        starts, size = some_windows(network, rng)
        canvas = Canvas(graph, x)
        found = torch.full((len(starts), canvas.images[-1].shape[1]), torch.nan).double()
        truth = filled_one_by_one(network, x, filled, starts.tolist(), size, [0])
        own = graph(x)
        weight = torch.from_numpy(rng.random((1, 1, *truth.shape[2:])))
        expected = ((own - truth) * weight).flatten(2).sum(-1)
        for pair in ([0], [1, 2], [3, 4, 5], [6, 7]):
            windows = Windows(canvas, starts[pair], size, whole=False)
            smaller += windows.boxes[0].size.prod() < np.prod(network.shape)
            tile = canvas.tile(x[slices(windows.boxes[0])], windows.boxes)
            case = CoveredCase(windows, tile.activations)
            part = filled[slices(windows.boxes[0])]
            weights, wanted = weight[slices(windows.boxes[-1])], np.ones(len(pair), bool)
            for rows, effect in case.effects(part, [0], weights, wanted):
                found[torch.tensor(pair)[torch.from_numpy(rows)]] = effect
        torch.testing.assert_close(
            found, expected, rtol=0, atol=1e-12 * float(own.abs().max()), msg=str(network.module)
        )
    assert smaller > 20


def test_a_tile_asks_for_no_more_than_its_latents_see() -> None:
    layers = nn.Sequential(nn.Conv2d(2, 3, 3, 2, 1), nn.Conv2d(3, 2, 3))
    network = RandomNetwork(layers, 2, 2, (41, 41))
    canvas = Canvas(read(network), noise(network, 0).float())
    box = Boxes(np.array([[5, 0]]), np.array([2, 1]))
    boxes = canvas.needed([None, None, box])
    assert [b.origin.tolist() for b in boxes] == [[[9, 0]], [[5, 0]], [[5, 0]]]
    assert [b.size.tolist() for b in boxes] == [[9, 6], [4, 3], [2, 1]]
