"""An image that is open somewhere else, such as in a viewer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from napari_latentattr.core.types import Grid


@dataclass(frozen=True, slots=True, eq=False)
class OpenImage:
    """An image or a label map (*S) that is open somewhere, and where its voxels lie."""

    name: str
    data: npt.NDArray[Any]
    grid: Grid

    def shares_space(self, other: OpenImage) -> bool:
        """Whether a place in the one has a meaning in the other."""
        one, two = self.grid, other.grid
        return one.ndim == two.ndim and one.known == two.known


def to_resample(images: Sequence[OpenImage]) -> tuple[str, ...]:
    """Names of the images to bring onto the voxels of the first one, so that all lie on one grid.

    Empty where all lie there already, or where one cannot be brought there: it has other axes, or
    the orientation in the patient is known of the one and not of the other.
    """
    off = [image for image in images if not image.grid.same_as(images[0].grid)]
    if not all(images[0].shares_space(image) for image in off):
        return ()
    return tuple(image.name for image in off)
