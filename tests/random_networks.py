"""Small random convolutional networks with everything that a graph can hold; seeded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class RandomNetwork:
    """A network in evaluation mode that takes (N, `n_channels`, *`shape`)."""

    module: nn.Module
    n_channels: int
    ndim: int
    shape: tuple[int, ...]


def random_network(seed: int, *, ndim: int | None = None) -> RandomNetwork:
    """Draw a network of two to five parts; every third is 3D."""
    rng = np.random.default_rng(seed)
    axes = ndim or (3 if seed % 3 == 2 else 2)
    n_channels = int(rng.integers(1, 4))
    low, high = (17, 26) if axes == 2 else (9, 13)
    shape = tuple(int(n) for n in rng.integers(low, high, size=axes))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        parts = _parts(rng, axes, n_channels, shape, int(rng.integers(2, 6)))
    return RandomNetwork(parts.eval().requires_grad_(False), n_channels, axes, shape)


def _parts(
    rng: np.random.Generator, ndim: int, width: int, shape: tuple[int, ...], n: int
) -> nn.Sequential:
    parts: list[nn.Module] = []
    x = torch.zeros(1, width, *shape)
    while len(parts) < n:
        make = _MAKERS[int(rng.integers(len(_MAKERS)))]
        part = make(rng, ndim, x.shape[1]).eval()
        try:
            y = part(x)
        except RuntimeError:  # the image is too small for this part by now
            continue
        if y[0].numel() > 6000 or min(y.shape[2:]) < 2:
            continue
        parts.append(part)
        x = y.detach()
    return nn.Sequential(*parts)


def _conv(rng: np.random.Generator, ndim: int, width: int) -> nn.Module:
    groups = width if rng.random() < 0.25 else 1
    out = groups * int(rng.integers(1, 4))
    kernel = _draw(rng, 1, 5, ndim)
    gap = _draw(rng, 1, 4, ndim) if rng.random() < 0.3 else (1,) * ndim
    made = nn.Conv2d if ndim == 2 else nn.Conv3d
    if rng.random() < 0.15:
        odd = tuple(k | 1 for k in kernel)
        return made(width, out, odd, padding="same", dilation=gap, groups=groups)
    pads = _draw(rng, 0, 3, ndim)
    return made(width, out, kernel, _draw(rng, 1, 4, ndim), pads, gap, groups, bool(out % 2))


def _transposed(rng: np.random.Generator, ndim: int, width: int) -> nn.Module:
    step = _draw(rng, 1, 4, ndim)
    made = nn.ConvTranspose2d if ndim == 2 else nn.ConvTranspose3d
    extra = tuple(int(rng.integers(0, s)) for s in step)
    gap = _draw(rng, 1, 3, ndim)
    groups = width if rng.random() < 0.25 else 1
    kernel = tuple(k + s for k, s in zip(_draw(rng, 0, 3, ndim), step, strict=True))
    pads = _draw(rng, 0, 2, ndim)
    return made(width, 2 * groups, kernel, step, pads, extra, groups, True, gap)


def _norm(rng: np.random.Generator, ndim: int, width: int) -> nn.Module:
    layer = nn.BatchNorm2d(width) if ndim == 2 else nn.BatchNorm3d(width)
    layer.running_mean = torch.randn(width)
    layer.running_var = torch.rand(width) + 0.5
    nn.init.normal_(layer.weight)
    return layer


def _activation(rng: np.random.Generator, ndim: int, width: int) -> nn.Module:
    made: list[Callable[[], nn.Module]] = [
        *(nn.ReLU, nn.GELU, nn.SiLU, nn.LeakyReLU, nn.ELU, nn.Tanh, nn.Sigmoid, nn.Softplus),
        *(nn.PReLU, lambda: nn.ReLU(inplace=True), lambda: nn.SiLU(inplace=True)),
    ]
    return made[int(rng.integers(len(made)))]()


def _max_pool(rng: np.random.Generator, ndim: int, width: int) -> nn.Module:
    kernel = _draw(rng, 2, 4, ndim)
    made = nn.MaxPool2d if ndim == 2 else nn.MaxPool3d
    pads = tuple(int(rng.integers(0, k // 2 + 1)) for k in kernel)
    step, gap = _draw(rng, 1, 4, ndim), _draw(rng, 1, 3, ndim)
    return made(kernel, step, pads, gap, ceil_mode=bool(rng.random() < 0.5))


def _mean_pool(rng: np.random.Generator, ndim: int, width: int) -> nn.Module:
    kernel = _draw(rng, 2, 4, ndim)
    made = nn.AvgPool2d if ndim == 2 else nn.AvgPool3d
    pads = tuple(int(rng.integers(0, k // 2 + 1)) for k in kernel)
    ceil, count = bool(rng.random() < 0.5), bool(rng.random() < 0.5)
    return made(kernel, _draw(rng, 1, 4, ndim), pads, ceil, count)


def _resize(rng: np.random.Generator, ndim: int, width: int) -> nn.Module:
    linear = "bilinear" if ndim == 2 else "trilinear"
    drawn = int(rng.integers(4))
    if drawn == 0:
        return nn.Upsample(scale_factor=2, mode="nearest")
    if drawn == 1:
        return nn.Upsample(scale_factor=2, mode=linear)
    if drawn == 2:
        return nn.Upsample(scale_factor=1.5, mode=linear, align_corners=True)
    return nn.Upsample(size=_draw(rng, 5, 15, ndim), mode="nearest")


def _pad(rng: np.random.Generator, ndim: int, width: int) -> nn.Module:
    edges = tuple(int(e) for e in rng.integers(-1, 3, size=2 * ndim))
    return nn.ConstantPad2d(edges, 0.5) if ndim == 2 else nn.ConstantPad3d(edges, 0.5)


class _Branches(nn.Module):
    """Two ways through, put together again: by a sum, features side by side, or a product."""

    def __init__(self, rng: np.random.Generator, ndim: int, width: int) -> None:
        super().__init__()
        made = nn.Conv2d if ndim == 2 else nn.Conv3d
        self.wide = made(width, width, 3, padding=2, dilation=2)
        self.narrow = made(width, width, 1)
        self.activation = nn.ReLU(inplace=True)
        self.way = int(rng.integers(5))

    def forward(self, x: Tensor) -> Tensor:
        y = self.wide(x)
        if self.way == 0:
            return self.activation(y) + x
        if self.way == 1:
            return torch.cat([y, self.activation(self.narrow(x))], dim=1)
        if self.way == 2:
            return y * torch.sigmoid(self.narrow(x))
        if self.way == 3:
            return functional.gelu(3 - (y - 2 * self.narrow(x)) / 4)
        return torch.add(self.activation(x), y, alpha=0.5) + x


def _branches(rng: np.random.Generator, ndim: int, width: int) -> nn.Module:
    return _Branches(rng, ndim, width)


def _draw(rng: np.random.Generator, low: int, high: int, n: int) -> tuple[int, ...]:
    return tuple(int(v) for v in rng.integers(low, high, size=n))


_MAKERS = (
    *(_conv, _conv, _conv, _transposed, _norm, _activation, _activation, _max_pool),
    *(_mean_pool, _resize, _pad, _branches, _branches),
)
