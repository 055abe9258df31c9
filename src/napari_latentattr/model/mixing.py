"""Latents of mixtures: some images are those of a case, the others those of a baseline.

The first layer is linear: it answers a mixture as it answers the baseline, plus one response for
each image that was put in. Responses are computed once and added up for each mixture. Nothing here
knows what the mixtures are for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import torch
from torch import Tensor

from napari_latentattr.model.device import block_bytes
from napari_latentattr.model.engine import BLOCK_BYTES, reserve_heap
from napari_latentattr.model.first_layer import (
    bytes_of_responses,
    features_that_see,
    first_convolution,
    response_to_nothing,
    responses_to,
    weights_by_image,
)
from napari_latentattr.model.latent import LatentModel

Order: TypeAlias = tuple[int, ...]

# Of the responses of all images together; a case that needs more is encoded whole each time.
_KEPT_BYTES = 2**30


@dataclass(frozen=True, slots=True, eq=False)
class MixedCase:
    """A case and its baseline, with what their mixtures share.

    Attributes
    ----------
    baseline, x : (1, C, *S) tensor
    players : tuple of int
        Images that can change a latent, see `players_of`.
    start : (F, *T) tensor or None
        Output of the first layer for the baseline; None where mixtures are encoded whole.
    responses : tuple of (F / groups, *T) tensor
        What each player adds to it, in the features that see the player.
    """

    baseline: Tensor
    x: Tensor
    players: Order
    start: Tensor | None = None
    responses: tuple[Tensor, ...] = ()


class MixEncoder:
    """Encodes mixtures of cases with baselines.

    Within float rounding (1e-6 relative) as encoding the mixed images. Images are added in the
    order in which they are named, so that one without weights changes not a bit.
    """

    def __init__(self, model: LatentModel) -> None:
        self._model = model
        self._first = first_convolution(model)
        reserve_heap(model)

    @torch.inference_mode()
    def between(self, baseline: Tensor, x: Tensor) -> MixedCase:
        """Prepare the mixtures of one case, both (1, C, *S)."""
        players = players_of(self._model, baseline, x)
        layer = self._first
        if layer is None or not players or bytes_of_responses(layer, x, len(players)) > _KEPT_BYTES:
            return MixedCase(baseline, x, players)
        empty = not (baseline.amax() or baseline.amin())
        moved = x if empty else x - baseline
        moved = moved if len(players) == x.shape[1] else moved[:, list(players)]
        found = responses_to(layer, moved, players)
        start = response_to_nothing(layer, found[0]) if empty else layer(baseline)
        layout = self._model.layout
        responses = tuple(part.contiguous(memory_format=layout)[0] for part in found)
        return MixedCase(baseline, x, players, start.contiguous(memory_format=layout)[0], responses)

    def batches(self, case: MixedCase, n: int) -> list[slice]:
        """Divide n mixtures into batches for `latents`.

        Where two fit, none is of one alone: torch runs it by other code, with other rounding.
        """
        if case.start is None:
            return [slice(i, i + 1) for i in range(n)]
        most = block_bytes(self._model.spec.device, BLOCK_BYTES)
        size = max(1, most // (case.start.numel() * case.start.element_size()))
        parts = n if size == 1 else max(1, min(-(-n // size), n // 2))
        return [slice(a, b) for a, b in pairwise(n * i // parts for i in range(parts + 1))]

    @torch.inference_mode()
    def latents(self, case: MixedCase, mixtures: Sequence[Order]) -> Tensor:
        """Latents of mixtures; see `batches`.

        Parameters
        ----------
        case : MixedCase
        mixtures : sequence of tuple of int
            Players whose images are the case's, in the order in which they are added up. One that
            goes on from an earlier one takes a single sum.

        Returns
        -------
        (n, K, *L) tensor
        """
        if case.start is None:
            return torch.cat([self._model.encode_tensor(_mixed(case, m)) for m in mixtures])
        first = case.start.expand(len(mixtures), *case.start.shape)
        first = torch.empty_like(first, memory_format=self._model.layout)
        made: dict[Order, Tensor] = {}
        for out, mixture in zip(first, mixtures, strict=True):
            before = made.get(mixture[:-1]) if mixture else None
            if before is None:
                self._add(case, out, case.start, mixture)
            else:
                self._add(case, out, before, mixture[-1:])
            made[mixture] = out
        return self._model.latents_after(first)

    def _add(self, case: MixedCase, out: Tensor, onto: Tensor, added: Order) -> None:
        """Write `onto` (F, *T) with the responses of some players to `out`."""
        if self._first is None:
            raise ValueError("this model has no first layer to share")
        rows = [features_that_see(self._first, c) for c in added]
        parts = [case.responses[case.players.index(c)] for c in added]
        if parts and parts[0].shape == out.shape:
            torch.add(onto, parts.pop(0), out=out)
            rows.pop(0)
        else:
            out.copy_(onto)
        for features, part in zip(rows, parts, strict=True):
            out[features] += part


def players_of(model: LatentModel, baseline: Tensor, x: Tensor) -> Order:
    """Images that can change a latent: they differ from the baseline and have weights.

    Both (N, C, *S). Without a first layer to ask for weights, all that differ.
    """
    layer = first_convolution(model)
    found = [c for c in range(x.shape[1]) if not torch.equal(x[:, c], baseline[:, c])]
    return tuple(c for c in found if layer is None or bool(weights_by_image(layer)[c].any()))


def _mixed(case: MixedCase, mixture: Order) -> Tensor:
    x = case.baseline.clone()
    x[:, list(mixture)] = case.x[:, list(mixture)]
    return x
