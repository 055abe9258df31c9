"""Which latents of a map are asked about: those of the body, of a region, or a single one.

Refuses to know what is asked of them.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from hashlib import sha256

import numpy as np

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.latent_grid import latents_inside, latents_of_region
from napari_latentattr.core.types import Bool, CaseSource, ImageStack, LatentSpec
from napari_latentattr.methods.cases import body_latents, cut_of, position_of
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel


def counted_latents(
    latents: Bool | None, stack: ImageStack, spec: LatentSpec, shape: Sequence[int]
) -> Bool:
    """Latents (*L) that count: the given ones, or those of the body when None."""
    return body_latents(stack, spec, shape) if latents is None else latents


def chosen_latents(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    cohort: CaseSource | None,
    *,
    region: str | Bool | None,
    voxel: Sequence[int] | None,
) -> Bool | None:
    """Latents (*L) of a region in the body, or one latent; None when neither is given.

    Parameters
    ----------
    region : str or (*S) bool array, optional
        Name of a label of the cohort, or the voxels themselves.
    voxel : sequence of int, optional
        Index of one latent in the latent map.

    Raises
    ------
    InputError
        When both are given, the label is not known, or no latent is chosen.
    """
    if region is None and voxel is None:
        return None
    if region is not None and voxel is not None:
        raise InputError("a region and a voxel were given; give one of them")
    shape = model.encode(stack.data[None]).shape[2:]
    if voxel is not None:
        return single_latent(voxel, shape)
    if isinstance(region, str):
        name, voxels = f"label {region}", _labelled(stack, cohort, region)
    else:
        name, voxels = "region", np.asarray(region, dtype=bool)
    if voxels.shape != stack.grid.shape:
        raise InputError(
            f"the {name} has {_size(voxels.shape)} voxels, case {stack.case} has "
            f"{_size(stack.grid.shape)}; give it on the voxels of the images"
        )
    chosen = latents_of_region(voxels, model.spec, shape)
    if stack.mask is not None:
        chosen &= latents_inside(stack.mask, model.spec, shape)
    if not chosen.any():
        raise InputError(
            f"case {stack.case}: the {name} holds no latent of the body; check it, or ask the "
            "whole map"
        )
    return chosen


def single_latent(voxel: Sequence[int], shape: Sequence[int]) -> Bool:
    """One latent (*L) of a map.

    Raises
    ------
    InputError
        When the map has no such latent.
    """
    index = tuple(operator.index(i) for i in voxel)
    if len(index) != len(shape) or any(not 0 <= i < n for i, n in zip(index, shape, strict=True)):
        raise InputError(
            f"there is no latent {','.join(map(str, index))}: the latent map has {_size(shape)}, "
            "counted from 0"
        )
    chosen = np.zeros(tuple(shape), dtype=bool)
    chosen[index] = True
    return chosen


def target_record(region: str | Bool | None, voxel: Sequence[int] | None) -> dict[str, str]:
    """Region or voxel as it is recorded in a provenance; empty for the whole map."""
    if voxel is not None:
        return {"voxel": ",".join(str(int(i)) for i in voxel)}
    if region is None:
        return {}
    if isinstance(region, str):
        return {"region": region}
    return {"region": f"sha256 {sha256(np.asarray(region, dtype=bool).tobytes()).hexdigest()}"}


def _labelled(stack: ImageStack, cohort: CaseSource | None, name: str) -> Bool:
    if cohort is None:
        raise InputError(
            f"the label {name} belongs to a cohort, but no cohort was given; give the cohort of "
            f"case {stack.case}, or the region as a bool array"
        )
    cut = cut_of(cohort)
    cases = cut.whole if cut is not None and stack.grid.ndim > cohort.ndim else cohort
    return cases.region(position_of(stack, cases), name)


def _size(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
