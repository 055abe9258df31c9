"""Differences between two inputs sent through a network, divided exactly among their parts.

Every step that is not linear is replaced by its secant between the two inputs: what it did to
them, over how far they are apart. The network so made is linear, and the outputs for the parts of
a difference sum to the difference of the outputs. Knows no map and no image.

References
----------
Shrikumar, Greenside, Kundaje: Learning important features through propagating activation
differences, ICML 2017 (the rescale rule, there sent backwards).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_latentattr.model.graph import Graph, Step
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.reading import read_decoder, read_encoder
from napari_latentattr.model.slicewise import SlicewiseModel

Linear: TypeAlias = Callable[..., Tensor]

# Nearer than this, relative to the largest value, two numbers have a slope and no secant: what
# they differ by is rounding. The slope is taken over a step of SLOPE times that largest value.
NEAR = 1e-6
SLOPE = 1e-3


class Secants:
    """Secants of all steps of a graph between two inputs.

    Parameters
    ----------
    graph : Graph
    x, start : (1, F, *S) tensor

    Attributes
    ----------
    change : (1, G, *T) tensor
        Of the output, between the two inputs.
    """

    def __init__(self, graph: Graph, x: Tensor, start: Tensor) -> None:
        self._steps = graph.steps
        self._uses = [0] * len(graph.steps)
        for step in graph.steps:
            for i in step.inputs:
                self._uses[i] += 1
        ends, starts = [x], [start]
        self._linear: list[Linear] = [lambda d: d]
        for step in graph.steps[1:]:
            end, begin = ([side[i] for i in step.inputs] for side in (ends, starts))
            ends.append(step.run(*end))
            starts.append(step.run(*begin))
            self._linear.append(_linear(step, end, begin, ends[-1], starts[-1]))
        self.change = ends[-1] - starts[-1]

    def send(self, difference: Tensor) -> Tensor:
        """Send parts (N, F, *S) of the difference of the inputs through; (N, G, *T) come out."""
        return self._walk({0: difference})

    def send_features(self, difference: Tensor, features: Sequence[int]) -> Tensor:
        """Send the difference in each of N features alone; (N, G, *T) come out.

        Parameters
        ----------
        difference : (1, F, *S) tensor
        features : sequence of int
            N of them. The first convolutions see no more than the one feature.
        """
        given: dict[int, Tensor] = {}
        for i, step in enumerate(self._steps):
            if step.inputs == (0,) and step.one_feature is not None:
                parts = [step.one_feature(difference[:, k, None], k) for k in features]
                given[i] = torch.cat(parts)
        if len(given) < self._uses[0] or len(self._steps) == 1:
            alone = difference.new_zeros(len(features), *difference.shape[1:])
            for row, k in enumerate(features):
                alone[row, k] = difference[0, k]
            given[0] = alone
        return self._walk(given)

    def _walk(self, given: dict[int, Tensor]) -> Tensor:
        """Output of the linear steps, with the outputs of some of them given."""
        left = list(self._uses)
        found = dict(given)
        for i, step in enumerate(self._steps):
            if i not in found and i > 0:
                linear, own = self._linear[i], step.inputs[0]
                if isinstance(linear, _Gate) and own != 0 and left[own] == 1:
                    found[i] = linear.in_place(found[own])
                else:
                    found[i] = linear(*(found[j] for j in step.inputs))
            for j in step.inputs:
                left[j] -= 1
                if not left[j]:
                    found.pop(j, None)
        return found[len(self._steps) - 1]


class Division:
    """The change of a half of a model between two inputs, divided among the input's features.

    A volume under a 2D model is divided slice by slice.

    Parameters
    ----------
    model : LatentModel or SlicewiseModel
        Inside ``running``.
    half : {"encoder", "decoder"}
    x, start : (1, F, *S) tensor

    Raises
    ------
    UnreadableError
        When that half is no plain list of steps.
    """

    def __init__(
        self,
        model: LatentModel | SlicewiseModel,
        half: Literal["encoder", "decoder"],
        x: Tensor,
        start: Tensor,
    ) -> None:
        self._volumes = model if isinstance(model, SlicewiseModel) else None
        read = read_encoder if half == "encoder" else read_decoder
        graph = read(model.model if isinstance(model, SlicewiseModel) else model)
        ends, starts = (self._planes(side) for side in (x, start))
        self._differences = [a - b for a, b in zip(ends, starts, strict=True)]
        self._secants = [Secants(graph, a, b) for a, b in zip(ends, starts, strict=True)]

    def part(self, feature: int) -> Tensor:
        """Return what one feature adds to the output, (1, G, *T)."""
        sides = zip(self._secants, self._differences, strict=True)
        sent = torch.cat([secants.send_features(d, [feature]) for secants, d in sides])
        return sent if self._volumes is None else self._volumes.unfold(sent, 1)

    @property
    def change(self) -> Tensor:
        """Change of the output between the two inputs, (1, G, *T)."""
        changes = torch.cat([secants.change for secants in self._secants])
        return changes if self._volumes is None else self._volumes.unfold(changes, 1)

    def _planes(self, x: Tensor) -> list[Tensor]:
        return [x] if self._volumes is None else list(torch.split(self._volumes.fold(x), 1))


def _linear(
    step: Step, end: list[Tensor], begin: list[Tensor], out_end: Tensor, out_begin: Tensor
) -> Linear:
    """Linear step that sends the difference of the inputs to the difference of the outputs."""
    if step.linear is not None:
        return step.linear
    if step.kind == "max_pool":
        return _max_pool(step, end[0], begin[0])
    if step.kind == "product":
        # Half of each order of exchange, so that neither factor comes first.
        means = [(a + b) / 2 for a, b in zip(end, begin, strict=True)]
        return lambda d, e: d * means[1] + e * means[0]
    return _Gate(_gate(step, end[0], begin[0], out_end - out_begin))


class _Gate:
    """Multiplies a difference by the secants of an activation."""

    def __init__(self, gate: Tensor) -> None:
        self._gate = gate

    def __call__(self, d: Tensor) -> Tensor:
        return d * self._gate

    def in_place(self, d: Tensor) -> Tensor:
        """Do it in the memory of a difference that nobody else reads."""
        return d.mul_(self._gate)


def _gate(step: Step, end: Tensor, begin: Tensor, change: Tensor) -> Tensor:
    gap = end - begin
    size = max(*(float(side) for x in (end, begin) for side in (-x.amin(), x.amax())), 1e-30)
    near = gap.abs() <= NEAR * size
    if not bool(near.any()):
        return change.div_(gap)
    gate = change.div_(gap.masked_fill_(near, 1.0))
    reach = SLOPE * size
    if isinstance(step.module, nn.PReLU):  # its slopes go by feature
        slope = (step.run(begin + reach) - step.run(begin - reach)) / (2 * reach)
        return torch.where(near, slope, gate)
    at = begin[near]
    gate[near] = (step.run(at + reach) - step.run(at - reach)) / (2 * reach)
    return gate


def _max_pool(step: Step, end: Tensor, begin: Tensor) -> Linear:
    """All of the change goes to the winner of the larger maximum; its own change is no less."""
    (high, high_at), (low, low_at) = (_winners(step, x) for x in (end, begin))
    at = torch.where(high >= low, high_at, low_at).flatten(2)
    own = (end - begin).flatten(2).gather(2, at).view(high.shape)
    gate = torch.where(own == 0, torch.zeros_like(own), (high - low) / own)

    def send(d: Tensor) -> Tensor:
        picked = d.flatten(2).gather(2, at.expand(len(d), -1, -1))
        return picked.view(len(d), *gate.shape[1:]) * gate

    return send


def _winners(step: Step, x: Tensor) -> tuple[Tensor, Tensor]:
    pool: Any = functional.max_pool2d if x.ndim == 4 else functional.max_pool3d
    part: Any = step.module
    settings = (part.kernel_size, part.stride, part.padding, part.dilation)
    high, at = pool(x, *settings, ceil_mode=part.ceil_mode, return_indices=True)
    return high, at
