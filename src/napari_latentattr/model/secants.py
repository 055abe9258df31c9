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

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_latentattr.model.engine import reserve_heap
from napari_latentattr.model.first_layer import bytes_of_responses, first_convolution
from napari_latentattr.model.graph import Graph, Step
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.reading import read_decoder, read_encoder
from napari_latentattr.model.slicewise import SlicewiseModel

Linear: TypeAlias = Callable[..., Tensor]

# Nearer than this, relative to the largest value, two numbers have a slope and no secant: what
# they differ by is rounding. The slope is taken over a step of SLOPE times that largest value.
NEAR = 1e-6
SLOPE = 1e-3
# Of what a first convolution answers to each feature; more leaves the cache and saves nothing.
_KEPT_BYTES = 32 * 2**20


class Secants:
    """Secants of all steps of a graph between two inputs.

    Parameters
    ----------
    graph : Graph
    x, start : (1, F, *S) tensor
    apart : bool
        Every feature will be sent alone, so that what the first convolutions answer to each is
        worth keeping: they then need not see the end at all.

    Attributes
    ----------
    change : (1, G, *T) tensor
        Of the output, between the two inputs.
    """

    def __init__(self, graph: Graph, x: Tensor, start: Tensor, *, apart: bool = False) -> None:
        self._steps, self._difference = graph.steps, x - start
        self._uses = [0] * len(graph.steps)
        for step in graph.steps:
            for i in step.inputs:
                self._uses[i] += 1
        self._alone: dict[int, list[Tensor]] = {}
        first = [step for step in graph.steps if 0 in step.inputs]
        apart = apart and all(step.each_alone is not None for step in first)
        # Both at once: torch convolves a single volume by slower code.
        found = [start if apart else torch.cat([x, start])]
        self._linear: list[Linear] = [lambda d: d]
        for i, step in enumerate(graph.steps[1:], start=1):
            given = [found[k] for k in step.inputs]
            out = self._share(i, step, start) if apart and step in first else step.run(*given)
            self._linear.append(_linear(step, given, out))
            found.append(out)
        self.change = found[-1][:1] - found[-1][1:]

    def _share(self, i: int, step: Step, start: Tensor) -> Tensor:
        """Output (2, G, *T) of a first convolution, made of its answers to each feature."""
        alone = self._alone[i] = []
        for k in range(0, start.shape[1], 2):
            alone += self._answers(step, range(k, min(k + 2, start.shape[1])))
        out = torch.empty_like(alone[0].expand(2, *alone[0].shape))
        if start.any():
            out[1:] = step.run(start)
        else:  # then it answers with its bias
            bias = getattr(step.module, "bias", None)
            out[1] = 0.0 if bias is None else bias.view(-1, *[1] * (out.ndim - 2))
        torch.add(out[1], alone[0], out=out[0])
        for part in alone[1:]:
            out[0] += part
        return out

    def _answers(self, step: Step, features: Sequence[int]) -> Tensor:
        """Answer of a first convolution to some features alone, (P, G, *T)."""
        if step.each_alone is None:
            raise ValueError(f"{step.name} cannot answer to one feature alone")
        return step.each_alone(self._difference[:, list(features)], features)

    def send(self, difference: Tensor) -> Tensor:
        """Send parts (N, F, *S) of the difference of the inputs through; (N, G, *T) come out."""
        return self._walk({0: difference})

    def send_features(self, features: Sequence[int]) -> Tensor:
        """Send the difference of the inputs in each of N features alone; (N, G, *T) come out.

        The first convolutions see no more than each one.
        """
        which = list(features)
        given: dict[int, Tensor] = {}
        for i, step in enumerate(self._steps):
            if i in self._alone:
                given[i] = torch.stack([self._alone[i][k] for k in which])
            elif step.inputs == (0,) and step.each_alone is not None:
                given[i] = self._answers(step, which)
        if len(given) < self._uses[0] or len(self._steps) == 1:
            alone = torch.zeros_like(
                self._difference.expand(len(which), *self._difference.shape[1:])
            )
            for row, k in enumerate(which):
                alone[row, k] = self._difference[0, k]
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
        flat = model.model if isinstance(model, SlicewiseModel) else model
        reserve_heap(flat)
        graph = read(flat)
        ends, starts = (self._planes(side) for side in (x, start))
        # All images are asked for, of the maps often one.
        layer = first_convolution(flat) if half == "encoder" else None
        kept = math.inf if layer is None else bytes_of_responses(layer, ends[0], x.shape[1])
        sides = zip(ends, starts, strict=True)
        self._secants = [Secants(graph, a, b, apart=kept <= _KEPT_BYTES) for a, b in sides]

    def parts(self, features: Sequence[int]) -> Tensor:
        """Return what each of P features adds to the output, (P, G, *T)."""
        sent = [secants.send_features(features) for secants in self._secants]
        if self._volumes is None:
            return sent[0]
        volumes = torch.stack(sent, dim=1)  # (P, slices, G, *T)
        return torch.cat([self._volumes.unfold(one, 1) for one in volumes])

    @property
    def together(self) -> int:
        """How many parts are best asked for at once; more leave the cache."""
        return 2 if self._volumes is None and self._secants[0].change.ndim == 5 else 1

    @property
    def change(self) -> Tensor:
        """Change of the output between the two inputs, (1, G, *T)."""
        changes = torch.cat([secants.change for secants in self._secants])
        return changes if self._volumes is None else self._volumes.unfold(changes, 1)

    def _planes(self, x: Tensor) -> list[Tensor]:
        return [x] if self._volumes is None else list(torch.split(self._volumes.fold(x), 1))


def _linear(step: Step, given: list[Tensor], out: Tensor) -> Linear:
    """Linear step that sends the difference of the inputs to the difference of the outputs.

    Inputs and output (2, F, *S): the end and the start.
    """
    if step.linear is not None:
        return step.linear
    if step.kind == "max_pool":
        return _max_pool(step, given[0][:1], given[0][1:])
    if step.kind == "product":
        # Half of each order of exchange, so that neither factor comes first.
        means = [x.mean(dim=0, keepdim=True) for x in given]
        return lambda d, e: d * means[1] + e * means[0]
    return _Gate(_gate(step, given[0][:1], given[0][1:], out[:1] - out[1:]))


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
    size = max(1e-30, *(abs(float(edge)) for x in (end, begin) for edge in torch.aminmax(x)))
    near = (gap.abs() <= NEAR * size).nonzero(as_tuple=True)
    if not len(near[0]):
        return change.div_(gap)
    gap[near] = 1.0
    gate, reach = change.div_(gap), SLOPE * size
    if isinstance(step.module, nn.PReLU):  # its slopes go by feature
        slope = (step.run(begin + reach) - step.run(begin - reach)) / (2 * reach)
        gate[near] = slope[near]
        return gate
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
