"""Cases that lie in files: each is read, brought to spacing and scaled when it is asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.types import Bool, Grid, ImageStack
from napari_latentattr.io.case_table import RESERVED, CaseTable, Values
from napari_latentattr.io.file_digest import digest_files
from napari_latentattr.io.preprocessing import Preprocessing, on_grid, preprocess
from napari_latentattr.io.volumes import read_labels, read_stack, read_volume

# What labels are called where nobody named them.
LABEL_NAME = re.compile(r"label-(-?[1-9]\d*)")


class TableCases:
    """The cases of a table.

    Parameters
    ----------
    table : CaseTable
    channels : sequence of str
    preprocessing : Preprocessing
    resample : bool
        Bring channels on other voxels onto those of the first one.
    labels : mapping of str to int, or None
        Value of each named label; None names every value that is found ``label-VALUE``.
    """

    def __init__(
        self,
        table: CaseTable,
        *,
        channels: Sequence[str],
        preprocessing: Preprocessing,
        resample: bool,
        labels: Mapping[str, int] | None,
    ) -> None:
        if labels is not None and "labels" not in table.columns:
            raise InputError(
                f"labels are named ({', '.join(labels)}), but {table.path.name} has no column "
                "labels; add it with one label map a case"
            )
        self._table, self._preprocessing, self._resample = table, preprocessing, resample
        self._labels = labels
        self._grids: dict[int, tuple[Grid, Grid]] = {}
        self.channels = tuple(channels)
        self.cases = tuple(row.case for row in table.rows)
        self.patients = tuple(row.patient for row in table.rows)
        self.columns = tuple(c for c in table.columns if c not in (*RESERVED, *channels))
        self.sequences = ("",) * len(self.cases)

    @cached_property
    def region_names(self) -> tuple[str, ...]:
        """Labels that can be asked for; reads all label maps where the study names none."""
        if self._labels is not None:
            return tuple(self._labels)
        if "labels" not in self._table.columns:
            return ()
        found: set[float] = set()
        for row in self._table.rows:
            if row.labels is not None:
                found.update(np.unique(read_volume(row.labels).data).tolist())
        return tuple(f"label-{value:.0f}" for value in sorted(found - {0.0}))

    def may_have_label(self, name: str) -> bool:
        """Whether `name` can be a label, without looking into the label maps."""
        if self._labels is not None:
            return name in self._labels
        return "labels" in self._table.columns and LABEL_NAME.fullmatch(name) is not None

    def read(self, index: int) -> ImageStack:
        """Images of case `index`."""
        row = self._table.rows[index]
        stack = read_stack(
            row.images,
            channels=self.channels,
            case=row.case,
            mask=row.mask,
            resample=self._resample,
        )
        ready = preprocess(stack, self._preprocessing)
        self._grids[index] = (stack.grid, ready.grid)
        return ready

    def fingerprint(self, index: int) -> str:
        """Digest of names, sizes and times of the files of a case, and of what is done to them.

        Raises
        ------
        InputError
            When a file is missing.
        """
        row = self._table.rows[index]
        files = [path for path in (*row.images, row.mask) if path is not None]
        done = f"{self.channels} {self._preprocessing} {self._resample} {row.mask is None}"
        return digest_files(files, of=f"{[str(path) for path in files]} {done}")

    def region(self, index: int, name: str) -> Bool:
        """Voxels of case `index` that carry the label `name`."""
        value = int(name.removeprefix("label-")) if self._labels is None else self._labels[name]
        labelled = self._label_map(index) == value
        return np.asarray(on_grid(labelled, *self._grids[index]))

    def values(self, column: str) -> Values:
        """One value a case from a column of the table; text or numbers."""
        return self._table.values(column)

    def _label_map(self, index: int) -> npt.NDArray[np.int32]:
        """Label map on the voxels of the file."""
        row = self._table.rows[index]
        if row.labels is None:
            raise InputError(f"{self._table.path.name} has no column labels; add it")
        if index not in self._grids:
            self.read(index)
        return read_labels(row.labels, self._grids[index][0], row.case)
