"""Which step of a graph a layer of torch or a function of torch is, if any.

Asks layers for their settings and functions for their arguments; runs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.modules.padding import _ConstantPadNd
from torch.nn.modules.pooling import _AvgPoolNd, _MaxPoolNd

from napari_latentattr.model.graph import Step, UnreadableError, Window

_ELEMENTWISE = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU),
    *(nn.SiLU, nn.Mish, nn.Tanh, nn.Sigmoid, nn.Hardtanh, nn.Hardswish, nn.Hardsigmoid),
    *(nn.Softplus, nn.Softsign, nn.Softshrink, nn.Hardshrink, nn.Tanhshrink, nn.LogSigmoid),
    nn.Threshold,
)
_EVERYWHERE = (
    *(nn.modules.instancenorm._InstanceNorm, nn.GroupNorm, nn.LayerNorm),
    *(nn.modules.pooling._AdaptiveAvgPoolNd, nn.modules.pooling._AdaptiveMaxPoolNd),
    *(nn.MultiheadAttention, nn.Flatten, nn.Linear),
)
_CONV = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
_UP = {
    1: functional.conv_transpose1d,
    2: functional.conv_transpose2d,
    3: functional.conv_transpose3d,
}


def is_layer(module: nn.Module) -> bool:
    """Whether a module is a layer of torch, also under another name, and computes as that does."""
    kind = type(module)
    owner = next((k for k in kind.__mro__ if "forward" in vars(k)), kind)
    inner = next((k for k in kind.__mro__ if "_conv_forward" in vars(k)), owner)
    torch_made = all(k.__module__.startswith("torch.nn") for k in (owner, inner))
    return torch_made and not isinstance(module, nn.Sequential)


def layer_step(name: str, layer: nn.Module, inputs: tuple[int, ...], ndim: int) -> Step | None:
    """Step of a layer; None for one that changes nothing.

    Raises
    ------
    UnreadableError
        When it is none.
    """
    if isinstance(layer, nn.Identity | nn.Dropout | nn.AlphaDropout | _DropoutNd):
        return None
    if isinstance(layer, _EVERYWHERE):
        raise UnreadableError(f"{_called(name, layer)} makes every voxel depend on every other")
    if len(inputs) != 1:
        raise UnreadableError(f"{_called(name, layer)} takes {len(inputs)} images instead of one")
    if isinstance(layer, _ELEMENTWISE):
        return Step(name, "activation", inputs, _spared(layer), layer)
    if isinstance(layer, _BatchNorm):
        if layer.running_mean is None:
            raise UnreadableError(f"{_called(name, layer)} makes every voxel depend on every other")
        return Step(name, "affine", inputs, layer, layer, linear=_scaled(layer))
    if isinstance(layer, _ConvTransposeNd):
        return _transposed(name, layer, inputs)
    if isinstance(layer, _ConvNd):
        return _convolution(name, layer, inputs)
    if isinstance(layer, _MaxPoolNd):
        return _max_pool(name, layer, inputs, ndim)
    if isinstance(layer, _AvgPoolNd):
        return _avg_pool(name, layer, inputs, ndim)
    if isinstance(layer, nn.Upsample):
        return Step(name, "resize", inputs, layer, layer, linear=layer)
    if isinstance(layer, _ConstantPadNd):
        return padding_step(name, inputs, layer.padding, layer.value, ndim)
    raise UnreadableError(f"{_called(name, layer)} is of a kind that is not known")


def padding_step(
    name: str, inputs: tuple[int, ...], edges: Sequence[int], value: float, ndim: int
) -> Step:
    """Step that adds voxels of one value at the edges; `edges` as in torch, last axis first."""
    given = [*edges, *[0] * (2 * ndim - len(edges))]
    sides = tuple((given[2 * a], given[2 * a + 1]) for a in reversed(range(ndim)))
    ones = (1,) * ndim

    def run(x: Tensor, value: float = value) -> Tensor:
        return functional.pad(x, given, value=value)

    window = Window(ones, ones, sides, ones)
    linear = partial(run, value=0.0)
    return Step(name, "pad", inputs, run, None, window, edge=value, linear=linear)


def _convolution(name: str, layer: _ConvNd, inputs: tuple[int, ...]) -> Step:
    if layer.padding_mode != "zeros":
        raise UnreadableError(f"{_called(name, layer)} pads by {layer.padding_mode} values")
    dilation, kernel = tuple(layer.dilation), tuple(layer.kernel_size)
    if layer.padding == "same":
        total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        sides = tuple((t // 2, t - t // 2) for t in total)
    elif isinstance(layer.padding, str):
        sides = ((0, 0),) * len(kernel)
    else:
        sides = tuple((p, p) for p in layer.padding)
    window = Window(kernel, tuple(layer.stride), sides, dilation)
    convolve = _CONV[len(kernel)]

    def respond(x: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> Tensor:
        before = [low for low, _ in sides]
        if any(low != high for low, high in sides):
            x = functional.pad(x, [e for side in reversed(sides) for e in side])
            before = [0] * len(sides)
        return convolve(x, weight, bias, layer.stride, before, layer.dilation, groups)

    return _linear_layer(Step(name, "conv", inputs, respond, layer, window), layer, axis=1)


def _transposed(name: str, layer: _ConvTransposeNd, inputs: tuple[int, ...]) -> Step:
    kernel, dilation = tuple(layer.kernel_size), tuple(layer.dilation)
    added = layer.output_padding
    pads = [int(p) for p in layer.padding]
    sides = tuple((p, p - e) for p, e in zip(pads, added, strict=True))
    window = Window(kernel, tuple(layer.stride), sides, dilation)
    spread = _UP[len(kernel)]

    def respond(x: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> Tensor:
        settings = (layer.stride, pads, added, groups, layer.dilation)
        return spread(x, weight, bias, *settings)

    step = Step(name, "conv_transpose", inputs, respond, layer, window)
    return _linear_layer(step, layer, axis=0)


def _linear_layer(step: Step, layer: _ConvNd, axis: int) -> Step:
    """Fill in what a layer computes, given its response to an input, a weight, a bias and groups.

    Parameters
    ----------
    axis : int
        Of the weight, along which the features of the input lie.
    """
    respond, groups = step.run, layer.groups

    def each_alone(x: Tensor, features: Sequence[int]) -> Tensor:
        weight = torch.cat([layer.weight.narrow(axis, k, 1) for k in features], dim=axis)
        if axis == 1:
            weight = weight.transpose(0, 1).flatten(0, 1).unsqueeze(1)
        out = respond(x, weight, None, len(features))
        return out.view(len(features), -1, *out.shape[2:])

    return replace(
        step,
        run=lambda x: respond(x, layer.weight, layer.bias, groups),
        linear=lambda x: respond(x, layer.weight, None, groups),
        each_alone=each_alone if groups == 1 else None,
    )


def _max_pool(name: str, layer: _MaxPoolNd, inputs: tuple[int, ...], ndim: int) -> Step:
    if layer.return_indices:
        raise UnreadableError(f"{_called(name, layer)} also returns places, not only values")
    window = _pooled(layer, _each(layer.dilation, ndim), ndim)
    return Step(name, "max_pool", inputs, layer, layer, window, edge=-math.inf)


def _avg_pool(name: str, layer: _AvgPoolNd, inputs: tuple[int, ...], ndim: int) -> Step:
    window = _pooled(layer, (1,) * ndim, ndim)
    return Step(name, "avg_pool", inputs, layer, layer, window, linear=layer)


def _pooled(layer: Any, dilation: tuple[int, ...], ndim: int) -> Window:
    kernel = _each(layer.kernel_size, ndim)
    stride = _each(layer.stride, ndim) if layer.stride else kernel
    sides = tuple((p, p) for p in _each(layer.padding, ndim))
    return Window(kernel, stride, sides, dilation)


def _scaled(layer: _BatchNorm) -> Callable[[Tensor], Tensor]:
    """Scale of a batch normalisation in evaluation mode, without its shift."""

    def scale(x: Tensor) -> Tensor:
        spread = cast("Tensor", layer.running_var)
        return functional.batch_norm(
            x, torch.zeros_like(spread), spread, layer.weight, eps=layer.eps
        )

    return scale


def _spared(layer: nn.Module) -> Callable[[Tensor], Tensor]:
    """Run of an activation that may write over its input, with the input spared."""
    if not getattr(layer, "inplace", False):
        return layer
    return lambda x: layer(x.clone())


def _each(value: int | Sequence[int], ndim: int) -> tuple[int, ...]:
    return (value,) * ndim if isinstance(value, int) else tuple(value)


def _called(name: str, layer: nn.Module) -> str:
    return f"{type(layer).__name__} at {name}"
