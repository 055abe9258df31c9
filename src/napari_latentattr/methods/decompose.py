"""Divide what the decoder draws among the latent maps, from a reference code to this case's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt
from torch import Tensor

from napari_latentattr.core.decomposition import Decomposition
from napari_latentattr.core.errors import InputError
from napari_latentattr.core.names import did_you_mean
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.skip_words import skip_flag
from napari_latentattr.core.types import CaseSource, Float32, Float64, ImageStack, MapRef
from napari_latentattr.methods.attribute import find_map
from napari_latentattr.methods.cases import check_picture, companions, fit, mean_code
from napari_latentattr.methods.coalitions import Coalitions
from napari_latentattr.methods.divisions import (
    OneByOne,
    PictureDivision,
    Remembered,
    Shapley,
    by_secants,
)
from napari_latentattr.methods.results import Question
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.passes import as_tensor
from napari_latentattr.model.slicewise import SlicewiseModel

Reference: TypeAlias = CaseSource | npt.ArrayLike | Tensor

_IN_COMPANY = ("shapley", "secant", "leave_one_out")
DIVISIONS = (*_IN_COMPANY, "main", "solo")


def decompose(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    *,
    reference: Reference,
    method: str = "shapley",
    maps: Sequence[int | MapRef] | None = None,
    pairs: int = 1,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Decomposition:
    """Show what the decoder draws from each latent map of a case.

    Parameters
    ----------
    model : LatentModel
    stack : ImageStack
    reference : Cohort or (1, K, *L) array
        The code that maps are compared with; of a cohort its mean code.
    method : {"shapley", "secant", "leave_one_out", "main", "solo"}
        ``shapley`` puts the maps in one after the other, in a random order and its reverse: the
        images of all maps add up. ``secant`` takes every layer of the decoder as straight between
        the two codes: the images add up too, are another division, and take a pass a map.
        ``leave_one_out`` takes one map out. ``main`` puts one map in.
        ``solo`` is a control: the picture of one map with all others zero.
    maps : sequence of int or MapRef, optional
        All when None.
    pairs : int
        Pairs of a random order and its reverse, for ``shapley``.

    Returns
    -------
    Decomposition

    Raises
    ------
    InputError
        When a value is out of range, the reference does not fit, or the decoder draws on other
        voxels than those of the stack.
    """
    _check(method, pairs)
    cohort = _cohort(reference)
    fitted = fit(model, stack, cohort)
    refs = _refs(fitted, maps)
    seeded = method == "shapley"
    params = {"maps": ",".join(str(ref.index) for ref in refs), "pairs": pairs if seeded else 0}
    params |= skip_flag(fitted.spec.skips)
    asked = Question(f"decompose_{method}", fitted, stack, refs[0], params, seed if seeded else 0)
    with fitted.running():
        code = fitted.encode(stack.data[None])
        start = (
            mean_code(fitted, code, cohort, progress)
            if cohort is not None
            else _code(reference, code)
        )
        coalitions = Coalitions(fitted, code, start)
        division = _division(method, coalitions, (fitted, code, start), pairs, seed)
        image = Remembered(fitted, lambda k: division.draw(k)[0])
        error, residual = _walk(division, coalitions, image, refs, stack, progress)
    return Decomposition(
        maps=refs,
        channels=stack.channels,
        draw=image,
        draw_main=Remembered(fitted, lambda k: coalitions.main_effect(k).astype(np.float32)),
        error=error,
        in_company=method in _IN_COMPANY,
        residual=residual,
        grid=stack.grid,
        provenance=asked.provenance(),
    )


def _division(
    method: str,
    coalitions: Coalitions,
    ends: tuple[LatentModel | SlicewiseModel, Float32, Float32],
    pairs: int,
    seed: int,
) -> PictureDivision:
    if method == "shapley":
        return Shapley(coalitions, pairs=pairs, seed=seed)
    if method == "secant":
        return OneByOne(by_secants(*ends))
    draw = {
        "leave_one_out": coalitions.left_out,
        "main": coalitions.main_effect,
        "solo": coalitions.solo,
    }[method]
    return OneByOne(draw)


def _walk(
    division: PictureDivision,
    coalitions: Coalitions,
    image: Remembered,
    refs: Sequence[MapRef],
    stack: ImageStack,
    progress: Progress,
) -> tuple[Float64, float]:
    """Draw every image once: standard errors (M,), and the residual where all maps are asked."""
    row = {ref.index: position for position, ref in enumerate(refs)}
    error = np.full(len(refs), np.nan)
    total = np.zeros(stack.data.shape)
    for done, k in enumerate(division.order(list(row))):
        progress.report(done, len(refs), "drawing latent maps")
        drawn, error[row[k]] = division.draw(k)
        check_picture(drawn, stack)
        image.keep(k, drawn)
        if len(refs) == coalitions.n_maps:
            total += drawn
    progress.report(len(refs), len(refs), "drawing latent maps")
    if len(refs) < coalitions.n_maps:
        return error, float("nan")
    change = coalitions.full - coalitions.empty
    norm = float(np.linalg.norm(change))
    return error, float(np.linalg.norm(total - change)) / norm if norm else float("nan")


def _cohort(reference: Reference) -> CaseSource | None:
    """Return the reference if it is a cohort of at least two cases, None if it is a code."""
    if not hasattr(reference, "cases"):
        return None
    return companions(cast("CaseSource", reference), "the mean code")


def _code(reference: Reference, like: Float32) -> Float32:
    """Return the reference code in the shape of this case's (1, K, *L)."""
    given = as_tensor(cast("npt.ArrayLike | Tensor", reference)).detach().float().cpu().numpy()
    if given.shape != like.shape:
        raise InputError(
            f"the reference code must have the shape {like.shape} of this case's, got {given.shape}"
        )
    return given


def _refs(
    model: LatentModel | SlicewiseModel, maps: Sequence[int | MapRef] | None
) -> tuple[MapRef, ...]:
    refs = model.maps if maps is None else tuple(find_map(k, model.spec) for k in maps)
    if not refs or len(set(refs)) < len(refs):
        raise InputError(
            f"name at least one map and none twice, got {', '.join(map(str, refs)) or 'none'}"
        )
    return refs


def _check(method: str, pairs: int) -> None:
    if method not in DIVISIONS:
        raise InputError(
            f"there is no method {method} to divide a picture{did_you_mean(method, DIVISIONS)}; "
            f"known are {', '.join(DIVISIONS)}"
        )
    if pairs < 1:
        raise InputError(f"shapley needs at least 1 pair of orders, got {pairs}")
