from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from napari_latentattr.model.reading import graph_of
from napari_latentattr.model.tracing import symbolic_trace
from napari_latentattr.model.wiring import features_reached


def reached(module: nn.Module, n_channels: int, channels: list[int]) -> list[bool]:
    trace = symbolic_trace(nn.Sequential(OrderedDict(net=module.eval())), "net", after=False)
    assert trace is not None
    graph = graph_of(trace, 2)
    activations = graph.activations(torch.zeros(1, n_channels, 8, 8))
    return features_reached(graph, channels, activations).tolist()


def test_groups_keep_their_features_to_themselves() -> None:
    module = nn.Sequential(
        nn.Conv2d(3, 6, 3, groups=3), nn.ReLU(), nn.ConvTranspose2d(6, 3, 2, groups=3)
    )
    assert reached(module, 3, [1]) == [False, True, False]
    assert reached(module, 3, [0, 2]) == [True, False, True]


def test_a_weight_of_zero_lets_nothing_through() -> None:
    layer = nn.Conv2d(2, 2, 3)
    layer.weight.data[0, 1] = 0
    assert reached(layer, 2, [1]) == [False, True]
    assert reached(layer, 2, [0]) == [True, True]


def test_a_transposed_weight_of_zero_lets_nothing_through() -> None:
    layer = nn.ConvTranspose2d(2, 3, 3)
    layer.weight.data[1, 2] = 0
    assert reached(layer, 2, [1]) == [True, True, False]


class Joined(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 2, 1)
        self.first.weight.data[:, 1] = 0
        self.second = nn.Conv2d(2, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        return torch.cat([y, y + self.second(x)], dim=1)


def test_branches_are_followed_each_by_itself() -> None:
    assert reached(Joined(), 2, [1]) == [False, False, True, True]
