"""What a decoder draws from each latent map: the result. Refuses to know the decoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from napari_latentattr.core.types import Float32, Float64, Grid, MapRef, Provenance


@dataclass(frozen=True, slots=True, eq=False)
class Decomposition:
    """The change of a decoded picture from a reference, divided among latent maps.

    All images of a large model do not fit in memory, so an image is drawn when it is asked for.

    Attributes
    ----------
    maps : tuple of MapRef
        The M maps that were asked.
    channels : tuple of str
    draw, draw_main : callable
        Image and main effect (C, *S) of a map, given its number.
    error : (M,) float64 array
        Standard error of an image over random orders, relative to its norm; NaN where nothing is
        drawn at random, or from one pair of orders.
    in_company : bool
        Images show a map in the company of others, so that they can differ from its main effect.
    residual : float
        Norm of (sum of images - change of the picture) over that of the change; NaN unless all
        maps were asked.
    grid : Grid
    provenance : Provenance
    """

    maps: tuple[MapRef, ...]
    channels: tuple[str, ...]
    draw: Callable[[int], Float32]
    draw_main: Callable[[int], Float32]
    error: Float64
    in_company: bool
    residual: float
    grid: Grid
    provenance: Provenance

    def image(self, which: MapRef | int) -> Float32:
        """Return what the map adds to the picture, (C, *S), in intensities that the model sees."""
        return self.draw(self.maps[self.row(which)].index)

    def main_effect(self, which: MapRef | int) -> Float32:
        """Return the reference's picture with this one map of the case, less without, (C, *S)."""
        return self.draw_main(self.maps[self.row(which)].index)

    @property
    def entanglement(self) -> Float64:
        """Norm of image less main effect over that of the image, (M,); draws all of them.

        0 where the map adds the same whatever the others are. NaN where the images show no map in
        company, or are empty.
        """
        if not self.in_company:
            return np.full(len(self.maps), np.nan)
        return np.array([_entanglement(self.image(k), self.main_effect(k)) for k in self.maps])

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


def _entanglement(image: Float32, main: Float32) -> float:
    size = float(np.linalg.norm(image))
    return float(np.linalg.norm(image - main)) / size if size else float("nan")
