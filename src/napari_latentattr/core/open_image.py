"""An image that is open somewhere else, such as in a viewer."""

from __future__ import annotations

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
