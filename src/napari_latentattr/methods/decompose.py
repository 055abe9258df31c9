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
from napari_latentattr.methods.coalitions import Coalitions, shapley_images
from napari_latentattr.methods.results import Question
from napari_latentattr.model.latent import LatentModel, as_tensor
from napari_latentattr.model.slicewise import SlicewiseModel

Reference: TypeAlias = CaseSource | npt.ArrayLike | Tensor

# Images that show a map in the company of others, so that they can differ from its main effect.
_IN_COMPANY = ("shapley", "leave_one_out")
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
    method : {"shapley", "leave_one_out", "main", "solo"}
        ``shapley`` puts the maps in one after the other, in a random order and its reverse: the
        images of all maps add up. ``leave_one_out`` takes one map out. ``main`` puts one map in.
        ``solo`` is a control: the picture of one map with all others zero.
    maps : sequence of int or MapRef, optional
        All when None. One map takes few decodes, all of them keep an image each in memory.
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
        check_picture(coalitions.empty, stack)
        which = [ref.index for ref in refs]
        images, error = _images(coalitions, method, which, pairs, seed, progress)
        main = np.array([coalitions.main_effect(k) for k in which], dtype=np.float32)
        residual = _residual(coalitions, images)
    return Decomposition(
        maps=refs,
        channels=stack.channels,
        images=images,
        main=main,
        error=error,
        entanglement=_entanglement(images, main) if method in _IN_COMPANY else error * np.nan,
        residual=residual,
        grid=stack.grid,
        provenance=asked.provenance(),
    )


def _images(
    coalitions: Coalitions,
    method: str,
    which: list[int],
    pairs: int,
    seed: int,
    progress: Progress,
) -> tuple[Float32, Float64]:
    """Images (M, C, *S) and their standard errors (M,)."""
    if method == "shapley":
        return shapley_images(coalitions, which, pairs=pairs, seed=seed, progress=progress)
    draw = {
        "leave_one_out": coalitions.left_out,
        "main": coalitions.main_effect,
        "solo": coalitions.solo,
    }[method]
    images = np.empty((len(which), *coalitions.empty.shape), dtype=np.float32)
    for row, k in enumerate(which):
        progress.report(row, len(which), "drawing latent maps")
        images[row] = draw(k)
    progress.report(len(which), len(which), "drawing latent maps")
    return images, np.full(len(which), np.nan)


def _residual(coalitions: Coalitions, images: Float32) -> float:
    """Relative norm of what the images miss of the change; NaN unless all maps are there."""
    change = coalitions.full - coalitions.empty
    norm = float(np.linalg.norm(change))
    if len(images) < coalitions.n_maps or norm == 0:
        return float("nan")
    return float(np.linalg.norm(images.sum(axis=0, dtype=np.float64) - change)) / norm


def _entanglement(images: Float32, main: Float32) -> Float64:
    norm = np.array([np.linalg.norm(image) for image in images], dtype=np.float64)
    gap = np.array([np.linalg.norm(i - m) for i, m in zip(images, main, strict=True)])
    whole = np.where(norm > 0, norm, np.nan)
    return np.asarray(gap / whole)


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
