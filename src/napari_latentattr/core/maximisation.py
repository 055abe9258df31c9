"""A picture that was made up to excite one map: the result, and all that it must be shown with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from napari_latentattr.core.types import Attribution, Float32

Toward: TypeAlias = Literal["high", "low"]

MADE_UP = "made up, not a patient"
# Of the way from the median of the cohort to the level.
_MET = 0.05


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Maximisation(Attribution):
    """What would excite a map as much as the cohort's own strongest cases do.

    ``volume`` is the picture (C, *S) of the first seed, in the intensities that the model sees;
    ``score`` (C,) is the root mean square by which each image of it differs, in the body, from
    `start`. ``numbers`` has, as floats, what the properties are named after.

    Attributes
    ----------
    channels : tuple of str
    pictures : (seeds, C, *S) float32 array
    start : (C, *S) float32 array
        The picture that nothing was asked of: mean phases, and the cohort's spectrum.
    top_cases : tuple of str
        Real cases with the strongest (weakest) activation, one a patient;
        of slices of one person, one of each block of neighbours.
    top_activations : tuple of float
    magnitudes_moved : bool
        Phases did not suffice, so that magnitudes moved within the cohort's own spread.
    """

    channels: tuple[str, ...]
    pictures: Float32
    start: Float32
    top_cases: tuple[str, ...]
    top_activations: tuple[float, ...]
    magnitudes_moved: bool

    @property
    def reached(self) -> float:
        """Activation by the picture."""
        return self.numbers["reached"]

    @property
    def level(self) -> float:
        """Activation at which it was to stop: the cohort's 99 % (1 %) quantile."""
        return self.numbers["level"]

    @property
    def usual(self) -> float:
        """Median activation of the cohort."""
        return self.numbers["usual"]

    @property
    def spectrum_distance(self) -> float:
        """Root mean square difference of the logarithms of the magnitudes from the cohort's."""
        return self.numbers["spectrum_distance"]

    @property
    def usual_distance(self) -> float:
        """The same of the cases in `top_cases`, on average."""
        return self.numbers["usual_distance"]

    @property
    def out_of_distribution(self) -> float:
        """Error with which the decoder draws the picture, over the cohort's own 95 % quantile.

        Above 1 the model knows it worse than 95 % of the cases; NaN where it draws on other voxels.
        """
        return self.numbers["out_of_distribution"]

    @property
    def agreement(self) -> float:
        """Smallest correlation between the pictures of two seeds; NaN for one seed."""
        return self.numbers["agreement"]

    @property
    def meets_level(self) -> bool:
        """Whether the picture excites the map as was asked, to 5 % of the way from `usual`."""
        return abs(self.reached - self.level) <= _MET * abs(self.level - self.usual)

    def clearest_slice(self, axis: int) -> int:
        """Slice across an axis of the volumes in which the first picture differs most from `start`.

        0 for pictures in 2D.
        """
        change = np.square(self.pictures[0] - self.start).sum(axis=0)
        others = tuple(i for i in range(change.ndim) if i != axis)
        return int(change.sum(axis=others).argmax()) if change.ndim == 3 else 0

    def sentence(self) -> str:
        """Say what the picture is, never without the real cases."""
        lowest = self.level < self.usual
        met = "as" if self.meets_level else "not as"
        parts = [
            f"{MADE_UP[0].upper()}{MADE_UP[1:]}: this picture excites map {self.map} {met} "
            f"{'little' if lowest else 'much'} as the {'lowest' if lowest else 'top'} 1 % of the "
            f"cohort ({self.reached:.3g}; level {self.level:.3g}, median {self.usual:.3g})",
            f"beside it the real case{'s' * (len(self.top_cases) > 1)} {', '.join(self.top_cases)}",
            f"its spectrum lies {self.spectrum_distance:.2f} from that of the cohort, those of "
            f"real cases {self.usual_distance:.2f}",
            _strangeness(self.out_of_distribution),
        ]
        if self.magnitudes_moved:
            parts.append("phases did not suffice, so the strength of its waves moved too")
        if not math.isnan(self.agreement):
            least = math.floor(100 * self.agreement) / 100  # "or more" must stay true
            parts.append(f"seeds agree with r = {least:.2f} or more")
        return "; ".join(parts) + "."


def _strangeness(ratio: float) -> str:
    if math.isnan(ratio):
        return "the decoder draws on other voxels, so nobody knows how strange it is to the model"
    return (
        f"the model draws it {'worse' if ratio > 1 else 'no worse'} than 95 % of the cases "
        f"({ratio:.2f} times their error)"
    )
