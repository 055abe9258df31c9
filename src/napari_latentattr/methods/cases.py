"""What methods ask of the cases beside the one they look at: which it is, its slices, the mean.

Refuses to know what is made of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
import torch

from napari_latentattr.core.errors import InputError, ModelError
from napari_latentattr.core.latent_grid import latents_inside
from napari_latentattr.core.names import did_you_mean
from napari_latentattr.core.progress import Progress
from napari_latentattr.core.types import Bool, CaseSource, Float32, Float64, ImageStack, LatentSpec
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel


class Origin(Protocol):
    """Where a slice was cut: position of its volume, and number of the slice."""

    @property
    def volume(self) -> int: ...  # noqa: D102
    @property
    def index(self) -> int: ...  # noqa: D102


class Cut(Protocol):
    """How the cases of a cohort were cut from volumes; what `Cohort.cut` gives."""

    @property
    def whole(self) -> CaseSource: ...  # noqa: D102
    @property
    def axis(self) -> str: ...  # noqa: D102
    @property
    def origins(self) -> Sequence[Origin]: ...  # noqa: D102

    def stack_back(self, values: Mapping[str, Float32], *, fill: float) -> dict[str, Float32]:
        """Volumes made of slices by case."""
        ...


def cut_of(cohort: CaseSource | None) -> Cut | None:
    """How the cases of this cohort were cut; None where they are no slices of volumes."""
    try:
        found: Cut | None = getattr(cohort, "cut", None)
    except ValueError:
        return None
    return found


def fit(
    model: LatentModel | SlicewiseModel, stack: ImageStack, cohort: CaseSource | None
) -> LatentModel | SlicewiseModel:
    """Return the model for this stack: itself, or slice by slice for a 2D model and a volume.

    Raises
    ------
    ModelError, InputError
        When images, axes or cohort do not fit.
    """
    if model.spec.n_channels != len(stack.channels):
        raise ModelError(
            f"the model expects {model.spec.n_channels} images, case {stack.case} has "
            f"{len(stack.channels)} ({', '.join(stack.channels)}); choose which image goes where"
        )
    if cohort is not None and cohort.channels != stack.channels:
        raise InputError(
            f"case {stack.case} has the images {', '.join(stack.channels)}, the cohort "
            f"{', '.join(cohort.channels)}; give both in the same order"
        )
    if model.spec.ndim == stack.grid.ndim:
        return model
    if isinstance(model, LatentModel) and (model.spec.ndim, stack.grid.ndim) == (2, 3):
        cut = cut_of(cohort)
        named = cut.axis if cut else cohort.slices if cohort is not None else None
        return SlicewiseModel(model, named or "axial")
    raise ModelError(
        f"the model is {model.spec.ndim}D and case {stack.case} is {stack.grid.ndim}D; "
        "a 3D model needs volumes"
    )


def companions(cohort: CaseSource | None, what: str) -> CaseSource:
    """Return the cohort where it has other cases to compare with.

    Raises
    ------
    InputError
        When there is no cohort, or it has one case.
    """
    if cohort is None or len(cohort) < 2:
        came = "no cohort" if cohort is None else "a cohort of 1 case"
        raise InputError(f"{what} needs a cohort of at least 2 cases, got {came}")
    return cohort


def position_of(stack: ImageStack, cohort: CaseSource) -> int:
    """Position of a case in the cohort that it belongs to.

    Raises
    ------
    InputError
        When the cohort has no such case, or other images under that name.
    """
    if stack.case not in cohort.cases:
        hint = did_you_mean(stack.case, cohort.cases)
        raise InputError(
            f"case {stack.case} is none of the {len(cohort)} cases of the cohort{hint}; "
            "give a case of the cohort"
        )
    found = cohort.cases.index(stack.case)
    if not np.array_equal(cohort[found].data, stack.data):
        raise InputError(
            f"case {stack.case} has other images in the cohort; give the case as the cohort has it"
        )
    return found


def latents_in_body(stack: ImageStack, spec: LatentSpec, shape: Sequence[int]) -> Bool:
    """Latents (*L) whose receptive-field centre lies in the mask; all where there is none."""
    if stack.mask is None:
        return np.ones(tuple(shape), dtype=bool)
    return latents_inside(stack.mask, spec, shape)


def body_latents(stack: ImageStack, spec: LatentSpec, shape: Sequence[int]) -> Bool:
    """Latents that count, as `latents_in_body`.

    Raises
    ------
    InputError
        When there are none.
    """
    inside = latents_in_body(stack, spec, shape)
    if not inside.any():
        raise InputError(
            f"case {stack.case}: the mask holds the centre of no latent; check the mask"
        )
    return inside


def check_picture(drawn: Float32 | Float64, stack: ImageStack) -> None:
    """Raise an `InputError` for a decoder that draws (C, *S) on other voxels than the stack's."""
    if drawn.shape != stack.data.shape:
        raise InputError(
            f"the decoder draws on {_size(drawn)} voxels and case {stack.case} has "
            f"{_size(stack.data)}; crop or pad the images to a multiple of the model's stride"
        )


def mean_images(
    model: LatentModel | SlicewiseModel, stack: ImageStack, cohort: CaseSource, progress: Progress
) -> Float32:
    """Mean of every image over the cases, (C, *S); of slices, the mean slice everywhere."""
    mean = _mean(lambda case: case.data, cohort, "images", progress)
    return np.asarray(_everywhere(mean, model, stack.data[None], "images")[0])


def mean_code(
    model: LatentModel | SlicewiseModel, code: Float32, cohort: CaseSource, progress: Progress
) -> Float32:
    """Mean latent maps of the cases in the shape of `code` (1, K, *L); of slices, repeated."""
    encoder = encoder_for(model, cohort)
    with encoder.running():
        mean = _mean(lambda case: encoder.encode(case.data[None])[0], cohort, "maps", progress)
    return _everywhere(mean, model, code, "latent maps")


def encoder_for(
    model: LatentModel | SlicewiseModel, cohort: CaseSource
) -> LatentModel | SlicewiseModel:
    """Return what encodes a case of the cohort: the 2D model itself where the cases are slices."""
    return model.model if isinstance(model, SlicewiseModel) and cohort.ndim == 2 else model


def _mean(
    of: Callable[[ImageStack], Float32], cohort: CaseSource, what: str, progress: Progress
) -> Float64:
    total: Float64 | None = None
    for i in range(len(cohort)):
        progress.report(i, len(cohort), f"mean {what} of the cohort")
        value = of(cohort[i]).astype(np.float64)
        if total is not None and value.shape != total.shape:
            raise InputError(
                f"case {cohort.cases[i]} has {what} of {_size(value)}, case {cohort.cases[0]} of "
                f"{_size(total)}, so they have no mean; bring all cases onto the same voxels"
            )
        total = value if total is None else total + value
    progress.report(len(cohort), len(cohort), f"mean {what} of the cohort")
    if total is None:
        raise InputError(f"a cohort without cases has no mean {what}")
    return total / len(cohort)


def _everywhere(
    mean: Float64, model: LatentModel | SlicewiseModel, like: Float32, what: str
) -> Float32:
    """Mean (A, ...) in the shape of `like` (1, A, ...); the mean of slices in every slice."""
    value: Float32 = mean.astype(np.float32)[None]
    if isinstance(model, SlicewiseModel) and value.ndim == like.ndim - 1:
        n = len(model.fold(torch.empty(like.shape, device="meta")))
        planes = torch.from_numpy(value).expand(n, *value.shape[1:])
        value = np.asarray(model.unfold(planes, 1).numpy())
    if value.shape != like.shape:
        raise InputError(
            f"the cohort has {what} of {_size(mean)} on average, this case of {_size(like[0])}; "
            "bring all cases onto the same voxels"
        )
    out: Float32 = np.ascontiguousarray(value)
    return out


def _size(values: Float32 | Float64) -> str:
    return "x".join(map(str, values.shape[1:]))
