"""Which images drive which latent maps: the result. Its words are made in `sentences`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_latentattr.core.map_position import position_of
from napari_latentattr.core.sentences import Sentence
from napari_latentattr.core.settling import units_to_settle
from napari_latentattr.core.types import Float64, MapRef, Provenance, Text
from napari_latentattr.core.verdict_words import UNDECIDED


@dataclass(frozen=True, slots=True)
class JointSwap:
    """Near-copies among the images, exchanged together.

    Attributes
    ----------
    channels : tuple of str
        The images that carry almost the same differences between cases.
    likeness : float
        Smallest absolute correlation that links them.
    ratio, low, high : (K,) float64 array
        As for one image, with all of `channels` taken from the other case.
    tied : (K,) tuple of tuple of str
        For each map the members that the data cannot tell apart; empty where there is no tie.
    """

    channels: tuple[str, ...]
    likeness: float
    ratio: Float64
    low: Float64
    high: Float64
    tied: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class ChannelDependence:
    """How far each latent map moves when one image is taken from another case.

    Attributes
    ----------
    maps : tuple of MapRef
    channels : tuple of str
    ratio, low, high : (K, C) float64 array
        Ratio of mean squared changes with its 95 % interval; 1 = as far as a whole other case. It
        can exceed 1 where images depend on each other, so it is never a percentage. NaN for a map
        that does not vary; no interval below 6 units.
    p, q : (K, C) float64 array
        Of "ratio <= tau", alone and corrected over `family`; NaN where no p value is printed.
    counting : (K, C) float64 array
        Units that count, at most `n`: fewer where a few hold most of what moves the map (Kish).
    verdict : (K, C) str array
        ``drives``, ``negligible``, ``undecided`` or ``no dependence found``.
    answer : (K,) str array
        Drivers by falling ratio (``T2``; ``T2, PD``), with near-copies as one, by their joint ratio
        (``tie: T2 | PD``; ``FA, tie: T2 | PD``), ``mixed``, ``undecided`` or ``nothing``.
    interaction : (K,) float64 array
        Sum of the ratios less one: 0 when independent images add up, above when they interact,
        below when they carry shared patterns.
    same_lead : (K,) int array
        How many of the model's varying maps have the same leading image.
    varying : int
        How many of the model's maps vary between these cases at all.
    joint : tuple of JointSwap
    likeness : (C, C) float64 array
        Correlation of the images' differences between cases, without sign.
    tau : float
        Ratio below which a dependence is too small to matter.
    n, donors : int
        Independent units, and donors a case.
    unit_name : str
        What the units are: ``patients`` or ``slices of one person``.
    n_cases : int
        Cases (volumes or slices) that received a swap.
    region : str
        Name of the region whose latents were asked; empty for the whole body.
    approximate : str
        Why no p value is printed; empty when the answer is exact.
    family : str
        What was corrected together.
    """

    maps: tuple[MapRef, ...]
    channels: tuple[str, ...]
    ratio: Float64
    low: Float64
    high: Float64
    p: Float64
    q: Float64
    counting: Float64
    verdict: Text
    answer: Text
    interaction: Float64
    same_lead: np.ndarray[tuple[int], np.dtype[np.int64]]
    varying: int
    joint: tuple[JointSwap, ...]
    likeness: Float64
    tau: float
    n: int
    donors: int
    unit_name: str
    n_cases: int
    region: str
    approximate: str
    family: str
    provenance: Provenance

    def row(self, which: MapRef | int) -> int:
        """Position of a map in the arrays.

        Parameters
        ----------
        which : MapRef or int
            The map, or its index in the model.

        Raises
        ------
        KeyError
            When that map was not measured.
        """
        return position_of(which, self.maps)

    def cases_to_settle(self, which: MapRef | int) -> Float64:
        """Units with which each undecided image would probably be decided, (C,).

        Parameters
        ----------
        which : MapRef or int

        Returns
        -------
        (C,) float64 array
            See `units_to_settle`; NaN for images that are decided, and where the answer is
            approximate, because no other people would be added.
        """
        row = self.row(which)
        open_ = self.verdict[row] == UNDECIDED
        if self.approximate or not open_.any():
            return np.full(len(self.channels), np.nan)
        found = units_to_settle(
            self.ratio[row],
            self.low[row],
            self.high[row],
            p=self.p[row],
            q=self.q[row],
            counting=self.counting[row],
            n=self.n,
            tau=self.tau,
        )
        return np.where(open_, found, np.nan)

    @property
    def settled_by(self) -> str:
        """What has to be added: ``cases``, or ``patients`` where these have several."""
        return "cases" if self.n == self.n_cases else self.unit_name

    def sentence(self, which: MapRef | int) -> str:
        """Return the sentence that is shown to people about one map."""
        return Sentence(self, self.row(which)).text()
