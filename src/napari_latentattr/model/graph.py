"""The part of a model up to its latent, or after it, as a plain list of steps.

Knows what a step does to space and nothing of why anyone asks. Whatever is no such list is refused
by name; what is read is compared with the module itself before it is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from torch import Tensor, nn

from napari_latentattr.core.errors import ModelError

Kind: TypeAlias = Literal[
    "input",
    "conv",
    "conv_transpose",
    "affine",
    "activation",
    "max_pool",
    "avg_pool",
    "resize",
    "pad",
    "sum",
    "product",
    "cat",
]


class UnreadableError(ModelError):
    """A model is no plain list of steps; the message names the part that is to blame."""


@dataclass(frozen=True, slots=True)
class Window:
    """What a convolution or pooling sees of its input, per axis, in its input's voxels.

    Attributes
    ----------
    kernel, stride, dilation : tuple of int
    padding : tuple of (int, int)
        In front and behind; of a transposed convolution, what is cut off.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One step of a graph.

    Attributes
    ----------
    name : str
        Of the layer or function in the model.
    kind : Kind
        ``affine``: a scale and a shift a feature. ``activation``: every number for itself.
        ``sum``: ``sum(factors * inputs) + constant``. ``product``: of the inputs. ``cat``: the
        features of the inputs one after the other.
    inputs : tuple of int
        Positions of the steps before whose outputs it takes.
    run : callable
        Tensors (N, F, *S) of the inputs to the output; changes none of them.
    module : nn.Module or None
        The layer, where it is one.
    window : Window or None
        Of convolutions and pooling; of ``pad`` with kernel and stride 1.
    factors : tuple of float
        Of ``sum``, one an input.
    linear : callable or None
        As `run`, for a change of the inputs: without biases and constants. None where a change
        is not enough to tell the change of the output.
    each_alone : callable or None
        As `linear`, for a change (1, P, *S) of the P features that are named second, each of
        them alone: (P, G, *T).
    edge : float
        Value that a window meets where it reaches out of the image.
    """

    name: str
    kind: Kind
    inputs: tuple[int, ...]
    run: Callable[..., Tensor]
    module: nn.Module | None = None
    window: Window | None = None
    factors: tuple[float, ...] = ()
    linear: Callable[..., Tensor] | None = None
    each_alone: Callable[[Tensor, Sequence[int]], Tensor] | None = None
    edge: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Steps in an order in which they can run; the first is the input, the last the output."""

    steps: tuple[Step, ...]

    def activations(self, x: Tensor) -> list[Tensor]:
        """Run all steps on an input (N, F, *S); return what each gave, first the input itself."""
        found = [x]
        for step in self.steps[1:]:
            found.append(step.run(*(found[i] for i in step.inputs)))
        return found

    def __call__(self, x: Tensor) -> Tensor:
        """Output for an input (N, F, *S)."""
        return self.activations(x)[-1]


def pruned(steps: list[Step], output: int) -> Graph:
    """Graph of the steps that `output` needs; the input stays in any case."""
    needed = {0, output}
    for i in range(output, 0, -1):
        if i in needed:
            needed.update(steps[i].inputs)
    order = sorted(needed)
    place = {old: new for new, old in enumerate(order)}
    return Graph(
        tuple(replace(steps[i], inputs=tuple(place[k] for k in steps[i].inputs)) for i in order)
    )
