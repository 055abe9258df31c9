"""What a cohort takes its cases from: arrays, a table of files, or the slices of other cases."""

from __future__ import annotations

from typing import Protocol

from napari_latentattr.core.types import Bool, ImageStack
from napari_latentattr.io.case_table import Values


class Source(Protocol):
    """Cases in a fixed order, read one at a time and kept by whoever asks."""

    @property
    def channels(self) -> tuple[str, ...]:
        """One name an image."""
        ...

    @property
    def cases(self) -> tuple[str, ...]:
        """One name a case."""
        ...

    @property
    def patients(self) -> tuple[str, ...]:
        """Patient of each case."""
        ...

    @property
    def sequences(self) -> tuple[str, ...]:
        """For each case the series in which it has neighbours, such as the volume of a slice."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """What is known of each case beside its images."""
        ...

    @property
    def region_names(self) -> tuple[str, ...]:
        """Labels that can be asked for."""
        ...

    def read(self, index: int) -> ImageStack:
        """Images of case `index`."""
        ...

    def fingerprint(self, index: int) -> str | None:
        """Digest of the files of a case and of what is done to them; None where it has no files."""
        ...

    def region(self, index: int, name: str) -> Bool:
        """Voxels (*S) of case `index` that carry a label."""
        ...

    def values(self, column: str) -> Values:
        """One value a case."""
        ...
