"""Pictures of codes in which some maps are those of a case and the others those of a reference.

Knows nothing of cohorts and results; the ways to divide a picture among maps are functions of it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from functools import cached_property

import torch

from napari_latentattr.core.types import Float32, Float64
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.passes import as_tensor
from napari_latentattr.model.slicewise import SlicewiseModel

# Walking along an order and its reverse asks for four pictures and comes back to two of them.
_RECENT = 4


class Coalitions:
    """The pictures between a reference and a case.

    Parameters
    ----------
    model : LatentModel
    code, start : (1, K, *L) float32 array
        Latent maps of the case and of the reference.
    """

    def __init__(self, model: LatentModel | SlicewiseModel, code: Float32, start: Float32) -> None:
        self._model = model
        self._code, self._start = (as_tensor(z).to(model.spec.device) for z in (code, start))
        self._recent: OrderedDict[frozenset[int], Float64] = OrderedDict()
        self.n_maps = code.shape[1]

    @cached_property
    def empty(self) -> Float64:
        """Picture of the reference, (C, *S)."""
        return self.picture([])

    @property
    def full(self) -> Float64:
        """Picture of the case, (C, *S)."""
        return self.picture(range(self.n_maps))

    def picture(self, members: Collection[int]) -> Float64:
        """Picture (C, *S) with these maps of the case and the others of the reference."""
        key = frozenset(int(k) for k in members)
        if key not in self._recent:
            self._recent[key] = self._draw(sorted(key), self._start)
        self._recent.move_to_end(key)
        while len(self._recent) > _RECENT:
            self._recent.popitem(last=False)
        return self._recent[key]

    def main_effect(self, which: int) -> Float64:
        """Change (C, *S) of the reference's picture when this one map is the case's."""
        return self.picture([which]) - self.empty

    def left_out(self, which: int) -> Float64:
        """Change (C, *S) of the case's picture when this one map is the reference's."""
        return self.full - self.picture([k for k in range(self.n_maps) if k != which])

    def solo(self, which: int) -> Float64:
        """Picture (C, *S) of this map with all others zero."""
        return self._draw([which], torch.zeros_like(self._start))

    def _draw(self, members: Sequence[int], start: torch.Tensor) -> Float64:
        code = start.clone()
        code[:, members] = self._code[:, members]
        return self._model.decode_tensor(code)[0].double().cpu().numpy()
