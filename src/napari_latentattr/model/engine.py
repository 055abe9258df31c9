"""The fast paths that methods share: one first convolution for many versions of a case.

The first layer of an encoder is linear, so a case with one image exchanged needs only the response
to the difference: ``W x' = W x + W_c (x'_c - x_c)``. Nothing here knows what a swap means.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from napari_latentattr.model.device import block_bytes, on_gpu
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel

# Of the first layer's output, a batch: volumes of 96 cubed go two by two, half the time of one.
BLOCK_BYTES = 16 * 2**20
# glibc hands the end of its heap back to the system whenever 64 MiB of it are free, and a batch
# then pays to fault it in anew (1.3 instead of 0.9 raw forwards a pass). Blocks just under its
# largest threshold keep free room behind them from being that end.
_HEAP_BYTES = 31 * 2**20
_HEAP_BLOCKS = 8


@dataclass(frozen=True, slots=True, eq=False)
class EncodedCase:
    """One case with what its swapped versions share.

    Attributes
    ----------
    x : (1, C, *S) tensor
    first : (1, F, *T) tensor or None
        Output of the first layer; None where the model has no shared first layer.
    latents : (1, K, *L) tensor
    """

    x: Tensor
    first: Tensor | None
    latents: Tensor


class SwapEncoder:
    """Encodes cases, and cases with some images taken from others.

    Exact: for a convolution with zero padding the result agrees with encoding the exchanged stack
    within float rounding (3e-8 relative); a weight of zero gives a change of exactly zero.
    """

    def __init__(self, model: LatentModel | SlicewiseModel) -> None:
        self._volumes = model if isinstance(model, SlicewiseModel) else None
        self._model = model.model if isinstance(model, SlicewiseModel) else model
        self._first = first_convolution(self._model)
        self._model.heap_end = reserve_heap(self._model.spec.device)

    @property
    def shared(self) -> bool:
        """Whether the first convolution is shared; otherwise every version is encoded whole."""
        return self._first is not None

    @torch.inference_mode()
    def encode(self, x: Tensor) -> EncodedCase:
        """Encode one case, x (1, C, *S)."""
        planes = self._fold(x)
        if self._first is None:
            return EncodedCase(x, None, self._unfold(self._model.encode_tensor(planes), 1))
        first = self._first(planes).contiguous(memory_format=self._model.layout)
        # A module may work in place on what it is given, so it gets a copy.
        return EncodedCase(x, first, self._unfold(self._model.latents_after(first.clone()), 1))

    @torch.inference_mode()
    def swap(self, case: EncodedCase, donors: Sequence[Tensor], channels: Sequence[int]) -> Tensor:
        """Latents of `case` with `channels` taken from each donor in turn.

        Parameters
        ----------
        case : EncodedCase
        donors : sequence of (1, C, *S) tensor
        channels : sequence of int

        Returns
        -------
        (R, K, *L) tensor
        """
        size = self._batch(case)
        chunks = [donors[i : i + size] for i in range(0, len(donors), size)]
        codes = [self._swap(case, chunk, list(channels)) for chunk in chunks]
        return codes[0] if len(codes) == 1 else torch.cat(codes)

    def _swap(self, case: EncodedCase, donors: Sequence[Tensor], channels: list[int]) -> Tensor:
        layer = self._first
        if case.first is None or layer is None:
            x = case.x.repeat(len(donors), *[1] * (case.x.ndim - 1))
            x[:, channels] = torch.cat([_images(donor, channels) for donor in donors])
            return self._unfold(self._model.encode_tensor(self._fold(x)), len(donors))
        own = _images(case.x, channels)
        moved = own.new_empty(len(donors), *own.shape[1:])
        for row, donor in enumerate(donors):
            torch.sub(_images(donor, channels), own, out=moved[row, None])
        planes = _laid_out(self._fold(moved), self._model.layout)
        response = _respond(layer, planes, channels)
        if layer.groups == 1:
            first = response[0][1]
            first.view(len(donors), *case.first.shape).add_(case.first)
        else:
            first = case.first.repeat(len(donors), *[1] * (case.first.ndim - 1))
            for rows, part in response:
                first[:, rows] += part
        return self._unfold(self._model.latents_after(first), len(donors))

    def _batch(self, case: EncodedCase) -> int:
        largest = case.x if case.first is None else case.first
        most = block_bytes(self._model.spec.device, BLOCK_BYTES)
        return max(1, most // max(1, largest.numel() * largest.element_size()))

    def _fold(self, x: Tensor) -> Tensor:
        return x if self._volumes is None else self._volumes.fold(x)

    def _unfold(self, z: Tensor, n_cases: int) -> Tensor:
        return z if self._volumes is None else self._volumes.unfold(z, n_cases)


def first_convolution(model: LatentModel) -> nn.Conv2d | nn.Conv3d | None:
    """Return the layer that versions of a case can share; None where there is none."""
    found = model.module.get_submodule(model.first_layer) if model.first_layer else None
    return found if isinstance(found, nn.Conv2d | nn.Conv3d) else None


def reserve_heap(device: str) -> Tensor | None:
    """Leave free room on the heap of glibc, closed by the returned block; no page is touched."""
    if on_gpu(device) or platform.libc_ver()[0] != "glibc":
        return None
    torch.empty(_HEAP_BYTES, dtype=torch.uint8)  # once freed, blocks of this size use the heap
    return [torch.empty(_HEAP_BYTES, dtype=torch.uint8) for _ in range(_HEAP_BLOCKS)][-1]


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
