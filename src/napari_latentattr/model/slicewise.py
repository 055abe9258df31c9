"""A 2D model that walks over the slices of volumes, and looks like a 3D model to everyone else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

import numpy.typing as npt
import torch
from torch import Tensor, nn

from napari_latentattr.core.errors import ModelError
from napari_latentattr.core.types import CaseSource, Float32, LatentSpec, MapRef
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.passes import as_tensor

# Array axes of a volume in canonical order (inferior, posterior, left).
_AXES = {"axial": 0, "coronal": 1, "sagittal": 2}

_T = TypeVar("_T")


class SlicewiseModel:
    """A 2D model over every slice of a volume; latents have stride 1 across slices.

    Attributes
    ----------
    model : LatentModel
        The 2D model.
    spec : LatentSpec
        As of a 3D model.
    axis : int
        Spatial axis of a volume along which the slices lie.
    """

    def __init__(self, model: LatentModel, axis: str) -> None:
        if axis not in _AXES:
            raise ModelError(f"slices are axial, coronal or sagittal, got {axis!r}")
        self.model = model
        self.axis = _AXES[axis]
        self._slices = axis
        flat = model.spec
        self.spec: LatentSpec = replace(
            flat,
            ndim=3,
            stride=self._with(flat.stride, 1.0),
            offset=self._with(flat.offset, 0.0),
            receptive_field=self._with(flat.receptive_field, 1),
        )

    def twin(self, change: Callable[[nn.Module], None]) -> SlicewiseModel:
        """Return the same model around a changed copy of the 2D module."""
        return SlicewiseModel(self.model.twin(change), self._slices)

    @property
    def maps(self) -> tuple[MapRef, ...]:
        """The latent maps."""
        return self.model.maps

    def encode(self, x: npt.ArrayLike | Tensor) -> Float32:
        """Latent maps (N, K, *L) of volumes (N, C, Z, Y, X), cases one by one."""
        given = as_tensor(x)
        with self.running():
            planes = self.model.encode(self.fold(given))
        return self.unfold(torch.from_numpy(planes), len(given)).numpy()

    def decode(self, z: npt.ArrayLike | Tensor) -> Float32:
        """Pictures (N, C, Z, Y, X) drawn from latent maps (N, K, *L)."""
        given = as_tensor(z)
        planes = self.model.decode(self.fold(given))
        return self.unfold(torch.from_numpy(planes), len(given)).numpy()

    def encode_tensor(self, x: Tensor) -> Tensor:
        """Latent maps of a tensor (N, C, Z, Y, X) on the model's device."""
        return self.unfold(self.model.encode_tensor(self.fold(x)), len(x))

    def decode_tensor(self, z: Tensor) -> Tensor:
        """Pictures from a code on the model's device."""
        return self.unfold(self.model.decode_tensor(self.fold(z)), len(z))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Set the 2D model up once for many runs."""
        with self.model.running():
            yield

    @contextmanager
    def differentiable(self) -> Iterator[None]:
        """Set the 2D model up for gradients of its input."""
        with self.model.differentiable():
            yield

    def fold(self, x: Tensor) -> Tensor:
        """Slices (N * n, C, H, W) of volumes (N, C, Z, Y, X)."""
        return x.movedim(2 + self.axis, 1).flatten(0, 1)

    def unfold(self, y: Tensor, n_cases: int) -> Tensor:
        """Volumes of `n_cases` cases from their slices; undoes `fold`."""
        return y.reshape(n_cases, -1, *y.shape[1:]).movedim(1, 2 + self.axis)

    def _with(self, values: tuple[_T, ...], across: _T) -> tuple[_T, ...]:
        return (*values[: self.axis], across, *values[self.axis :])


def over_volumes(
    model: LatentModel | SlicewiseModel, cases: CaseSource
) -> LatentModel | SlicewiseModel:
    """Return the model for these cases: itself, or slice by slice where a 2D model meets volumes.

    Raises
    ------
    ModelError
        When the numbers of images or of axes do not fit.
    """
    if model.spec.n_channels != len(cases.channels):
        raise ModelError(
            f"the model expects {model.spec.n_channels} images, the study has "
            f"{len(cases.channels)} ({', '.join(cases.channels)}); choose which image goes where"
        )
    if model.spec.ndim == cases.ndim:
        return model
    if isinstance(model, LatentModel) and (model.spec.ndim, cases.ndim) == (2, 3):
        return SlicewiseModel(model, cases.slices or "axial")
    raise ModelError(
        f"the model is {model.spec.ndim}D and the cases are {cases.ndim}D; a 3D model needs volumes"
    )
