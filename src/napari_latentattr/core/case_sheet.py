"""What the cases of a retrieval look like where the map peaks: small pictures, ready to be shown.

Refuses to know files and windows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from napari_latentattr.core.retrieval import Retrieval

Grey: TypeAlias = npt.NDArray[np.uint8]
Box: TypeAlias = tuple[tuple[float, float], tuple[float, float]]

# The lists that are pictured.
PICTURED = ("top", "bottom", "random")


@dataclass(frozen=True, slots=True, eq=False)
class CaseView:
    """One case of a list.

    Attributes
    ----------
    name : str
        As in the list: the case, or a slice of it.
    case : str
        The case as a whole volume; the same where cases are no slices.
    voxel : tuple of d float
        Where in the images of `case` the map peaks.
    planes : (C, h, w) uint8 array
        Grey levels of all images around the peak, in the slice through it. The levels of an image
        mean the same in all cases of a sheet.
    box : ((float, float), (float, float))
        What the peak can see, in rows and columns of the planes.
    """

    name: str
    case: str
    voxel: tuple[float, ...]
    planes: Grey
    box: Box


@dataclass(frozen=True, slots=True, eq=False)
class CaseSheet:
    """Cases that have most and least of a map, and random ones, with their pictures.

    Attributes
    ----------
    found : Retrieval
        Without statistics.
    channels : tuple of str
    views : mapping of str to tuple of CaseView
        For the lists in `PICTURED`, in the order of the list.
    """

    found: Retrieval
    channels: tuple[str, ...]
    views: Mapping[str, tuple[CaseView, ...]]
