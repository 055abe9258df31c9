"""Partial forward passes: watched, stopped at a layer, or with a layer's output exchanged.

The module is assumed to be in evaluation mode already (see ``state.undisturbed``); every hook set
here is removed before returning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from napari_latentattr.core.errors import ModelError


class Reached(BaseException):
    """Carries a layer's output out of a forward pass that need not go on."""

    def __init__(self, output: Tensor) -> None:
        super().__init__()
        self.output = output


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One submodule's turn in a forward pass; `seen` and `output` are its first tensors."""

    name: str
    seen: Tensor | None
    output: Tensor


def first_tensor(output: object) -> Tensor | None:
    """Return the first tensor in a module's output: a tensor, a sequence or a mapping."""
    if isinstance(output, Tensor):
        return output
    for item in _items(output):
        if isinstance(item, Tensor):
            return item
    return None


def picture(output: object, n_channels: int, ndim: int) -> Tensor | None:
    """Return the first tensor (N, C, *S) in a module's output."""
    for item in [output] if isinstance(output, Tensor) else _items(output):
        if isinstance(item, Tensor) and item.ndim == ndim + 2 and item.shape[1] == n_channels:
            return item
    return None


def exchanged(output: Any, value: Tensor) -> Any:
    """Return `output` with its first tensor replaced by `value`."""
    if isinstance(output, Tensor):
        return value
    if isinstance(output, Mapping):
        name = next(n for n, item in output.items() if isinstance(item, Tensor))
        return {**output, name: value}
    items = list(output)
    at = next(i for i, item in enumerate(items) if isinstance(item, Tensor))
    items[at] = value
    return type(output)(*items) if hasattr(output, "_fields") else type(output)(items)


def run_to(module: nn.Module, layer: str, x: Tensor) -> Tensor:
    """Run `module` on `x` and stop at the first output of `layer`.

    Raises
    ------
    ModelError
        When the forward pass never comes by that layer.
    """
    with module.get_submodule(layer).register_forward_hook(_stop):
        try:
            module(x)
        except Reached as reached:
            return reached.output
    raise ModelError(f"the layer {layer} is not used when the model runs; name another one")


def _stop(_module: nn.Module, _args: object, output: object) -> None:
    found = first_tensor(output)
    if found is not None:
        raise Reached(found)


def run_with(module: nn.Module, x: Tensor, outputs: Mapping[str, Tensor]) -> Any:
    """Run `module` on `x` while the layers named in `outputs` return those tensors instead."""
    with ExitStack() as stack:
        for name, value in outputs.items():
            stack.enter_context(module.get_submodule(name).register_forward_hook(_swap(value)))
        return module(x)


def _swap(value: Tensor) -> Callable[[nn.Module, object, Any], Any]:
    return lambda _module, _args, output: exchanged(output, value)


def watch(module: nn.Module, x: Tensor) -> tuple[list[Call], Any]:
    """Run `module` on `x`; return every submodule's turn, in order of finishing, and the output."""
    with noting(module) as calls:
        output = module(x)
    return calls, output


@contextmanager
def noting(module: nn.Module) -> Iterator[list[Call]]:
    """Note every submodule's turn while `module` runs inside, in order of finishing."""
    calls: list[Call] = []

    def note(name: str) -> Callable[[nn.Module, tuple[object, ...], object], None]:
        def hook(_module: nn.Module, args: tuple[object, ...], output: object) -> None:
            found = first_tensor(output)
            if found is not None:
                calls.append(Call(name, first_tensor(args), found))

        return hook

    with ExitStack() as stack:
        for name, part in module.named_modules():
            if name:
                stack.enter_context(part.register_forward_hook(note(name)))
        yield calls


def _items(output: object) -> list[object]:
    if isinstance(output, Mapping):
        return list(output.values())
    return list(output) if isinstance(output, tuple | list) else []


def as_tensor(values: npt.ArrayLike | Tensor) -> Tensor:
    """Return a tensor as it is, and anything else as a float32 copy; arrays may be read-only."""
    if isinstance(values, Tensor):
        return values
    return torch.from_numpy(np.array(values, dtype=np.float32))
