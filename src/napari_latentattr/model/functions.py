"""Which step of a graph a function of torch is, called between layers or as a tensor's method."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from napari_latentattr.model.graph import Step, UnreadableError
from napari_latentattr.model.steps import layer_step, padding_step
from napari_latentattr.model.tracing import Turn, Value

Find = Callable[[object], int]

_ELEMENTWISE = frozenset(
    (
        *("relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "tanh"),
        *("sigmoid", "hardtanh", "hardswish", "hardsigmoid", "softplus", "softsign", "logsigmoid"),
        *("softshrink", "hardshrink", "tanhshrink", "threshold", "abs", "exp", "square"),
        *("clamp", "clamp_min", "clamp_max"),
    )
)
_UNCHANGED = frozenset(
    (
        *("contiguous", "detach", "dropout", "dropout1d", "dropout2d", "dropout3d"),
        *("alpha_dropout", "feature_alpha_dropout"),
    )
)
_SUMS = {"add": 1.0, "sub": -1.0}
_ARGUMENTS = {
    "max_pool": "input kernel_size stride padding dilation ceil_mode return_indices",
    "avg_pool": "input kernel_size stride padding ceil_mode count_include_pad divisor_override",
    "interpolate": "input size scale_factor mode align_corners recompute_scale_factor antialias",
    "pad": "input pad mode value",
    "cat": "tensors dim",
}
_POOLS: dict[str, type[nn.Module]] = {
    "max_pool2d": nn.MaxPool2d,
    "max_pool3d": nn.MaxPool3d,
    "avg_pool2d": nn.AvgPool2d,
    "avg_pool3d": nn.AvgPool3d,
}


def overwrites(turn: Turn) -> bool:
    """Whether a turn writes over its first input."""
    if isinstance(turn.made_by, nn.Module):
        return bool(getattr(turn.made_by, "inplace", False))
    return _called(turn).endswith("_") or bool(turn.kwargs.get("inplace", False))


def function_step(turn: Turn, find: Find, ndim: int) -> Step | int:
    """Step of a function, or the position of the step whose value it hands on unchanged.

    Parameters
    ----------
    find : callable
        Position of the step that gave a `Value`.

    Raises
    ------
    UnreadableError
        When it is neither.
    """
    name = _called(turn).rstrip("_")
    if name in _UNCHANGED:
        return find(turn.args[0])
    if name in _ELEMENTWISE:
        return _elementwise(turn, name, find)
    if name in _SUMS or name in ("mul", "truediv", "div", "neg"):
        return _arithmetic(turn, name, find)
    if name in ("cat", "concat"):
        return _joined(turn, find, ndim)
    if name in _POOLS:
        return _pool(turn, name, find, ndim)
    if name == "interpolate":
        return _resized(turn, find)
    if name == "pad":
        return _padded(turn, find, ndim)
    raise _unknown(turn)


def _elementwise(turn: Turn, name: str, find: Find) -> Step:
    rest = turn.args[1:]
    kwargs = {k: v for k, v in turn.kwargs.items() if k not in ("inplace", "input")}
    source = turn.args[0] if turn.args else turn.kwargs.get("input")
    if any(isinstance(v, Value) for v in (*rest, *kwargs.values())):
        raise _unknown(turn)
    call = getattr(functional, name, None) or getattr(torch, name)

    def run(x: Tensor) -> Tensor:
        made: Tensor = call(x, *rest, **kwargs)
        return made

    return Step(turn.name, "activation", (find(source),), run)


def _arithmetic(turn: Turn, name: str, find: Find) -> Step:
    """Sum of branches and constants, with factors; or a product of two branches."""
    terms = [*turn.args, *(turn.kwargs[k] for k in ("other",) if k in turn.kwargs)]
    numbers = [t for t in terms if isinstance(t, int | float)]
    values = [t for t in terms if isinstance(t, Value)]
    if len(numbers) + len(values) != len(terms) or not values:
        raise _unknown(turn)
    inputs = tuple(map(find, values))
    if name == "neg":
        return _sum(turn, inputs, (-1.0,), 0.0)
    if name in _SUMS:
        scales = (1.0, _SUMS[name] * float(turn.kwargs.get("alpha", 1)))
        factors = tuple(s for t, s in zip(terms, scales, strict=True) if isinstance(t, Value))
        moved = sum(t * s for t, s in zip(terms, scales, strict=True) if not isinstance(t, Value))
        return _sum(turn, inputs, factors, float(moved))
    if name == "mul" and len(values) == 2:
        return Step(turn.name, "product", inputs, torch.mul)
    if name == "mul":
        return _sum(turn, inputs, (float(numbers[0]),), 0.0)
    if isinstance(terms[0], Value) and numbers and "rounding_mode" not in turn.kwargs:
        return _sum(turn, inputs, (1.0 / numbers[0],), 0.0)
    raise _unknown(turn)


def _sum(turn: Turn, inputs: tuple[int, ...], factors: tuple[float, ...], constant: float) -> Step:
    def run(*parts: Tensor, constant: float = constant) -> Tensor:
        made = parts[0] * factors[0] if factors[0] != 1 else parts[0]
        for part, factor in zip(parts[1:], factors[1:], strict=True):
            made = torch.add(made, part, alpha=factor)
        return made + constant if constant else made.clone() if made is parts[0] else made

    linear = partial(run, constant=0.0)
    return Step(turn.name, "sum", inputs, run, factors=factors, linear=linear)


def _joined(turn: Turn, find: Find, ndim: int) -> Step:
    given = _settings(turn, "cat")
    if given.get("dim", 0) not in (1, -ndim - 1) or not isinstance(given["tensors"], list | tuple):
        raise UnreadableError(f"{turn.name} joins images along another axis than the features")
    inputs = tuple(map(find, given["tensors"]))

    def join(*parts: Tensor) -> Tensor:
        return torch.cat(parts, dim=1)

    return Step(turn.name, "cat", inputs, join, linear=join)


def _pool(turn: Turn, name: str, find: Find, ndim: int) -> Step:
    given = _settings(turn, name[:-2])
    source = find(given.pop("input"))
    step = layer_step(turn.name, _POOLS[name](**given), (source,), ndim)
    if step is None:
        raise _unknown(turn)
    return step


def _resized(turn: Turn, find: Find) -> Step:
    given = _settings(turn, "interpolate")
    source = find(given.pop("input"))
    sizes = given.get("size"), given.get("scale_factor")
    if any(isinstance(v, Value) for size in sizes for v in _items(size)):
        raise UnreadableError(f"{turn.name} is given a size that is computed on the way")
    layer = nn.Upsample(
        **{k: v for k, v in given.items() if k in ("size", "scale_factor", "mode")},
        align_corners=given.get("align_corners"),
        recompute_scale_factor=given.get("recompute_scale_factor"),
    )
    step = layer_step(turn.name, layer, (source,), 0)
    if step is None or given.get("antialias"):
        raise _unknown(turn)
    return step


def _padded(turn: Turn, find: Find, ndim: int) -> Step:
    given = _settings(turn, "pad")
    if given.get("mode", "constant") != "constant":
        raise UnreadableError(f"{turn.name} pads by {given['mode']} values")
    if any(isinstance(v, Value) for v in _items(given["pad"])):
        raise UnreadableError(f"{turn.name} is given edges that are computed on the way")
    source = find(given["input"])
    return padding_step(turn.name, (source,), given["pad"], given.get("value") or 0.0, ndim)


def _settings(turn: Turn, function: str) -> dict[str, Any]:
    names = _ARGUMENTS[function].split()
    return {**dict(zip(names, turn.args, strict=False)), **turn.kwargs}


def _items(value: object) -> Sequence[object]:
    return value if isinstance(value, tuple | list) else (value,)


def _called(turn: Turn) -> str:
    """Name of the function, without the i of operators that write over their input."""
    made_by = turn.made_by
    name = made_by if isinstance(made_by, str) else str(getattr(made_by, "__name__", made_by))
    return {"iadd": "add_", "isub": "sub_", "imul": "mul_", "itruediv": "div_"}.get(name, name)


def _unknown(turn: Turn) -> UnreadableError:
    return UnreadableError(f"the function {turn.name} is of a kind that is not known")
