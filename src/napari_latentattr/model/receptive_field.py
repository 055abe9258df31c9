"""How many input voxels a latent sees, and where they lie: exact, by gradients.

On a copy with positive weights no two paths can cancel, so the voxels with a gradient are the
receptive field. Normalisation over space and attention are left out here; ``reach`` names them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from napari_latentattr.model.passes import run_to

_LONGEST = {2: 2048, 3: 768}  # voxels along the probed axis; the others stay as short as they can
_MOST_NUMBERS = 2**28  # float64 values made in one pass, 2 GiB
_STEEP = 2.5  # twice the length costs a convolution twice as much, attention four times
_SIDE = 2  # latents looked at on either side of the middle one: periods 1, 2 and 4 of resized maps


@dataclass(frozen=True, slots=True)
class AxisField:
    """Receptive field along one axis, in voxels of an input of `shape`.

    `box` is what latent `index` sees, first and last voxel; `whole` says that no input was long
    enough to hold a receptive field.
    """

    stride: float
    width: int
    offset: float
    whole: bool
    shape: tuple[int, ...]
    index: int
    box: tuple[int, int]


def measure_fields(
    module: nn.Module, layer: str, *, n_channels: int, shape: Sequence[int]
) -> tuple[AxisField, ...]:
    """Measure stride, receptive field and offset along every axis.

    Parameters
    ----------
    module : nn.Module
        Left alone: a float64 copy is measured.
    layer : str
        Submodule whose output is the latent.
    shape : sequence of int
        An input shape (*S) that the module accepts.
    """
    plain = positive_copy(module)
    return tuple(
        _measure_axis(plain, layer, axis, n_channels, tuple(shape)) for axis in range(len(shape))
    )


def positive_copy(module: nn.Module) -> nn.Module:
    """Copy with positive averaging weights, zero biases and batch norms that do nothing."""
    plain = double_copy(module)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in plain.named_parameters():
            if weight.ndim >= 2:
                drawn = torch.rand(weight.shape, generator=generator, dtype=torch.float64)
                weight.copy_((drawn + 0.5) / weight[0].numel())
            else:
                weight.fill_(0.0 if name.endswith("bias") else 1.0)
    for part in plain.modules():
        if isinstance(part, nn.modules.batchnorm._NormBase):
            part.reset_running_stats()
    return plain


def double_copy(module: nn.Module) -> nn.Module:
    """Copy in float64 and evaluation mode whose weights want no gradients."""
    twin = copy.deepcopy(module)
    if any(p.device.type == "mps" for p in twin.parameters()):
        twin = twin.cpu()  # Apple's backend has no float64
    return twin.double().eval().requires_grad_(False)


def _measure_axis(
    plain: nn.Module, layer: str, axis: int, n_channels: int, shape: tuple[int, ...]
) -> AxisField:
    length = shape[axis]
    longest = max(_LONGEST[len(shape)], length)
    field = _whole(shape, axis, 1)
    before = 0
    while length <= longest:
        longer = (*shape[:axis], length, *shape[axis + 1 :])
        try:
            boxes, n_latents, cost = _boxes(plain, layer, axis, n_channels, longer)
        except (RuntimeError, ValueError, AssertionError):
            break  # a model of fixed input size, or out of memory
        field = _whole(longer, axis, n_latents)
        inside = all(low > 0 and high < length - 1 for low, high in boxes.values())
        if inside and len(boxes) == 2 * _SIDE + 1:
            return _field(boxes, n_latents // 2, longer)
        if (before and cost > _STEEP * before) or 2 * cost > _MOST_NUMBERS:
            break  # every voxel meets every other, or the next input would not fit in memory
        before = cost
        length *= 2
    return field


def _whole(shape: tuple[int, ...], axis: int, n_latents: int) -> AxisField:
    n = shape[axis]
    stride = n / n_latents
    index = n_latents // 2
    return AxisField(stride, n, (stride - 1) / 2, True, shape, index, (0, n - 1))


def _field(boxes: dict[int, tuple[int, int]], index: int, shape: tuple[int, ...]) -> AxisField:
    centre = {i: (low + high) / 2 for i, (low, high) in boxes.items()}
    stride = (centre[index + _SIDE] - centre[index - _SIDE]) / (2 * _SIDE)
    around = range(index - _SIDE, index + _SIDE)
    offset = sum(centre[i] - i * stride for i in around) / len(around)
    width = max(high - low + 1 for low, high in boxes.values())
    return AxisField(stride, width, offset, False, shape, index, boxes[index])


def _boxes(
    plain: nn.Module, layer: str, axis: int, n_channels: int, shape: tuple[int, ...]
) -> tuple[dict[int, tuple[int, int]], int, int]:
    """First and last voxel seen by the latents in the middle, how many there are, and the cost."""
    device = next((p.device for p in plain.parameters()), torch.device("cpu"))
    x = torch.full((1, n_channels, *shape), 0.5, dtype=torch.float64, device=device)
    x.requires_grad_(True)
    with torch.enable_grad(), _Averaged() as made:
        z = run_to(plain, layer, x)
    if z.ndim != x.ndim:
        return {0: (0, shape[axis] - 1)}, 1, made.numbers
    line = _middle_line(z, axis)
    n = line.shape[1]
    boxes = {}
    for i in range(n // 2 - _SIDE, n // 2 + _SIDE + 1):
        if 0 <= i < n:
            (slope,) = torch.autograd.grad(line[:, i].sum(), x, retain_graph=True)
            others = [a for a in range(slope.ndim) if a != axis + 2]
            seen = slope.abs().amax(others).nonzero().flatten()
            if len(seen):
                boxes[i] = (int(seen[0]), int(seen[-1]))
    return boxes, n, made.numbers


def _middle_line(z: Tensor, axis: int) -> Tensor:
    """Latents (K, L) along one axis, through the middle of the others."""
    for a in range(z.ndim - 1, 1, -1):
        if a != axis + 2:
            z = z.select(a, z.shape[a] // 2)
    return z[0]


class _Averaged(TorchFunctionMode):
    """Pools by the mean instead of the maximum, and skips what mixes all of space.

    `numbers` counts what the pass has produced; it stops a pass that would not fit in memory.
    """

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = self._run(func, args, kwargs or {})
        if isinstance(result, Tensor):
            self.numbers += result.numel()
            if self.numbers > _MOST_NUMBERS:
                raise RuntimeError("too large to measure")
        return result

    def _run(self, func: Callable[..., Any], args: Any, given: Any) -> Any:
        name = getattr(func, "__name__", "")
        if name.startswith("max_pool"):
            return _mean_pool(func, *args, **given)
        if name.startswith("adaptive_max_pool"):
            mean = getattr(functional, name.removesuffix("_with_indices").replace("max", "avg"))
            y = mean(*args[:2])
            return (y, y) if name.endswith("_with_indices") else y
        if name in ("instance_norm", "group_norm", "layer_norm", "rms_norm"):
            return args[0]
        if name == "multi_head_attention_forward":
            return args[0], None
        if name == "scaled_dot_product_attention" and args[0].shape == args[2].shape:
            return args[2]
        return func(*args, **given)


def _mean_pool(
    pool: Callable[..., Any],
    x: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Mean over exactly the voxels of which `pool` takes the maximum."""
    ndim = int(pool.__name__[len("max_pool")])
    kernel, pad, gap = (_each(v, ndim) for v in (kernel_size, padding, dilation))
    step = _each(stride, ndim) if stride else kernel
    found = pool(x.detach(), kernel, step, pad, gap, ceil_mode)
    like = found[0] if isinstance(found, tuple) else found
    space = x.shape[-ndim:]
    edges = [e for p, s in zip(pad[::-1], step[::-1], strict=True) for e in (p, p + s)]
    padded = functional.pad(x.reshape(-1, 1, *space), edges)
    weight = x.new_full((1, 1, *kernel), 1.0 / torch.Size(kernel).numel())
    convolve = (functional.conv1d, functional.conv2d, functional.conv3d)[ndim - 1]
    y = convolve(padded, weight, stride=step, dilation=gap)
    for axis, n in enumerate(like.shape[-ndim:]):
        y = y.narrow(axis + 2, 0, n)
    y = y.reshape(like.shape)
    return (y, found[1]) if isinstance(found, tuple) else y


def _each(value: int | Sequence[int], ndim: int) -> tuple[int, ...]:
    return (value,) * ndim if isinstance(value, int) else tuple(value)
