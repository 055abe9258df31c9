"""Ask any registered method about latent maps of one case.

Refuses to know any method.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, overload

import numpy as np

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import (
    Attribution,
    Bool,
    CaseSource,
    ImageStack,
    LatentSpec,
    MapRef,
)
from napari_latentattr.methods._parameters import Value
from napari_latentattr.methods.request import Request
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel

Maps: TypeAlias = Sequence[int | MapRef] | Literal["all"]


@overload
def attribute(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    map: int | MapRef,
    *,
    method: str = ...,
    cohort: CaseSource | None = ...,
    region: str | Bool | None = ...,
    voxel: Sequence[int] | None = ...,
    seed: int = ...,
    progress: Progress = ...,
    **parameters: Value,
) -> Attribution: ...
@overload
def attribute(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    map: Maps,
    *,
    method: str = ...,
    cohort: CaseSource | None = ...,
    region: str | Bool | None = ...,
    voxel: Sequence[int] | None = ...,
    seed: int = ...,
    progress: Progress = ...,
    **parameters: Value,
) -> tuple[Attribution, ...]: ...
def attribute(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    map: int | MapRef | Maps,  # noqa: A002
    *,
    method: str = "occlusion",
    cohort: CaseSource | None = None,
    region: str | Bool | None = None,
    voxel: Sequence[int] | None = None,
    seed: int = 0,
    progress: Progress = SILENT,
    **parameters: Value,
) -> Attribution | tuple[Attribution, ...]:
    """Show what each image contributes to one latent map of a case, and where.

    Parameters
    ----------
    model : LatentModel
        A 2D model walks over the slices of a volume.
    stack : ImageStack
        The case.
    map : int or MapRef, a sequence of them, or "all"
        Several maps are answered from shared passes where the method can.
    method : str
        Key of one of `methods()`.
    cohort : Cohort, optional
        Other cases to compare with; most methods need them.
    region : str or (*S) bool array, optional
        Only latents of a region of the case count: the name of a label of the cohort, or the
        voxels themselves.
    voxel : sequence of int, optional
        Only this latent counts: its index in the latent map.
    seed : int
        For methods that draw at random; others ignore it.
    parameters
        Of the method; their defaults, bounds and units are in ``methods()[method].parameters``.

    Returns
    -------
    Attribution, or a tuple of them where several maps were asked
        `volume` (C, *S) on the grid of the stack, `score` (C,); (1, *S) and (1,) of a method that
        cannot tell the images apart.

    Raises
    ------
    InputError
        When the map, the method, a parameter, the cohort, the region or the voxel is not as it
        must be.
    ModelError
        When model and stack do not fit, or the method does not work on this model.
    """
    asked = Request.of(
        model, stack, method, parameters, cohort=cohort, region=region, voxel=voxel, seed=seed
    )
    refs = find_maps(map, asked.model.spec)
    found = asked.answers(refs, progress)
    return found[0] if isinstance(map, int | np.integer | MapRef) else found


def find_map(which: int | MapRef, spec: LatentSpec) -> MapRef:
    """Find a latent map of a model by its number.

    Raises
    ------
    InputError
        When the model has no such map.
    """
    ref = which if isinstance(which, MapRef) else MapRef(spec.layer, int(which))
    if ref.layer != spec.layer or not 0 <= ref.index < spec.n_maps:
        raise InputError(
            f"map {ref if isinstance(which, MapRef) else which} was asked, the model has maps "
            f"{MapRef(spec.layer, 0)} to {MapRef(spec.layer, spec.n_maps - 1)}"
        )
    return ref


def find_maps(which: int | MapRef | Maps, spec: LatentSpec) -> tuple[MapRef, ...]:
    """Find latent maps of a model: one, several, or all of them.

    Raises
    ------
    InputError
        When the model has no such map, or none is named.
    """
    if isinstance(which, str):
        if which != "all":
            raise InputError(f"map {which!r} was asked; give a number, several, or 'all'")
        return tuple(MapRef(spec.layer, k) for k in range(spec.n_maps))
    named = [which] if isinstance(which, int | np.integer | MapRef) else list(which)
    if not named:
        raise InputError("no map was asked; give a number, several, or 'all'")
    return tuple(find_map(k, spec) for k in named)
