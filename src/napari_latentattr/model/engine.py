"""The fast paths that methods share: one first convolution for many versions of a case.

The first layer of an encoder is linear, so a case with one image exchanged needs only the
responses to that image: ``W x' = W x + (W_c x'_c - W_c x_c)``. Nothing here knows what a
swap means.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from napari_latentattr.model.device import block_bytes, on_gpu
from napari_latentattr.model.first_layer import (
    Convolution,
    bytes_of_responses,
    features_that_see,
    first_convolution,
    response_to_nothing,
    responses_to,
)
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel

# Of the first layer's output, a batch: volumes of 96 cubed go two by two, half the time of one.
BLOCK_BYTES = 16 * 2**20
# Of the responses to all images of a case; a handful of cases are held at a time.
KEPT_BYTES = 64 * 2**20
# glibc hands the end of its heap back to the system whenever 64 MiB of it are free, and a batch
# then pays to fault it in anew (1.3 instead of 0.9 raw forwards a pass). Blocks just under its
# largest threshold keep free room behind them from being that end.
_HEAP_BYTES = 31 * 2**20
_HEAP_BLOCKS = 8


@dataclass(frozen=True, slots=True, eq=False)
class PreparedCase:
    """One case with what its swapped versions share.

    Attributes
    ----------
    x : (1, C, *S) tensor
    first : (N, F, *T) tensor or None
        Output of the first layer, N slices of a volume or one; None where no layer is shared, or
        where the case is so large that every version of it is encoded in parts.
    responses : tuple of (1, F / groups, *T) tensor
        What each image adds to it, in the features that see the image; empty where it is not
        worth their memory.
    """

    x: Tensor
    first: Tensor | None = None
    responses: tuple[Tensor, ...] = ()


class SwapEncoder:
    """Encodes cases, and cases with some images taken from others.

    Exact: for a convolution with zero padding the result agrees with encoding the exchanged stack
    within float rounding (3e-8 relative); a weight of zero gives a change of exactly zero.
    """

    def __init__(self, model: LatentModel | SlicewiseModel) -> None:
        self._volumes = model if isinstance(model, SlicewiseModel) else None
        self._model = model.model if isinstance(model, SlicewiseModel) else model
        self._first = first_convolution(self._model)
        reserve_heap(self._model)

    @property
    def shared(self) -> bool:
        """Whether the first convolution is shared; otherwise every version is encoded whole."""
        return self._first is not None

    @torch.inference_mode()
    def prepare(self, x: Tensor) -> PreparedCase:
        """Compute of one case, x (1, C, *S), what its versions and those of others share."""
        planes, layer, layout = self._fold(x), self._first, self._model.layout
        if layer is None or self._model.footprint(planes) > self._model.room:
            return PreparedCase(x)
        channels = range(x.shape[1])
        # In 2D the convolution of one image costs less than the sums.
        if planes.ndim == 4 or bytes_of_responses(layer, planes, len(channels)) > KEPT_BYTES:
            return PreparedCase(x, layer(planes).contiguous(memory_format=layout))
        responses = responses_to(layer, planes, channels)
        first = response_to_nothing(layer, responses[0]).clone(
            memory_format=torch.contiguous_format
        )
        for c in channels:
            first[:, features_that_see(layer, c)] += responses[c]
        return PreparedCase(x, first, responses)

    @torch.inference_mode()
    def latents(self, case: PreparedCase) -> Tensor:
        """Latents (1, K, *L) of the case as it is."""
        if case.first is None:
            return self._unfold(self._model.encode_tensor(self._fold(case.x)), 1)
        # A module may work in place on what it is given, so it gets a copy.
        return self._unfold(self._model.latents_after(case.first.clone()), 1)

    @torch.inference_mode()
    def swap(
        self, case: PreparedCase, donors: Sequence[PreparedCase], channels: Sequence[int]
    ) -> Tensor:
        """Latents of `case` with `channels` taken from each donor in turn.

        Parameters
        ----------
        case : PreparedCase
        donors : sequence of PreparedCase
        channels : sequence of int

        Returns
        -------
        (R, K, *L) tensor
        """
        size = self._batch(case)
        chunks = [donors[i : i + size] for i in range(0, len(donors), size)]
        codes = [self._swap(case, chunk, list(channels)) for chunk in chunks]
        return codes[0] if len(codes) == 1 else torch.cat(codes)

    def _swap(
        self, case: PreparedCase, donors: Sequence[PreparedCase], channels: list[int]
    ) -> Tensor:
        if case.first is None or self._first is None:
            x = case.x.repeat(len(donors), *[1] * (case.x.ndim - 1))
            x[:, channels] = torch.cat([donor.x[:, channels] for donor in donors])
            return self._unfold(self._model.encode_tensor(self._fold(x)), len(donors))
        exchange = self._by_responses if case.responses else self._by_difference
        first = exchange(self._first, case, case.first, donors, channels)
        return self._unfold(self._model.latents_after(first), len(donors))

    def _by_responses(
        self,
        layer: Convolution,
        case: PreparedCase,
        own: Tensor,
        donors: Sequence[PreparedCase],
        channels: list[int],
    ) -> Tensor:
        """Output of the first layer (R, F, *T), from what it answered to each image before."""
        first = own.new_empty(len(donors), *own.shape[1:])
        for row, donor in enumerate(donors):
            added, out = list(channels), first[row, None]
            if layer.groups == 1:
                c = added.pop(0)
                torch.add(own, donor.responses[c] - case.responses[c], out=out)
            else:
                out.copy_(own)
            for c in added:
                out[:, features_that_see(layer, c)] += donor.responses[c] - case.responses[c]
        return first

    def _by_difference(
        self,
        layer: Convolution,
        case: PreparedCase,
        own: Tensor,
        donors: Sequence[PreparedCase],
        channels: list[int],
    ) -> Tensor:
        """Output of the first layer (R N, F, *T), from its answer to the images' difference."""
        images = _images(case.x, channels)
        moved = images.new_empty(len(donors), *images.shape[1:])
        for row, donor in enumerate(donors):
            torch.sub(_images(donor.x, channels), images, out=moved[row, None])
        response = _respond(layer, _laid_out(self._fold(moved), self._model.layout), channels)
        if layer.groups == 1:
            first = response[0][1]
            first.view(len(donors), *own.shape).add_(own)
            return first
        first = own.repeat(len(donors), *[1] * (own.ndim - 1))
        for rows, part in response:
            first[:, rows] += part
        return first

    def _batch(self, case: PreparedCase) -> int:
        largest = case.x if case.first is None else case.first
        most = block_bytes(self._model.spec.device, BLOCK_BYTES)
        return max(1, most // max(1, largest.numel() * largest.element_size()))

    def _fold(self, x: Tensor) -> Tensor:
        return x if self._volumes is None else self._volumes.fold(x)

    def _unfold(self, z: Tensor, n_cases: int) -> Tensor:
        return z if self._volumes is None else self._volumes.unfold(z, n_cases)


def reserve_heap(model: LatentModel) -> None:
    """Leave free room on the heap of glibc, closed by a block that the model holds from then on.

    No page is touched.
    """
    made = model.heap_end is not None
    if made or on_gpu(model.spec.device) or platform.libc_ver()[0] != "glibc":
        return
    torch.empty(_HEAP_BYTES, dtype=torch.uint8)  # once freed, blocks of this size use the heap
    blocks = [torch.empty(_HEAP_BYTES, dtype=torch.uint8) for _ in range(_HEAP_BLOCKS)]
    model.heap_end = blocks[-1]


def _laid_out(x: Tensor, layout: torch.memory_format) -> Tensor:
    """Copy in a layout that shows in the strides even of a single channel: torch goes by them."""
    if layout is torch.contiguous_format:
        return x
    return x.movedim(1, -1).clone(memory_format=torch.contiguous_format).movedim(-1, 1)


def _images(x: Tensor, channels: list[int]) -> Tensor:
    """Take some images of (N, C, *S); a view where it can be one."""
    return x[:, channels[0], None] if len(channels) == 1 else x[:, channels]


def _respond(
    layer: nn.Conv2d | nn.Conv3d, difference: Tensor, channels: list[int]
) -> list[tuple[slice, Tensor]]:
    """Output rows of a convolution that some input channels change, and by how much."""
    run = nn.functional.conv2d if layer.weight.ndim == 4 else nn.functional.conv3d
    wide, tall = layer.in_channels // layer.groups, layer.out_channels // layer.groups
    parts = []
    for group in sorted({c // wide for c in channels}):
        members = [i for i, c in enumerate(channels) if c // wide == group]
        rows = slice(group * tall, (group + 1) * tall)
        weight = layer.weight[rows][:, [channels[i] % wide for i in members]]
        moved = difference if len(members) == len(channels) else difference[:, members]
        parts.append((rows, run(moved, weight, None, layer.stride, layer.padding, layer.dilation)))
    return parts
