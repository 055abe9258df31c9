"""Images of one case and where their voxels lie. Frozen; their arrays are read-only.

Arrays are ordered (C, Z, Y, X) or (C, Y, X). This file refuses to know files, torch and windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_latentattr.core.arrays import Bool, Float32, Float64


def _read_only(array: npt.NDArray[np.generic]) -> None:
    array.setflags(write=False)


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Where the voxels of an image lie in the patient.

    Attributes
    ----------
    shape : tuple of int
        Voxels per axis, slowest first: ``(Z, Y, X)`` or ``(Y, X)``.
    affine : (d + 1, d + 1) float64 array
        Voxel index to RAS millimetres, both in array order: row 0 gives the superior (2D:
        anterior) coordinate, the last spatial row the right-left one. Volumes that were read are
        in canonical order: axis 0 runs towards inferior, 1 towards posterior, 2 towards left.
    source : Grid or None
        The grid of the file this image was reoriented from, in the file's own voxel order, exact.
        None when the image never was a file or the file is in this order already.
    known : bool
        False when the file did not say how it is oriented; then left and right are not claimed.
    """

    shape: tuple[int, ...]
    affine: Float64
    source: Grid | None = None
    known: bool = True

    def __post_init__(self) -> None:
        n = len(self.shape) + 1
        affine = np.array(self.affine, dtype=np.float64)
        if affine.shape != (n, n):
            raise ValueError(
                f"the affine of a {n - 1}D grid must have shape {(n, n)}, got {affine.shape}"
            )
        _read_only(affine)
        object.__setattr__(self, "affine", affine)
        object.__setattr__(self, "shape", tuple(int(s) for s in self.shape))

    @classmethod
    def from_spacing(cls, shape: Sequence[int], spacing_mm: Sequence[float]) -> Grid:
        """Grid in canonical order (inferior, posterior, left) with its first voxel at 0 mm.

        Parameters
        ----------
        shape : sequence of int
            Voxels per axis, slowest first.
        spacing_mm : sequence of float
            Millimetres per voxel along each axis, in the same order.
        """
        if len(shape) != len(spacing_mm):
            raise ValueError(f"{len(shape)} axes need as many spacings, got {len(spacing_mm)}")
        diagonal = [*(-float(s) for s in spacing_mm), 1.0]
        return cls(tuple(shape), np.diag(diagonal) + 0.0)

    @property
    def ndim(self) -> int:
        """Number of spatial axes, 2 or 3."""
        return len(self.shape)

    @property
    def spacing(self) -> tuple[float, ...]:
        """Millimetres per voxel along each axis."""
        lengths = np.linalg.norm(self.affine[:-1, :-1], axis=0)
        return tuple(float(s) for s in lengths)

    def same_as(self, other: Grid, tol_mm: float = 1e-3) -> bool:
        """Whether both grids put every voxel within `tol_mm` millimetres of each other."""
        return self.shape == other.shape and self.corner_distance(other) <= tol_mm

    def corner_distance(self, other: Grid) -> float:
        """Largest distance in mm between corresponding corner voxels of two grids."""
        gap: Float64 = np.linalg.norm((self._corners() - other._corners())[:-1], axis=0)
        return float(gap.max())

    def _corners(self) -> Float64:
        far = np.indices((2,) * self.ndim).reshape(self.ndim, -1)
        index = far * (np.array(self.shape)[:, None] - 1)
        return np.asarray(self.affine @ np.vstack([index, np.ones(index.shape[1])]))


@dataclass(frozen=True, slots=True, eq=False)
class ImageStack:
    """The co-registered images of one case, as the model sees them.

    Attributes
    ----------
    case : str
        Pseudonym of the case; never a patient's name.
    channels : tuple of str
        One name an image, e.g. ``("T1", "FLAIR")``.
    data : (C, *shape) float32 array
        Intensities after preprocessing.
    grid : Grid
    mask : (*shape) bool array or None
        The body; None when everything counts.
    """

    case: str
    channels: tuple[str, ...]
    data: Float32
    grid: Grid
    mask: Bool | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", tuple(self.channels))
        data = np.asarray(self.data, dtype=np.float32)
        data = data.view() if data is self.data else data
        want = (len(self.channels), *self.grid.shape)
        if data.shape != want:
            raise ValueError(
                f"stack {self.case!r}: {len(self.channels)} channels on a {self.grid.shape} grid "
                f"need data of shape {want}, got {data.shape}"
            )
        _read_only(data)
        object.__setattr__(self, "data", data)
        if self.mask is not None:
            mask = np.asarray(self.mask, dtype=bool).view()
            if mask.shape != self.grid.shape:
                raise ValueError(
                    f"stack {self.case!r}: the mask has shape {mask.shape}, "
                    f"the grid {self.grid.shape}"
                )
            _read_only(mask)
            object.__setattr__(self, "mask", mask)
