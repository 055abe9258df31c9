"""Which latents of a map a picture is about: all, those of a region, or a single one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """One part of a latent map; the whole map where nothing is named.

    Attributes
    ----------
    region : str
        Name of a label of the study.
    layer : str
        Name of a Labels layer of the viewer; its nonzero voxels count.
    latent : tuple of int
        Index of one latent in the latent map.
    """

    region: str = ""
    layer: str = ""
    latent: tuple[int, ...] = ()

    def __str__(self) -> str:
        """In words, such as ``lesion`` or ``latent 3,4,2``; empty for the whole map."""
        if self.latent:
            return f"latent {','.join(map(str, self.latent))}"
        return f"layer {self.layer}" if self.layer else self.region

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole map."""
        return self == WHOLE


WHOLE = Place()
