"""Pictures while one latent map of a case grows: the result. Refuses to know the decoder."""

from __future__ import annotations

from dataclasses import dataclass

from napari_latentattr.core.types import Float32, Float64, Grid, MapRef, Provenance


@dataclass(frozen=True, slots=True, eq=False)
class Traversal:
    """What the decoder draws of one case while one map runs through its range in the cohort.

    Attributes
    ----------
    target : MapRef
    case : str
    channels : tuple of str
    values : (S,) float64 array
        Strength of the map at each step, in latent units, evenly from the 1 % to the 99 % quantile
        of the cohort.
    own : float
        Strength of the map in this case.
    strength : str
        What that is: ``"root mean square"`` over the latents in the body, or ``"value"`` for a map
        of a single latent.
    pictures : (S, C, *S) float32 array
        In the intensities that the model sees.
    grid : Grid
    provenance : Provenance
    """

    target: MapRef
    case: str
    channels: tuple[str, ...]
    values: Float64
    own: float
    strength: str
    pictures: Float32
    grid: Grid
    provenance: Provenance

    def sentence(self) -> str:
        """Say what the steps are."""
        low, high = self.values[0], self.values[-1]
        return (
            f"Traversal: {len(self.values)} steps of the slider “step”, strength of the map "
            f"({self.strength}) from {low:.3g} to {high:.3g}; in this case it is {self.own:.3g}"
        )

    def images(self, channel: str) -> Float32:
        """Return one image at all steps, (S, *S).

        Raises
        ------
        KeyError
            When there is no image of that name.
        """
        if channel not in self.channels:
            raise KeyError(f"there is no image {channel}; there are {', '.join(self.channels)}")
        return self.pictures[:, self.channels.index(channel)]
