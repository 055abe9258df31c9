"""What a decoder draws from each latent map: the result. Refuses to know the decoder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_latentattr.core.types import Float32, Float64, Grid, MapRef, Provenance


@dataclass(frozen=True, slots=True, eq=False)
class Decomposition:
    """The change of a decoded picture from a reference, divided among latent maps.

    Attributes
    ----------
    maps : tuple of MapRef
        The M maps that were asked.
    channels : tuple of str
    images : (M, C, *S) float32 array
        What each map adds to the picture, in the intensities that the model sees.
    main : (M, C, *S) float32 array
        Picture of the reference with this one map of the case, less the picture of the reference.
    error : (M,) float64 array
        Standard error of an image over random orders, relative to its norm; NaN where nothing is
        drawn at random, or from one pair of orders.
    entanglement : (M,) float64 array
        Norm of image less main effect, over the norm of the image: 0 where the map adds the same
        whatever the others are. NaN where no image in company is computed, or it is empty.
    residual : float
        Norm of (sum of images - change of the picture) over that of the change; NaN unless all
        maps were asked.
    grid : Grid
    provenance : Provenance
    """

    maps: tuple[MapRef, ...]
    channels: tuple[str, ...]
    images: Float32
    main: Float32
    error: Float64
    entanglement: Float64
    residual: float
    grid: Grid
    provenance: Provenance

    def row(self, which: MapRef | int) -> int:
        """Position of a map in the arrays.

        Raises
        ------
        KeyError
            When that map was not asked.
        """
        for position, ref in enumerate(self.maps):
            if which in (ref, ref.index):
                return position
        raise KeyError(f"map {which} was not asked; asked were {', '.join(map(str, self.maps))}")

    def image(self, which: MapRef | int) -> Float32:
        """Return what the map adds to the picture, (C, *S)."""
        return np.asarray(self.images[self.row(which)])

    def main_effect(self, which: MapRef | int) -> Float32:
        """Return what the map alone changes in the picture of the reference, (C, *S)."""
        return np.asarray(self.main[self.row(which)])
