"""What a measurement that still runs has found so far; never kept, never a claim."""

from __future__ import annotations

from dataclasses import dataclass

from napari_latentattr.core.types import Float64


@dataclass(frozen=True, slots=True, eq=False)
class RatiosSoFar:
    """Ratios of the cases that were measured first: no interval and no verdict before the last.

    Attributes
    ----------
    ratio : (K, C) float64 array
        Of every map of the model, as in `ChannelDependence`; NaN where a map did not vary yet.
    region : str
    done, of : int
        Cases that were measured, and all cases.
    """

    ratio: Float64
    region: str
    done: int
    of: int
