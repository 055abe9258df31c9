"""Built-in architectures, by name with typed, bounded arguments.

A weights file names one of these; it never brings code. Every decoder enlarges by resize followed
by a convolution, which leaves no checkerboard.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from napari_latentattr.core.errors import ModelError
from napari_latentattr.core.names import did_you_mean


def _conv(ndim: int) -> type[nn.Conv2d] | type[nn.Conv3d]:
    return nn.Conv2d if ndim == 2 else nn.Conv3d


class MaskedPointwise(nn.Module):
    """1 x 1 convolution in which map k sees only the features of channel ``k mod C``."""

    mask: Tensor

    def __init__(self, n_channels: int, features: int, n_maps: int, ndim: int) -> None:
        super().__init__()
        self.conv = _conv(ndim)(n_channels * features, n_maps, 1)
        mask = torch.zeros(n_maps, n_channels, features)
        mask[torch.arange(n_maps), torch.arange(n_maps) % n_channels] = 1
        shape = (n_maps, n_channels * features, *[1] * ndim)
        self.register_buffer("mask", mask.view(shape), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Mix features into maps."""
        run = nn.functional.conv2d if self.mask.ndim == 4 else nn.functional.conv3d
        return run(x, self.conv.weight * self.mask, self.conv.bias)


def _encoder(n_channels: int, n_maps: int, ndim: int, width: int, grouped: bool) -> nn.Sequential:
    conv = _conv(ndim)
    groups = n_channels if grouped else 1
    first, second = (width * n_channels // 2, width * n_channels) if grouped else (width, 2 * width)
    last = (
        MaskedPointwise(n_channels, width, n_maps, ndim)
        if grouped
        else conv(second, n_maps, 3, padding=1)
    )
    return nn.Sequential(
        conv(n_channels, first, 3, stride=2, padding=1, groups=groups),
        nn.GELU(),
        conv(first, second, 3, stride=2, padding=1, groups=groups),
        nn.GELU(),
        last,
    )


def _decoder(n_channels: int, n_maps: int, ndim: int, width: int) -> nn.Sequential:
    conv = _conv(ndim)
    return nn.Sequential(
        conv(n_maps, 2 * width, 3, padding=1),
        nn.GELU(),
        nn.Upsample(scale_factor=2),
        conv(2 * width, width, 3, padding=1),
        nn.GELU(),
        nn.Upsample(scale_factor=2),
        conv(width, n_channels, 3, padding=1),
    )


class ConvAutoencoder(nn.Module):
    """Convolutional autoencoder of stride 4 with a dense or a grouped encoder."""

    def __init__(
        self,
        n_channels: int,
        n_maps: int,
        ndim: int,
        encoder: Literal["dense", "grouped"] = "dense",
        width: int = 16,
    ) -> None:
        super().__init__()
        self.encoder = _encoder(n_channels, n_maps, ndim, width, encoder == "grouped")
        self.decoder = _decoder(n_channels, n_maps, ndim, width)

    def forward(self, x: Tensor) -> Tensor:
        """Reconstruct (N, C, *S), S divisible by 4."""
        reconstruction: Tensor = self.decoder(self.encoder(x))
        return reconstruction


class ConvVae(nn.Module):
    """Convolutional variational autoencoder of stride 4; evaluated, its code is the mean."""

    def __init__(self, n_channels: int, n_maps: int, ndim: int, width: int = 16) -> None:
        super().__init__()
        self.features = _encoder(n_channels, 2 * width, ndim, width, grouped=False)
        self.mean = _conv(ndim)(2 * width, n_maps, 1)
        self.log_variance = _conv(ndim)(2 * width, n_maps, 1)
        self.decoder = _decoder(n_channels, n_maps, ndim, width)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the reconstruction, the mean and the log variance of the code."""
        features = self.features(x)
        mean, log_variance = self.mean(features), self.log_variance(features)
        code = mean
        if self.training:
            code = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        return self.decoder(code), mean, log_variance


def monai_autoencoder(
    n_channels: int,
    ndim: int,
    channels: Sequence[int] = (16, 32),
    strides: Sequence[int] = (2, 2),
    num_res_units: int = 0,
) -> nn.Module:
    """MONAI's AutoEncoder; batch normalisation, so that latents stay local."""
    network: nn.Module = _monai().AutoEncoder(
        ndim, n_channels, n_channels, channels, strides, num_res_units=num_res_units, norm="batch"
    )
    return network


def monai_var_autoencoder(
    n_channels: int,
    ndim: int,
    side: int = 32,
    n_maps: int = 8,
    channels: Sequence[int] = (16, 32),
    strides: Sequence[int] = (2, 2),
) -> nn.Module:
    """MONAI's VarAutoEncoder for images of one size; its latent has no place in space."""
    return _MeanCode(
        _monai().VarAutoEncoder(
            ndim, (n_channels, *[side] * ndim), n_channels, n_maps, channels, strides, norm="batch"
        )
    )


class _MeanCode(nn.Module):
    """Decodes the mean of a MONAI VAE; its own evaluation adds one standard deviation."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the reconstruction, the mean and the log variance of the code."""
        mean, log_variance = self.network.encode_forward(x)
        return self.network.decode_forward(mean), mean, log_variance


def _monai() -> Any:
    try:
        from monai.networks import nets
    except ImportError as error:
        raise ModelError(
            "this architecture comes from MONAI, which is not installed; run "
            "pip install 'napari-latentattr[monai]'"
        ) from error
    return nets


@dataclass(frozen=True, slots=True)
class Architecture:
    """A built-in architecture: how to build it and where its latent is; None lets it be found."""

    make: Callable[..., nn.Module]
    latent: str | None


ARCHITECTURES: dict[str, Architecture] = {
    "conv_autoencoder": Architecture(ConvAutoencoder, "encoder"),
    "conv_vae": Architecture(ConvVae, "mean"),
    "monai_autoencoder": Architecture(monai_autoencoder, None),
    "monai_var_autoencoder": Architecture(monai_var_autoencoder, "network.mu"),
}

_BOUNDS = {
    "n_channels": (1, 1024),
    "n_maps": (1, 4096),
    "ndim": (2, 3),
    "width": (1, 512),
    "side": (4, 512),
    "num_res_units": (0, 8),
}
_MOST_WEIGHTS = 2**30  # 4 GiB
_CHOICES = {"encoder": ("dense", "grouped")}


def build(name: str, arguments: Mapping[str, object]) -> tuple[nn.Module, str | None]:
    """Build a built-in architecture from checked arguments.

    Returns
    -------
    module : nn.Module
        With random weights.
    latent : str or None
        Submodule whose output is the latent.

    Raises
    ------
    ModelError
        For an unknown name or argument, and for a value of the wrong type or size.
    """
    if name not in ARCHITECTURES:
        raise ModelError(
            f"there is no architecture {name!r}{did_you_mean(name, ARCHITECTURES)}; known are "
            f"{', '.join(ARCHITECTURES)}"
        )
    found = ARCHITECTURES[name]
    known = inspect.signature(found.make).parameters
    for key, value in arguments.items():
        if key not in known:
            raise ModelError(
                f"{name} has no argument {key!r}{did_you_mean(key, known)}; it takes "
                f"{', '.join(known)}"
            )
        _check_argument(name, key, value)
    lacking = [k for k, p in known.items() if p.default is p.empty and k not in arguments]
    if lacking:
        raise ModelError(f"{name} needs the argument {lacking[0]}; give {', '.join(lacking)}")
    _check_size(name, found, arguments)
    return found.make(**arguments), found.latent


def _check_size(name: str, found: Architecture, arguments: Mapping[str, object]) -> None:
    """Refuse what would not fit in memory, before any memory is taken."""
    with torch.device("meta"):
        n_weights = sum(p.numel() for p in found.make(**arguments).parameters())
    if n_weights > _MOST_WEIGHTS:
        raise ModelError(
            f"{name} with these arguments has {n_weights} weights, at most {_MOST_WEIGHTS} are "
            "built; check width and n_channels"
        )


def _check_argument(name: str, key: str, value: object) -> None:
    if key in _CHOICES:
        if value not in _CHOICES[key]:
            raise ModelError(f"{name}: {key} must be {' or '.join(_CHOICES[key])}, got {value!r}")
        return
    if key in ("channels", "strides"):
        whole = isinstance(value, list | tuple) and 0 < len(value) <= 8
        if not whole or not all(type(v) is int and 1 <= v <= 1024 for v in value):  # type: ignore[attr-defined]
            raise ModelError(
                f"{name}: {key} must list up to 8 whole numbers from 1 to 1024, got {value!r}"
            )
        return
    low, high = _BOUNDS[key]
    if type(value) is not int or not low <= value <= high:
        raise ModelError(
            f"{name}: {key} must be a whole number from {low} to {high}, got {value!r}"
        )
