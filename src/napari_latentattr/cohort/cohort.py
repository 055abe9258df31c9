"""Many cases, read when they are needed; what every method asks for images.

Refuses to know models.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy.typing as npt

from napari_latentattr.cohort import units
from napari_latentattr.cohort.arrays import ArrayCases
from napari_latentattr.cohort.slices import AXES, SliceCases
from napari_latentattr.cohort.source import Source
from napari_latentattr.cohort.table import TableCases
from napari_latentattr.core.errors import InputError, LatentAttrError
from napari_latentattr.core.names import did_you_mean
from napari_latentattr.core.types import Bool, ImageStack
from napari_latentattr.io.case_table import Values, read_case_table
from napari_latentattr.io.preprocessing import DEFAULT, Preprocessing, Scaling
from napari_latentattr.io.study_file import Slices

# Cases kept after they were read: enough for a case, its four donors and their neighbours.
RECENT = 8


class Cohort:
    """Cases of one or many patients with the same channels.

    Parameters
    ----------
    source : Source
        Where the cases come from; `from_arrays` and `from_table` make one.
    slices : {"axial", "coronal", "sagittal"} or None
        How a 2D model walks over the volumes.
    """

    def __init__(self, source: Source, *, slices: Slices | None = None) -> None:
        if slices is not None and slices not in AXES:
            raise InputError(f"slices must be one of {', '.join(AXES)}, got {slices!r}")
        self._source = source
        self.slices = slices
        self._read = lru_cache(maxsize=RECENT)(source.read)
        self._region = lru_cache(maxsize=RECENT)(source.region)

    @classmethod
    def from_arrays(
        cls,
        x: Any,
        *,
        channels: Sequence[str],
        patients: Sequence[object] | None = None,
        spacing: Sequence[float] | None = None,
        masks: Any = None,
        labels: Mapping[str, Any] | None = None,
    ) -> Cohort:
        """Make a cohort of images that are in memory.

        Parameters
        ----------
        x : (N, C, *S) array or torch tensor
            2D or 3D, as the model sees them; not copied.
        channels : sequence of C str
        patients : sequence of N, optional
            Without it every case is its own patient.
        spacing : sequence of float, optional
            Millimetres per voxel along each axis; 1 mm where it is not given.
        masks : (N, *S) array or sequence of N (*S) arrays or None, optional
            The body.
        labels : mapping of str to (N, *S) bool arrays, optional

        Raises
        ------
        InputError
            When numbers or shapes do not fit together.
        """
        return cls(
            ArrayCases(
                x,
                channels=channels,
                patients=patients,
                spacing=spacing,
                masks=masks,
                labels=labels,
            )
        )

    @classmethod
    def from_table(
        cls,
        path: Path | str,
        *,
        channels: Sequence[str],
        scaling: Scaling = DEFAULT.scaling,
        percentiles: tuple[float, float] = DEFAULT.percentiles,
        spacing: Sequence[float] | None = DEFAULT.spacing,
        slices: Slices | None = None,
        resample: bool = False,
        labels: Mapping[str, int] | None = None,
    ) -> Cohort:
        """Make a cohort of the files in a table; a case is read when it is needed.

        Parameters
        ----------
        path : path
            CSV with the columns case, patient and one a channel or one ``image``; mask, labels
            and others may follow. Paths in it are relative to its folder.
        channels : sequence of str
        scaling, percentiles, spacing
            As in `Preprocessing`.
        slices : {"axial", "coronal", "sagittal"}, optional
            How a 2D model walks over the volumes.
        resample : bool
            Bring channels on other voxels onto those of the first one.
        labels : mapping of str to int, optional
            Value of each label in the label maps.

        Raises
        ------
        InputError
            When a column, a cell or a file is missing.
        """
        spacing = None if spacing is None else tuple(spacing)
        source = TableCases(
            read_case_table(path, channels=channels),
            channels=channels,
            preprocessing=Preprocessing(scaling, percentiles, spacing),
            resample=resample,
            labels=labels,
        )
        return cls(source, slices=slices)

    @property
    def channels(self) -> tuple[str, ...]:
        """One name an image."""
        return self._source.channels

    @property
    def cases(self) -> tuple[str, ...]:
        """One name a case."""
        return self._source.cases

    @property
    def patients(self) -> tuple[str, ...]:
        """Patient of each case."""
        return self._source.patients

    @property
    def ndim(self) -> int:
        """Spatial axes of a case; the first one that can be read tells."""
        for i in range(len(self)):
            with suppress(LatentAttrError):
                return self[i].grid.ndim
        return self[0].grid.ndim

    @property
    def columns(self) -> tuple[str, ...]:
        """What is known of each case beside its images, by name."""
        return self._source.columns

    @property
    def region_names(self) -> tuple[str, ...]:
        """Labels that can be asked for."""
        return self._source.region_names

    @property
    def unit_name(self) -> str:
        """What the independent units are: patients, or images or slices of one person."""
        if len(set(self.patients)) > 1:
            return units.PATIENTS
        return units.SLICES if len(self) > 1 and self.ndim == 2 else units.IMAGES

    @property
    def units(self) -> tuple[str, ...]:
        """Independent unit of each case: its patient, its block of slices, or itself."""
        name = self.unit_name
        if name == units.PATIENTS:
            return self.patients
        return units.name_blocks(self._source.sequences) if name == units.SLICES else self.cases

    def __len__(self) -> int:
        return len(self.cases)

    def __getitem__(self, index: int) -> ImageStack:
        return self._read(self._position(index))

    def __iter__(self) -> Iterator[ImageStack]:
        return (self[i] for i in range(len(self)))

    def fingerprint(self, index: int) -> str | None:
        """Digest of the files of a case and of what is done to them; None where it has no files."""
        return self._source.fingerprint(self._position(index))

    def __reduce__(self) -> tuple[partial[Cohort], tuple[()]]:
        """Without the cases that were read; for workers in other processes."""
        return partial(Cohort, self._source, slices=self.slices), ()

    def region(self, index: int, name: str) -> Bool:
        """Voxels of case `index` that carry the label `name`, shape (*S).

        Raises
        ------
        InputError
            When the cohort has no label of that name.
        """
        if name not in self.region_names:
            known = ", ".join(self.region_names) or "none"
            hint = did_you_mean(name, self.region_names)
            raise InputError(f"there is no label {name}{hint}; known labels are {known}")
        region = self._region(self._position(index), name).view()
        region.setflags(write=False)
        return region

    def values(self, column: str) -> Values:
        """One value a case of something that is known beside the images.

        Raises
        ------
        InputError
            When it is not known, or missing for a case.
        """
        return self._source.values(column)

    def by_slice(self, axis: Slices) -> Cohort:
        """Cohort whose cases are the slices of these volumes, in order.

        Slices outside the mask are left out; without a mask, those in which every channel is flat.

        Parameters
        ----------
        axis : {"axial", "coronal", "sagittal"}
        """
        return Cohort(SliceCases(self, axis))

    def stack_back(
        self, values: Mapping[str, Any] | Sequence[Any] | npt.NDArray[Any], *, fill: float = 0.0
    ) -> dict[str, npt.NDArray[Any]]:
        """Volumes made of results for slices, on the grids of `cut.whole`.

        Parameters
        ----------
        values : (n, ..., H, W) array, or mapping of case to (..., H, W) array
            One entry a case of this cohort; a mapping may leave some out.
        fill : float
            Value of slices that are not there.

        Returns
        -------
        dict of case of `cut.whole` to (..., Z, Y, X) array
        """
        return self.cut.stack_back(values, fill=fill)

    @property
    def is_cut(self) -> bool:
        """Whether the cases are slices of volumes, made by `by_slice`."""
        return isinstance(self._source, SliceCases)

    def in_whole(self, index: int, voxel: Sequence[float]) -> tuple[str, tuple[float, ...]]:
        """Name of the volume that a case is, or was cut from, and a voxel of the case in it."""
        if not self.is_cut:
            return self.cases[index], tuple(voxel)
        cut = self.cut
        at, axis = cut.origins[index], AXES[cut.axis][0]
        return cut.whole.cases[at.volume], (*voxel[:axis], float(at.index), *voxel[axis:])

    @property
    def cut(self) -> SliceCases:
        """How slices were cut: `whole`, the volumes, and `origins`, one a slice."""
        if not isinstance(self._source, SliceCases):
            raise ValueError("only a cohort made by by_slice knows where its slices were cut")
        return self._source

    def _position(self, index: int) -> int:
        if not -len(self) <= index < len(self):
            raise IndexError(f"case {index} of a cohort of {len(self)}")
        return int(index) % len(self)
