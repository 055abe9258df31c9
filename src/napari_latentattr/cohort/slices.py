"""Slices of volumes as cases of their own, and the way back to volumes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_latentattr.cohort.arrays import as_array
from napari_latentattr.core.errors import InputError
from napari_latentattr.core.types import Bool, Grid, ImageStack
from napari_latentattr.io.case_table import Values
from napari_latentattr.io.study_file import Slices

if TYPE_CHECKING:
    from napari_latentattr.cohort.cohort import Cohort

# In canonical arrays (Z, Y, X); the letter marks the slice number in a case's name.
AXES: Mapping[Slices, tuple[int, str]] = {
    "axial": (0, "z"),
    "coronal": (1, "y"),
    "sagittal": (2, "x"),
}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a slice was cut: position of its volume in the cohort, and number of the slice."""

    volume: int
    index: int


class SliceCases:
    """Every slice that shows something, of every volume of a cohort.

    Parameters
    ----------
    whole : Cohort
        Of volumes; read when the slices are first counted.
    axis : {"axial", "coronal", "sagittal"}
    """

    def __init__(self, whole: Cohort, axis: Slices) -> None:
        if axis not in AXES:
            raise InputError(f"slices must be one of {', '.join(AXES)}, got {axis!r}")
        self.whole, self.axis = whole, axis
        self._axis, self._letter = AXES[axis]
        self.channels = whole.channels
        self.columns = whole.columns

    @cached_property
    def origins(self) -> tuple[Origin, ...]:
        """Where each slice was cut; reads every volume once."""
        found: list[Origin] = []
        for i, stack in enumerate(self.whole):
            if stack.grid.ndim != 3:
                raise InputError(f"case {stack.case} is no volume and has no {self.axis} slices")
            shown = _shows_something(stack, self._axis)
            if not shown.any():
                raise InputError(f"case {stack.case}: no slice shows anything; check the images")
            found += [Origin(i, int(index)) for index in np.flatnonzero(shown)]
        return tuple(found)

    @cached_property
    def cases(self) -> tuple[str, ...]:
        """Like ``"case-001_z031"``."""
        names = self.whole.cases
        return tuple(f"{names[at.volume]}_{self._letter}{at.index:03d}" for at in self.origins)

    @property
    def patients(self) -> tuple[str, ...]:
        """Patient of each slice."""
        return tuple(self.whole.patients[at.volume] for at in self.origins)

    @property
    def sequences(self) -> tuple[str, ...]:
        """Volume of each slice."""
        return tuple(self.whole.cases[at.volume] for at in self.origins)

    @property
    def region_names(self) -> tuple[str, ...]:
        """Labels that can be asked for."""
        return self.whole.region_names

    def read(self, index: int) -> ImageStack:
        """Images of slice `index`."""
        at = self.origins[index]
        stack = self.whole[at.volume]
        return ImageStack(
            self.cases[index],
            self.channels,
            _plane(stack.data, at.index, 1 + self._axis),
            slice_grid(stack.grid, self._axis),
            None if stack.mask is None else _plane(stack.mask, at.index, self._axis),
        )

    def fingerprint(self, index: int) -> str | None:
        """Of the volume, and which slice of it; None where the volume has no files."""
        at = self.origins[index]
        whole = self.whole.fingerprint(at.volume)
        return None if whole is None else f"{whole} {self.axis} {at.index}"

    def region(self, index: int, name: str) -> Bool:
        """Voxels of slice `index` that carry the label `name`."""
        at = self.origins[index]
        return _plane(self.whole.region(at.volume, name), at.index, self._axis)

    def values(self, column: str) -> Values:
        """One value a slice, that of its volume; refused where there is one person only."""
        if len(set(self.whole.patients)) == 1:
            raise InputError(
                f"the column {column} has one value a case, but all slices belong to one person; "
                "name a label of the label maps as the outcome"
            )
        return self.whole.values(column)[[at.volume for at in self.origins]]

    def stack_back(self, values: Any, *, fill: float) -> dict[str, npt.NDArray[Any]]:
        """Volumes (..., Z, Y, X) made of slices (..., H, W); see `Cohort.stack_back`."""
        planes = _by_case(values, self.cases)
        volumes: dict[str, npt.NDArray[Any]] = {}
        for at, case in zip(self.origins, self.cases, strict=True):
            if case not in planes:
                continue
            plane, name = planes[case], self.whole.cases[at.volume]
            axis = plane.ndim - 2 + self._axis
            if name not in volumes:
                depth = self.whole[at.volume].grid.shape[self._axis]
                shape = (*plane.shape[:axis], depth, *plane.shape[axis:])
                volumes[name] = np.full(shape, fill, dtype=plane.dtype)
            np.moveaxis(volumes[name], axis, 0)[at.index] = plane
        return volumes


def slice_grid(grid: Grid, axis: int) -> Grid:
    """Grid of a slice across `axis`, with the spacing of the volume within the slice.

    Where the volume lies obliquely the slice keeps its spacing and lies straight.
    """
    keep = [i for i in range(3) if i != axis]
    affine = grid.affine[np.ix_([*keep, 3], [*keep, 3])].copy()
    lengths = np.linalg.norm(affine[:2, :2], axis=0)
    affine[:2, :2] *= np.array(grid.spacing)[keep] / lengths
    return Grid(tuple(grid.shape[i] for i in keep), affine, known=grid.known)


def _plane(volume: npt.NDArray[Any], index: int, axis: int) -> npt.NDArray[Any]:
    return np.asarray(np.moveaxis(volume, axis, 0)[index])


def _shows_something(stack: ImageStack, axis: int) -> Bool:
    """Which slices hold a voxel of the mask or, without one, a channel that is not flat."""
    if stack.mask is not None:
        across = tuple(i for i in range(3) if i != axis)
        return np.asarray(stack.mask.any(axis=across))
    flat = np.moveaxis(stack.data, 1 + axis, 0).reshape(stack.grid.shape[axis], len(stack.data), -1)
    return np.asarray((np.ptp(flat, axis=-1) > 0).any(axis=-1))


def _by_case(
    values: Mapping[str, Any] | Sequence[Any], cases: tuple[str, ...]
) -> dict[str, npt.NDArray[Any]]:
    """Slices by the name of their case."""
    if isinstance(values, Mapping):
        unknown = [case for case in values if case not in cases]
        if unknown:
            raise InputError(f"there is no slice {unknown[0]}; slices are named like {cases[0]}")
        return {case: as_array(plane) for case, plane in values.items()}
    if len(values) != len(cases):
        raise InputError(f"{len(values)} slices came for {len(cases)} cases; give one a case")
    return {case: as_array(plane) for case, plane in zip(cases, values, strict=True)}
