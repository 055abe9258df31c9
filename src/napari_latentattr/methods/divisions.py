"""The ways to divide the change of a picture among the maps; each draws one image at a time.

Refuses to know cohorts and results.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch

from napari_latentattr.core.errors import ModelError
from napari_latentattr.core.types import Float32, Float64
from napari_latentattr.methods.coalitions import Coalitions
from napari_latentattr.model.graph import UnreadableError
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.secants import Division as SecantDivision
from napari_latentattr.model.slicewise import SlicewiseModel

# Images of one case that are kept once drawn; those of small models all fit.
_KEPT_BYTES = 256 * 2**20


class PictureDivision(Protocol):
    """A way to divide a picture."""

    def order(self, asked: Sequence[int]) -> list[int]:
        """Order of maps in which drawing takes the fewest decodes."""

    def draw(self, which: int) -> tuple[Float32, float]:
        """Image (C, *S) of a map, and its standard error relative to its norm, or NaN."""


class Shapley:
    """Mean change that each map brings when maps are put in along random orders.

    Each order is followed by its reverse, so a pair of orders sums to the whole exactly.
    """

    def __init__(self, coalitions: Coalitions, *, pairs: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._coalitions = coalitions
        self._orders = [rng.permutation(coalitions.n_maps).tolist() for _ in range(pairs)]

    def order(self, asked: Sequence[int]) -> list[int]:
        """Walk along the first order: neighbours share pictures."""
        return sorted(asked, key=self._orders[0].index)

    def draw(self, which: int) -> tuple[Float32, float]:
        """Return the image (C, *S) of a map and its relative standard error."""
        images = [self._pair(order, which) for order in self._orders]
        mean = np.mean(images, axis=0)
        n, norm = len(images), float(np.linalg.norm(mean))
        if n < 2 or norm == 0:
            return mean.astype(np.float32), float("nan")
        between = sum(float(np.sum((image - mean) ** 2)) for image in images) / (n - 1)
        return mean.astype(np.float32), float(np.sqrt(between / n)) / norm

    def _pair(self, order: list[int], which: int) -> Float64:
        picture, at = self._coalitions.picture, order.index(which)
        forward = picture(order[: at + 1]) - picture(order[:at])
        backward = picture(order[at:]) - picture(order[at + 1 :])
        return np.asarray((forward + backward) / 2)


class OneByOne:
    """Images that need no other map's: left out, put in, alone, or by secants."""

    def __init__(self, draw: Callable[[int], Float32 | Float64]) -> None:
        self._draw = draw

    def order(self, asked: Sequence[int]) -> list[int]:
        """Any order is as good."""
        return list(asked)

    def draw(self, which: int) -> tuple[Float32, float]:
        """Return the image (C, *S) of a map; nothing is random."""
        return self._draw(which).astype(np.float32, copy=False), float("nan")


def by_secants(
    model: LatentModel | SlicewiseModel, code: Float32, start: Float32
) -> Callable[[int], Float32]:
    """Images of the maps by the secants of the decoder between two codes (1, K, *L).

    Raises
    ------
    ModelError
        When a layer of the decoder makes a voxel depend on all others, or is not known.
    """
    ends = (torch.from_numpy(z.copy()).to(model.spec.device) for z in (code, start))
    try:
        division = SecantDivision(model, "decoder", *ends)
    except UnreadableError as error:
        raise ModelError(f"{error}, so the decoder has no secants; use method shapley") from error
    return lambda which: division.parts([which])[0].cpu().numpy()


class Remembered:
    """Images drawn before, the latest of them, so that one is not drawn twice in a row.

    Parameters
    ----------
    model : LatentModel
        Set up once for each image.
    draw : callable
        Image (C, *S) of a map.
    """

    def __init__(self, model: LatentModel | SlicewiseModel, draw: Callable[[int], Float32]) -> None:
        self._model, self._draw = model, draw
        self._kept: OrderedDict[int, Float32] = OrderedDict()

    def keep(self, which: int, image: Float32) -> None:
        """Remember an image; forget the oldest ones over the limit of memory."""
        image.flags.writeable = False
        self._kept[which] = image
        self._kept.move_to_end(which)
        while len(self._kept) > 1 and len(self._kept) * image.nbytes > _KEPT_BYTES:
            self._kept.popitem(last=False)

    def __call__(self, which: int) -> Float32:
        """Image (C, *S) of a map, read-only."""
        if which not in self._kept:
            with self._model.running():
                self.keep(which, self._draw(which))
        return self._kept[which]
