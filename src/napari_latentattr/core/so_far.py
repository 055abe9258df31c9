"""What a measurement that still runs has found so far; never kept, never a claim."""

from __future__ import annotations

from dataclasses import dataclass

from napari_latentattr.core.types import Float32, Float64, Grid, MapRef


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


@dataclass(frozen=True, slots=True, eq=False)
class PictureSoFar:
    """A made-up picture that does not yet excite the map as it is to.

    Attributes
    ----------
    target : MapRef
    volume : (C, *S) float32 array
    grid : Grid
    activation, level : float
        What the map does now, and what it is to do.
    """

    target: MapRef
    volume: Float32
    grid: Grid
    activation: float
    level: float
