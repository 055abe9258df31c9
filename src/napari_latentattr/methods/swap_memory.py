"""What exchanging images has shown so far: to look at before the end, and to go on after a stop.

Refuses to measure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from napari_latentattr.core.broken import Broken
from napari_latentattr.core.types import Float64

ChannelSet: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Receipt:
    """What all swaps into one case did, for R donors.

    Attributes
    ----------
    change : (R, K, S) float64 array
        Half the mean squared move of map k when channel set s came from the donor.
    spread : (R, K) float64 array
        Half the mean squared distance between case and donor.
    moved : (K, S) float64 array
        Largest move of any latent.
    apart, largest : (K,) float64 array
        Largest distance of any latent to that of a donor, and largest value of the case.
    products : (C, C) float64 array
        Of the differences between the images of the case and of its first donor.
    recipient : int
        Independent unit of the case.
    donors : tuple of R int
        Independent unit of each donor.
    """

    change: Float64
    spread: Float64
    moved: Float64
    apart: Float64
    largest: Float64
    products: Float64
    recipient: int
    donors: tuple[int, ...]


@dataclass(slots=True, eq=False)
class SwapMemory:
    """Filled while a measurement goes on.

    Given to the same measurement again, only the rest is measured, with the same numbers.

    Attributes
    ----------
    receipts : dict of (channel sets, case) to Receipt or None
        None for a case none of whose latents count.
    hashes : dict of int to bytes
        Of the images of each case.
    broken : list of Broken
        Cases that cannot be used and were left out, as recipients and as donors.
    """

    receipts: dict[tuple[tuple[ChannelSet, ...], int], Receipt | None] = field(default_factory=dict)
    hashes: dict[int, bytes] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)

    def ratios(self, n_channels: int) -> tuple[Float64, int] | None:
        """Ratios (K, C) of single images, and the number of cases they come from.

        None before the first case.
        """
        single = tuple((c,) for c in range(n_channels))
        # A copy first: another thread may be measuring.
        known = [receipt for (sets, _), receipt in list(self.receipts.items()) if sets == single]
        found = [receipt for receipt in known if receipt is not None]
        if not found:
            return None
        change = np.sum([receipt.change.sum(axis=0) for receipt in found], axis=0)
        spread = np.sum([receipt.spread.sum(axis=0) for receipt in found], axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return change / spread[:, None], len(known)
