"""The first convolution of an encoder, image by image.

It is linear: its output is its bias plus one response for each image. So what a changed image does
to it takes no new convolution of the others. Refuses to know why images are changed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

from torch import Tensor, nn

from napari_latentattr.model.latent import LatentModel

Convolution: TypeAlias = nn.Conv2d | nn.Conv3d


def first_convolution(model: LatentModel) -> Convolution | None:
    """Return the layer that versions of a case can share; None where there is none."""
    found = model.module.get_submodule(model.first_layer) if model.first_layer else None
    return found if isinstance(found, nn.Conv2d | nn.Conv3d) else None


def weights_by_image(layer: Convolution) -> Tensor:
    """Weights for each image alone, (C, F / groups, 1, *kernel)."""
    weight = layer.weight
    grouped = weight.reshape(layer.groups, -1, *weight.shape[1:]).transpose(1, 2)
    return grouped.flatten(0, 1).unsqueeze(2)


def features_that_see(layer: Convolution, channel: int) -> slice:
    """Features of the layer that have weights for an image."""
    tall = layer.out_channels // layer.groups
    group = channel // (layer.in_channels // layer.groups)
    return slice(group * tall, (group + 1) * tall)


def bytes_of_responses(layer: Convolution, x: Tensor, n_channels: int) -> int:
    """Bytes that the responses to so many images of x (N, C, *S) take, about."""
    wide, steps = layer.out_channels // layer.groups, math.prod(layer.stride)
    return n_channels * wide * x[:, 0].nbytes // steps


def responses_to(layer: Convolution, images: Tensor, channels: Sequence[int]) -> tuple[Tensor, ...]:
    """Answer each image alone, without the bias.

    Parameters
    ----------
    images : (N, P, *S) tensor
    channels : sequence of int
        Which of the model's images these P are.

    Returns
    -------
    tuple of (N, F / groups, *T) tensor
        One an image, in the features that see it.
    """
    run = nn.functional.conv2d if layer.weight.ndim == 4 else nn.functional.conv3d
    weight = weights_by_image(layer)[list(channels)].flatten(0, 1)
    n = len(channels)
    return run(images, weight, None, layer.stride, layer.padding, layer.dilation, n).chunk(n, 1)


def response_to_nothing(layer: Convolution, like: Tensor) -> Tensor:
    """Return the layer's output (N, F, *T) for images of zero; `like` is one response."""
    shape = (len(like), layer.out_channels, *like.shape[2:])
    if layer.bias is None:
        return like.new_zeros(()).expand(shape)
    return layer.bias.reshape(1, -1, *[1] * (len(shape) - 2)).expand(shape)
