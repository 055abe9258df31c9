"""Reads the half of a model before its latent, or after it, as a graph, and proves it on noise.

A graph works with the layers of the model themselves, so the latest ones are remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
from torch import Tensor, nn

from napari_latentattr.model.functions import function_step, overwrites
from napari_latentattr.model.graph import Graph, Step, UnreadableError, pruned
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.skips import same
from napari_latentattr.model.steps import layer_step
from napari_latentattr.model.tracing import (
    SOURCE,
    UNKNOWN,
    Trace,
    Turn,
    Value,
    symbolic_trace,
    watched_trace,
)


@lru_cache(maxsize=2)
def read_encoder(model: LatentModel) -> Graph:
    """Graph from the images (N, C, *S) to the latent maps (N, K, *L).

    Raises
    ------
    UnreadableError
        When the encoder is no such graph; names the part that is to blame.
    """
    with model.running():
        x = model.noise(seed=5)
        longer = torch.cat([x, model.noise(seed=6)], dim=2)
        return _read(model, x, None, model.encode_whole, (x, longer))


@lru_cache(maxsize=2)
def read_decoder(model: LatentModel) -> Graph:
    """Graph from the latent maps (N, K, *L) to the picture (N, C, *S).

    Raises
    ------
    UnreadableError
        When the decoder is no such graph; names the part that is to blame.
    """
    if model.spec.skips:
        around = ", ".join(model.spec.skips)
        raise UnreadableError(f"{around} carries the picture around the latent maps")
    with model.running():
        x = model.noise(seed=5)
        like = model.encode_tensor(x)
        generator = torch.Generator().manual_seed(7)
        code = torch.randn(like.shape, generator=generator).to(like)
        longer = torch.cat([code, code.flip(1)], dim=2) if code.ndim > 2 else code
        return _read(model, x, code, model.decode_tensor, (code, longer))


def _read(
    model: LatentModel,
    x: Tensor,
    code: Tensor | None,
    truth: Callable[[Tensor], Tensor],
    tried: Sequence[Tensor],
) -> Graph:
    """Graph of the first trace that does what the module does, on inputs of two sizes."""
    module, layer, ndim = model.module, model.spec.layer, model.spec.ndim
    trace = symbolic_trace(module, layer, after=code is not None)
    if trace is not None:
        graph = graph_of(trace, ndim)
        if _agree(graph, truth, tried):
            return graph
    graph = graph_of(watched_trace(module, layer, x, code=code), ndim)
    if not _agree(graph, truth, tried):
        raise UnreadableError(
            "the model does something that its layers do not show, or runs on one size only"
        )
    return graph


def _agree(graph: Graph, truth: Callable[[Tensor], Tensor], tried: Sequence[Tensor]) -> bool:
    try:
        return all(_equal(graph(x), truth(x)) for x in tried)
    except (RuntimeError, ValueError):
        return False


def _equal(found: Tensor, truth: Tensor) -> bool:
    return found.shape == truth.shape and same(truth, found)


def graph_of(trace: Trace, ndim: int) -> Graph:
    """Graph of the turns that the output of a trace needs; not proved.

    Raises
    ------
    UnreadableError
        When one of them is no step.
    """
    reader = _Reader(trace, ndim)
    for i, turn in enumerate(trace.turns):
        reader.take(turn, Value(i))
    return pruned(reader.steps, reader.step_of(trace.output, "the result"))


class _Reader:
    """Makes steps of turns; what is no step only matters once its value is asked for."""

    def __init__(self, trace: Trace, ndim: int) -> None:
        self.steps = [Step("input", "input", (), lambda x: x)]
        self._turns = trace.turns
        self._ndim = ndim
        self._made: dict[Value, int | UnreadableError] = {SOURCE: 0}

    def step_of(self, value: object, asker: str) -> int:
        """Position of the step that gave a value."""
        if not isinstance(value, Value):
            raise UnreadableError(f"{asker} is {value!r} instead of an image")
        found = self._made.get(value)
        if isinstance(found, UnreadableError):
            raise found
        if found is None or value == UNKNOWN:
            raise UnreadableError(f"{asker} was made outside of the layers of torch")
        return found

    def take(self, turn: Turn, value: Value) -> None:
        """Make a step of a turn that gives `value`, or remember why there is none."""
        try:
            made = self._read(turn)
        except UnreadableError as error:
            self._made[value] = error
            return
        if isinstance(made, int):
            self._made[value] = made
            return
        self.steps.append(made)
        self._made[value] = new = len(self.steps) - 1
        if overwrites(turn):
            old = made.inputs[0]
            self._made = {v: new if i == old else i for v, i in self._made.items()}

    def _read(self, turn: Turn) -> Step | int:
        def find(value: object) -> int:
            return self.step_of(value, f"what {turn.name} is given")

        if not isinstance(turn.made_by, nn.Module):
            return function_step(turn, find, self._ndim)
        given = (*turn.args, *turn.kwargs.values())
        inputs = tuple(find(v) for v in given if isinstance(v, Value))
        step = layer_step(turn.name, turn.made_by, inputs, self._ndim)
        return inputs[0] if step is None else step
