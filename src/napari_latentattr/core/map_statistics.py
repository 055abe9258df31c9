"""What values each latent map takes over all latents of all cases: the result and its words."""

from __future__ import annotations

from dataclasses import dataclass

from napari_latentattr.core.map_position import position_of
from napari_latentattr.core.types import Float64, MapRef, Provenance
from napari_latentattr.core.value_counts import Int, ValueCounts

# Quantiles that are told, in percent.
TOLD = (1, 5, 25, 50, 75, 95, 99)
_TOGETHER = 8


@dataclass(frozen=True, slots=True, eq=False)
class MapStatistics:
    """Values of K maps over the latents in the bodies of all cases, each latent counted once.

    Large cases count more than small ones, and cases of one patient are no independent ones: this
    describes what was seen, and tests nothing.

    Attributes
    ----------
    maps : tuple of MapRef
    values : ValueCounts
        Exact counts and moments of all of them.
    n_cases : int
    """

    maps: tuple[MapRef, ...]
    values: ValueCounts
    n_cases: int
    provenance: Provenance

    @property
    def n(self) -> int:
        """Latents that were counted, of each map."""
        return self.values.n

    @property
    def mean(self) -> Float64:
        """Mean of each map (K,)."""
        return self.values.mean

    @property
    def sd(self) -> Float64:
        """Standard deviation over latents (K,)."""
        return self.values.sd

    def quantile(self, share: float) -> Float64:
        """Value (K,) that this share of the latents does not exceed, within 0.4 % of it."""
        return self.values.quantile(share)

    def histogram(self, which: MapRef | int) -> tuple[Float64, Float64, Int]:
        """Smallest and largest value and count of bins that are 6 % of their value wide."""
        return self.values.histogram(position_of(which, self.maps), together=_TOGETHER)

    def sentence(self, which: MapRef | int) -> str:
        """Say in one line where the values of a map lie."""
        row = position_of(which, self.maps)
        low, middle, high = (self.quantile(share)[row] for share in (0.01, 0.5, 0.99))
        return (
            f"over {self.n:,} latents of {self.n_cases} cases: median {middle:.4g}, 1 % {low:.4g}, "
            f"99 % {high:.4g}, mean {self.mean[row]:.4g} (sd {self.sd[row]:.4g}), from "
            f"{self.values.low[row]:.4g} to {self.values.high[row]:.4g}"
        )
