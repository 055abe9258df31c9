"""Exchange images between cases and measure how far every latent map moves.

The measurement behind channel dependence; it makes no claim and knows no threshold.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from napari_latentattr.core.inference import Units
from napari_latentattr.core.latent_grid import latents_inside, latents_of_region
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Bool, CaseSource, Float64, ImageStack
from napari_latentattr.methods.donors import Pair
from napari_latentattr.model.engine import EncodedCase, SwapEncoder
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel

ChannelSet: TypeAlias = tuple[int, ...]
Region: TypeAlias = Callable[[int], Bool]

# Enough voxels to tell copies from companions; more only cost time.
_LIKENESS_VOXELS = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Swaps:
    """What every swap did to every map, for P pairs of a recipient and a donor.

    Attributes
    ----------
    change : (P, K, S) float64 array
        Half the mean squared move of map k when channel set s came from the donor.
    spread : (P, K) float64 array
        Half the mean squared distance between recipient and donor.
    unmoved : (K, S) bool array
        No latent moved beyond float rounding in any pair.
    still : (K,) bool array
        The map does not vary between the cases.
    recipient, donor : (P,) int array
        Independent unit of either side.
    likeness : (C, C) float64 array
        Correlation of the differences between cases, image by image.
    n_cases, n_donors : int
        Cases that received, and donors each of them had.
    data_sha256 : str
    """

    change: Float64
    spread: Float64
    unmoved: Bool
    still: Bool
    recipient: Units
    donor: Units
    likeness: Float64
    n_cases: int
    n_donors: int
    data_sha256: str


def measure_swaps(
    model: LatentModel | SlicewiseModel,
    cases: CaseSource,
    sets: Sequence[ChannelSet],
    *,
    pairs: Sequence[Pair],
    region: Region | None = None,
    progress: Progress = SILENT,
) -> Swaps:
    """Swap each set of channels into each case from its donors.

    Parameters
    ----------
    sets : sequence of tuple of int
        Channels to exchange together.
    pairs : sequence of (int, list of int)
        Recipients with their donors, as `pair_cases` gives them.
    region : callable, optional
        Gives the voxels of case i whose latents count; cases where it is empty do not receive.

    Returns
    -------
    Swaps
    """
    with model.running():
        return _Measurement(model, cases, sets, pairs, region).run(progress)


@dataclass(slots=True)
class _Rows:
    """Pairs measured so far."""

    change: list[Float64] = field(default_factory=list)
    spread: list[Float64] = field(default_factory=list)
    recipient: list[int] = field(default_factory=list)
    donor: list[int] = field(default_factory=list)


class _Measurement:
    """One walk over the cases; holds only the few that the next swaps need."""

    def __init__(
        self,
        model: LatentModel | SlicewiseModel,
        cases: CaseSource,
        sets: Sequence[ChannelSet],
        pairs: Sequence[Pair],
        region: Region | None,
    ) -> None:
        self.model, self.cases, self.sets, self.region = model, cases, sets, region
        self.encoder = SwapEncoder(model)
        self.pairs = pairs
        self.unit = {name: i for i, name in enumerate(dict.fromkeys(cases.units))}
        self.window: OrderedDict[int, tuple[ImageStack, EncodedCase]] = OrderedDict()
        self.room = max((len(others) for _, others in pairs), default=0) + 3
        self.hashes: dict[int, bytes] = {}
        c = len(cases.channels)
        self.moved = np.zeros((model.spec.n_maps, len(sets)))
        self.apart = np.zeros(model.spec.n_maps)
        self.largest = np.zeros(model.spec.n_maps)
        self.products = np.zeros((c, c))

    def run(self, progress: Progress) -> Swaps:
        rows, received = _Rows(), 0
        steps = len(self.pairs) * len(self.sets)
        for done, (case, others) in enumerate(self.pairs):
            at = partial(progress.report, total=steps, text="exchanging images between cases")
            received += self._receive(case, others, rows, at, done * len(self.sets))
        progress.report(steps, steps, "exchanging images between cases")
        with np.errstate(invalid="ignore", divide="ignore"):
            size = np.sqrt(np.diag(self.products))
            likeness = self.products / np.outer(size, size)
        n_maps, n_sets = self.moved.shape
        return Swaps(
            change=np.array(rows.change).reshape(-1, n_maps, n_sets),
            spread=np.array(rows.spread).reshape(-1, n_maps),
            unmoved=self.moved <= 1e-6 * self.largest[:, None],
            still=self.apart <= 1e-6 * self.largest,
            recipient=np.array(rows.recipient, dtype=np.int64),
            donor=np.array(rows.donor, dtype=np.int64),
            likeness=np.nan_to_num(likeness),
            n_cases=received,
            n_donors=max((len(others) for _, others in self.pairs), default=0),
            data_sha256=self._data_sha256(),
        )

    def _receive(
        self, case: int, others: list[int], rows: _Rows, report: Callable[[int], None], done: int
    ) -> bool:
        """Swap into one case; False when none of its latents count."""
        report(done)
        stack, mine = self._encoded(case)
        weight = self._weight(case, stack, tuple(mine.latents.shape[2:]))
        theirs = [self._encoded(j)[1] for j in others]
        if weight is None or not others:
            return False
        self._compare_images(mine, theirs[0], stack)
        latents = torch.cat([other.latents for other in theirs])
        change = np.empty((len(others), self.model.spec.n_maps, len(self.sets)))
        for s, channels in enumerate(self.sets):
            report(done + s)
            z = self.encoder.swap(mine, [other.x for other in theirs], channels)
            change[..., s], moved = _half_mean_square(z, mine.latents, weight)
            self.moved[:, s] = np.maximum(self.moved[:, s], moved)
        self.largest = np.maximum(
            self.largest, mine.latents.abs().flatten(2).amax(2)[0].cpu().numpy()
        )
        rows.change.extend(change)
        distance, apart = _half_mean_square(latents, mine.latents, weight)
        self.apart = np.maximum(self.apart, apart)
        rows.spread.extend(distance)
        rows.recipient.extend([self.unit[self.cases.units[case]]] * len(others))
        rows.donor.extend(self.unit[self.cases.units[j]] for j in others)
        return True

    def _encoded(self, case: int) -> tuple[ImageStack, EncodedCase]:
        if case not in self.window:
            stack = self.cases[case]
            if case not in self.hashes:
                self.hashes[case] = sha256(np.ascontiguousarray(stack.data).data).digest()
            x = torch.from_numpy(stack.data[None].copy()).to(self.model.spec.device)
            self.window[case] = (stack, self.encoder.encode(x))
        self.window.move_to_end(case)
        while len(self.window) > self.room:
            self.window.popitem(last=False)
        return self.window[case]

    def _weight(self, case: int, stack: ImageStack, shape: tuple[int, ...]) -> Tensor | None:
        """(V,) weight of each latent, summing to 1; None when none counts."""
        inside = np.ones(shape, dtype=bool)
        if stack.mask is not None:
            inside &= latents_inside(stack.mask, self.model.spec, shape)
        if self.region is not None:
            inside &= latents_of_region(self.region(case), self.model.spec, shape)
        if not inside.any():
            return None
        flat = torch.from_numpy((inside.ravel() / inside.sum()).astype(np.float32))
        return flat.to(self.model.spec.device)

    def _compare_images(self, mine: EncodedCase, other: EncodedCase, stack: ImageStack) -> None:
        gap = (other.x - mine.x)[0].flatten(1)
        if stack.mask is not None:
            gap = gap[:, torch.from_numpy(stack.mask.flatten()).to(gap.device)]
        gap = gap[:, :: max(1, gap.shape[1] // _LIKENESS_VOXELS)].double()
        self.products += (gap @ gap.T).cpu().numpy()

    def _data_sha256(self) -> str:
        return sha256(b"".join(self.hashes[i] for i in sorted(self.hashes))).hexdigest()


def _half_mean_square(z: Tensor, origin: Tensor, weight: Tensor) -> tuple[Float64, Float64]:
    """Half the weighted mean square of z - origin (R, K), and each map's largest move (K,).

    Writes over z.
    """
    square = z.sub_(origin).square_().flatten(2)
    mean = (square @ weight).double().cpu().numpy() / 2
    counted = square if bool(weight.all()) else square * (weight > 0)
    return mean, counted.amax((0, 2)).sqrt().double().cpu().numpy()
