"""Exchange images between cases and measure how far every latent map moves.

The measurement behind channel dependence; it makes no claim and knows no threshold.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor

from napari_latentattr.core.broken import Broken
from napari_latentattr.core.errors import Cancelled, LatentAttrError
from napari_latentattr.core.inference import Units
from napari_latentattr.core.latent_grid import latents_inside, latents_of_region
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Bool, CaseSource, Float64, ImageStack
from napari_latentattr.methods.donors import Pair
from napari_latentattr.methods.swap_memory import ChannelSet, Receipt, SwapMemory
from napari_latentattr.model.engine import PreparedCase, SwapEncoder
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel
from napari_latentattr.streaming.streaming import HERE, Streaming

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
    memory: SwapMemory | None = None,
    streaming: Streaming = HERE,
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
    memory : SwapMemory, optional
        Of this same measurement; it is filled while that goes on.
    streaming : Streaming, optional
        Cases that cannot be used are left out as it says, and `memory` receives them.

    Returns
    -------
    Swaps
    """
    with model.running():
        measurement = Measurement(
            model, cases, sets, pairs, region, memory or SwapMemory(), skip=streaming.skip_broken
        )
        return measurement.run(progress)


class _Encoded(NamedTuple):
    """A case, what its swapped versions share, and its latents (1, K, *L)."""

    stack: ImageStack
    case: PreparedCase
    latents: Tensor


class Measurement:
    """One walk over the cases; holds only the few that the next swaps need."""

    def __init__(
        self,
        model: LatentModel | SlicewiseModel,
        cases: CaseSource,
        sets: Sequence[ChannelSet],
        pairs: Sequence[Pair],
        region: Region | None,
        memory: SwapMemory,
        *,
        skip: bool = False,
    ) -> None:
        self.skip = skip
        self.model, self.cases, self.region, self.memory = model, cases, region, memory
        self.sets = tuple(sets)
        self.encoder = SwapEncoder(model)
        self.pairs = pairs
        self.unit = {name: i for i, name in enumerate(dict.fromkeys(cases.units))}
        self.window: OrderedDict[int, _Encoded] = OrderedDict()
        self.room = max((len(others) for _, others in pairs), default=0) + 3

    def run(self, progress: Progress) -> Swaps:
        """Measure what is not known yet, and put all cases together."""
        self.fill(progress)
        found = [self.memory.receipts[self.sets, case] for case, _ in self.pairs]
        return self._together([receipt for receipt in found if receipt is not None])

    def fill(self, progress: Progress = SILENT) -> None:
        """Measure what is not known yet."""
        steps = len(self.pairs) * len(self.sets)
        at = partial(progress.report, total=steps, text="exchanging images between cases")
        receipts = self.memory.receipts
        for done, (case, others) in enumerate(self.pairs):
            if (self.sets, case) not in receipts:
                receipts[self.sets, case] = self._receive(case, others, at, done * len(self.sets))
        at(steps)

    def _together(self, receipts: list[Receipt]) -> Swaps:
        """All cases in the order of the pairs, so that a stop between them changes no number."""
        n_maps, n_sets, c = self.model.spec.n_maps, len(self.sets), len(self.cases.channels)
        moved, apart, largest = np.zeros((n_maps, n_sets)), np.zeros(n_maps), np.zeros(n_maps)
        products = np.zeros((c, c))
        for receipt in receipts:
            moved = np.maximum(moved, receipt.moved)
            apart = np.maximum(apart, receipt.apart)
            largest = np.maximum(largest, receipt.largest)
            products += receipt.products
        with np.errstate(invalid="ignore", divide="ignore"):
            size = np.sqrt(np.diag(products))
            likeness = products / np.outer(size, size)
        return Swaps(
            change=np.concatenate([np.empty((0, n_maps, n_sets)), *(r.change for r in receipts)]),
            spread=np.concatenate([np.empty((0, n_maps)), *(r.spread for r in receipts)]),
            unmoved=moved <= 1e-6 * largest[:, None],
            still=apart <= 1e-6 * largest,
            recipient=np.array([r.recipient for r in receipts for _ in r.donors], dtype=np.int64),
            donor=np.array([unit for r in receipts for unit in r.donors], dtype=np.int64),
            likeness=np.nan_to_num(likeness),
            n_cases=len(receipts),
            n_donors=max((len(others) for _, others in self.pairs), default=0),
            data_sha256=self._data_sha256(),
        )

    def _receive(
        self, case: int, others: list[int], report: Callable[[int], None], done: int
    ) -> Receipt | None:
        """Swap into one case; None when none of its latents count."""
        report(done)
        usable = [j for j in (case, *others) if self._usable(j)]
        if case not in usable:
            return None
        others = usable[1:]
        mine = self._encoded(case)
        weight = self._weight(case, mine.stack, tuple(mine.latents.shape[2:]))
        theirs = [self._encoded(j) for j in others]
        if weight is None or not others:
            return None
        latents = torch.cat([other.latents for other in theirs])
        shape = (self.model.spec.n_maps, len(self.sets))
        change, moved = np.empty((len(others), *shape)), np.empty(shape)
        for s, channels in enumerate(self.sets):
            report(done + s)
            z = self.encoder.swap(mine.case, [other.case for other in theirs], channels)
            change[..., s], moved[:, s] = _half_mean_square(z, mine.latents, weight)
        spread, apart = _half_mean_square(latents, mine.latents, weight)
        return Receipt(
            change=change,
            spread=spread,
            moved=moved,
            apart=apart,
            largest=mine.latents.abs().flatten(2).amax(2)[0].double().cpu().numpy(),
            products=_compare_images(mine.case.x, theirs[0].case.x, mine.stack),
            recipient=self.unit[self.cases.units[case]],
            donors=tuple(self.unit[self.cases.units[j]] for j in others),
        )

    def _usable(self, case: int) -> bool:
        """Whether a case can be encoded; one that cannot is left out, or ends the work."""
        if any(case == known.index for known in self.memory.broken):
            return False
        try:
            self._encoded(case)
        except Cancelled:
            raise
        except LatentAttrError as error:
            if not self.skip:
                raise
            self.memory.broken.append(Broken(case, self.cases.cases[case], str(error)))
            return False
        return True

    def _encoded(self, case: int) -> _Encoded:
        if case not in self.window:
            stack = self.cases[case]
            if case not in self.memory.hashes:
                self.memory.hashes[case] = sha256(np.ascontiguousarray(stack.data).data).digest()
            x = torch.from_numpy(stack.data[None].copy()).to(self.model.spec.device)
            prepared = self.encoder.prepare(x)
            self.window[case] = _Encoded(stack, prepared, self.encoder.latents(prepared))
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

    def _data_sha256(self) -> str:
        hashes = self.memory.hashes
        return sha256(b"".join(hashes[i] for i in sorted(hashes))).hexdigest()


def _compare_images(mine: Tensor, other: Tensor, stack: ImageStack) -> Float64:
    """Products (C, C) of the differences between two cases (1, C, *S), image by image."""
    gap = (other - mine)[0].flatten(1)
    if stack.mask is not None:
        gap = gap[:, torch.from_numpy(stack.mask.flatten()).to(gap.device)]
    gap = gap[:, :: max(1, gap.shape[1] // _LIKENESS_VOXELS)].double()
    return np.asarray((gap @ gap.T).cpu().numpy())


def _half_mean_square(z: Tensor, origin: Tensor, weight: Tensor) -> tuple[Float64, Float64]:
    """Half the weighted mean square of z - origin (R, K), and each map's largest move (K,).

    Writes over z.
    """
    square = z.sub_(origin).square_().flatten(2)
    mean = (square @ weight).double().cpu().numpy() / 2
    counted = square if bool(weight.all()) else square * (weight > 0)
    return mean, counted.amax((0, 2)).sqrt().double().cpu().numpy()
