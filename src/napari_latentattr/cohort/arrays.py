"""Cases that lie in one array. Checked when they are put together, cut out when they are asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.names import patient_names
from napari_latentattr.core.types import Bool, Grid, ImageStack
from napari_latentattr.io.case_table import Values, check_channels


class ArrayCases:
    """The cases of an array (N, C, *S), a mask and labels (N, *S) beside it."""

    columns: tuple[str, ...] = ()

    def __init__(
        self,
        x: Any,
        *,
        channels: Sequence[str],
        patients: Sequence[object] | None,
        spacing: Sequence[float] | None,
        masks: Any,
        labels: Mapping[str, Any] | None,
    ) -> None:
        check_channels(channels)
        self._x = as_array(x)
        _check_images(self._x, channels)
        n, shape = len(self._x), self._x.shape[2:]
        width = max(3, len(str(n)))
        self.channels = tuple(channels)
        self.cases = tuple(f"case-{i + 1:0{width}d}" for i in range(n))
        self.patients = self.cases if patients is None else patient_names(patients, self.cases)
        self.sequences = ("",) * n
        self._grid = Grid.from_spacing(shape, _millimetres(spacing, len(shape)))
        self._masks = None if masks is None else _of_each_case("mask", masks, n, shape)
        self._labels = {
            name: _of_each_case(f"label {name}", regions, n, shape)
            for name, regions in (labels or {}).items()
        }
        self.region_names = tuple(self._labels)

    def read(self, index: int) -> ImageStack:
        """Images of case `index`."""
        data = np.asarray(self._x[index], dtype=np.float32)
        name = self.cases[index]
        for channel, image in zip(self.channels, data, strict=True):
            n = image.size - int(np.isfinite(image).sum())
            if n > 0:
                raise InputError(
                    f"case {name}: channel {channel} has {n} voxels that are no finite numbers; "
                    "replace them in the array"
                )
        mask = None if self._masks is None else self._masks[index]
        return ImageStack(name, self.channels, data, self._grid, mask)

    def fingerprint(self, index: int) -> None:
        """Arrays have no files."""

    def region(self, index: int, name: str) -> Bool:
        """Voxels of case `index` that carry the label `name`."""
        region = self._labels[name][index]
        return np.zeros(self._grid.shape, dtype=bool) if region is None else region

    def values(self, column: str) -> Values:
        """Arrays know nothing beside the images."""
        raise InputError(f"a cohort made of arrays has no column {column}")


def as_array(values: Any) -> npt.NDArray[Any]:
    """Numpy array of an array or a torch tensor, without a copy where possible."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    return np.asarray(values)


def _check_images(x: npt.NDArray[Any], channels: Sequence[str]) -> None:
    if x.ndim not in (4, 5) or 0 in x.shape or x.dtype.kind not in "fiub":
        raise InputError(
            "images must be real numbers of shape (cases, channels, Y, X) or (cases, channels, Z, "
            f"Y, X), none of them 0, got {x.dtype} of shape {x.shape}"
        )
    if x.shape[1] != len(channels):
        raise InputError(
            f"{len(channels)} channels are named ({', '.join(channels)}), the images of shape "
            f"{x.shape} have {x.shape[1]}; name one channel an image"
        )


def _millimetres(spacing: Sequence[float] | None, ndim: int) -> tuple[float, ...]:
    values = (1.0,) * ndim if spacing is None else tuple(float(s) for s in spacing)
    if len(values) != ndim or not all(0 < v < np.inf for v in values):
        raise InputError(f"spacing must be {ndim} positive millimetres, got {list(values)}")
    return values


def _of_each_case(
    what: str, regions: Any, n: int, shape: tuple[int, ...]
) -> tuple[Bool | None, ...]:
    """Bool array (*S) of each case; None stays None."""
    if len(regions) != n:
        raise InputError(f"{n} cases came with {len(regions)} arrays of {what}; give one a case")
    arrays = tuple(None if region is None else as_array(region) != 0 for region in regions)
    for i, array in enumerate(arrays):
        if array is not None and array.shape != shape:
            raise InputError(
                f"the {what} of case {i + 1} has shape {array.shape}, its images {shape}; "
                "give one value a voxel"
            )
    return arrays
