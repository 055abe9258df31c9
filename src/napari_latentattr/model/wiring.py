"""Which features of a graph's output some input features can reach at all: by its zeros alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor

from napari_latentattr.model.graph import Graph, Step


def features_reached(
    graph: Graph, channels: Sequence[int], activations: Sequence[Tensor]
) -> Tensor:
    """Output features that depend on some input channels, (K,) bool.

    A weight of exactly zero, and a group of other channels, lets nothing through.

    Parameters
    ----------
    activations : sequence of (1, F, *S) tensor
        What each step gave, for the number of features.
    """
    start = torch.zeros(activations[0].shape[1], dtype=torch.bool)
    start[list(channels)] = True
    found = [start]
    for step, output in zip(graph.steps[1:], activations[1:], strict=True):
        found.append(_reached(step, [found[i] for i in step.inputs], output.shape[1]))
    return found[-1]


def _reached(step: Step, given: Sequence[Tensor], width: int) -> Tensor:
    if step.kind == "cat":
        return torch.cat(list(given))
    if step.kind in ("conv", "conv_transpose"):
        return _mixed(step, given[0])
    return torch.stack([mask.expand(width) for mask in given]).any(dim=0)


def _mixed(step: Step, given: Tensor) -> Tensor:
    """Output features of a convolution with a weight for one of the given features."""
    layer = cast("Any", step.module)
    there = (layer.weight != 0).flatten(2).any(dim=2).cpu()
    parts = given.view(layer.groups, -1)
    if step.kind == "conv_transpose":  # (in, out of a group)
        wired = there.view(layer.groups, parts.shape[1], -1).transpose(1, 2)
    else:  # (out, in of a group)
        wired = there.view(layer.groups, -1, parts.shape[1])
    reached: Tensor = (wired & parts[:, None]).any(dim=2).flatten()
    return reached
