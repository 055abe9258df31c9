"""Ask whether a picture is about the model at all: random weights, deletion and insertion."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.progress import SILENT, Part, Progress
from napari_latentattr.core.sanity import Curve, SanityCheck
from napari_latentattr.core.similarity import rank_correlation
from napari_latentattr.core.types import (
    Attribution,
    Bool,
    CaseSource,
    Float32,
    Float64,
    ImageStack,
    MapRef,
)
from napari_latentattr.methods._parameters import Value
from napari_latentattr.methods.attribute import find_map
from napari_latentattr.methods.cases import mean_images
from napari_latentattr.methods.deletion import exchange_curve
from napari_latentattr.methods.randomisation import encoder_stages, randomised
from napari_latentattr.methods.request import Request
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel

# Copies that are random throughout; enough to see how much chance there is in one.
COPIES = 4


def check(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    map: int | MapRef,  # noqa: A002
    *,
    method: str,
    cohort: CaseSource | None = None,
    region: str | Bool | None = None,
    voxel: Sequence[int] | None = None,
    seed: int = 0,
    progress: Progress = SILENT,
    **parameters: Value,
) -> SanityCheck:
    """Say whether the picture of a method can be read at all for one map of a case.

    The encoder of a copy of the model gets random weights, layer by layer from the latent down to
    the images; a picture that stays the same is not about what the model learned. Then the voxels
    that the picture marks most are exchanged for the mean of the cohort (zero without other
    cases), and back; a picture that marks what matters moves the map more than a random order.
    Both are needed and neither is enough: the size of the images alone passes the second test.

    Parameters
    ----------
    model, stack, map, method, cohort, region, voxel, seed, parameters
        As in `attribute`; the picture is the one that `attribute` gives.

    Returns
    -------
    SanityCheck

    Raises
    ------
    InputError
        When something is not as it must be for `attribute`, or the method does not show where.
    ModelError
        When the method does not work on this model, or its encoder has no weights.

    References
    ----------
    Adebayo et al.: Sanity checks for saliency maps, NeurIPS 2018; Petsiuk, Das, Saenko: RISE,
    BMVC 2018 (deletion and insertion).
    """
    began = time.perf_counter()
    asked = Request.of(
        model, stack, method, parameters, cohort=cohort, region=region, voxel=voxel, seed=seed
    )
    if asked.method.view != "where":
        raise InputError(
            f"{method} shows what the decoder draws; checked are pictures of where the images "
            "drive a map, such as swaps or integrated_gradients"
        )
    ref = find_map(map, asked.model.spec)
    stages = encoder_stages(asked.model)
    n_steps = len(stages) + COPIES + 3
    steps = [Part(progress, i, n_steps, f"checking {method}") for i in range(n_steps)]
    (picture,) = asked.answers([ref], steps[0])
    similarity, copies = _compare(asked, ref, picture, stages, steps[1:-3])
    baseline, words = _baseline(asked, steps[-3])
    params = {**picture.provenance.params, "method": method, "exchanged_for": words}
    record = replace(picture.provenance, method="check", params=params, seed=seed)
    return SanityCheck(
        target=ref,
        case=stack.case,
        method=method,
        layers=tuple(layer for layer, _ in stages),
        similarity=similarity,
        randomised=copies,
        deletion=_curve(asked, picture, stack.data, baseline, steps[-2]),
        insertion=_curve(asked, picture, baseline, stack.data, steps[-1]),
        baseline=words,
        provenance=record.timed(time.perf_counter() - began),
    )


def _compare(
    asked: Request,
    ref: MapRef,
    picture: Attribution,
    stages: list[tuple[str, list[str]]],
    steps: Sequence[Progress],
) -> tuple[Float64, Float64]:
    """Likeness of the picture to those of every stage (S,), and of every copy (D,)."""

    def likeness(depth: int, copy: int, step: Progress) -> float:
        names = [name for _, own in stages[:depth] for name in own]
        twin = randomised(asked.model, names, seed=(asked.seed, copy))
        (other,) = replace(asked, model=twin).answers([ref], step)
        found = rank_correlation(_volume(picture), _volume(other), asked.stack.mask)
        shown = np.abs(found[~np.isnan(found)])
        return float(shown.mean()) if shown.size else float("nan")

    n = len(stages)
    half_way = [likeness(i + 1, 0, steps[i]) for i in range(n - 1)]
    copies = np.array([likeness(n, c, steps[n - 1 + c]) for c in range(COPIES)])
    return np.array([*half_way, copies.mean()]), copies


def _baseline(asked: Request, progress: Progress) -> tuple[Float32, str]:
    """Images (C, *S) that stand for nothing, and what they are in words."""
    if asked.cohort is None or len(asked.cohort) < 2:
        return np.zeros_like(asked.stack.data), "zero"
    return mean_images(asked.model, asked.stack, asked.cohort, progress), "the mean of the cohort"


def _curve(
    asked: Request, picture: Attribution, start: Float32, end: Float32, progress: Progress
) -> Curve:
    return exchange_curve(
        asked.model,
        asked.stack,
        picture.map.index,
        _volume(picture),
        start=start,
        end=end,
        latents=asked.latents,
        seed=asked.seed,
        progress=progress,
    )


def _volume(found: Attribution) -> Float32:
    if found.volume is None:
        raise TypeError("a method that shows where gives a volume")
    return found.volume
