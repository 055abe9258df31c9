"""Let one map of a case run through its range in the cohort and draw every step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.skip_words import skip_flag
from napari_latentattr.core.traversal import Traversal
from napari_latentattr.core.types import Bool, CaseSource, Float32, Float64, ImageStack, MapRef
from napari_latentattr.methods.attribute import find_map
from napari_latentattr.methods.cases import (
    body_latents,
    check_picture,
    companions,
    encoder_for,
    fit,
    latents_in_body,
)
from napari_latentattr.methods.results import Question
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel

Strength: TypeAlias = Callable[[Float32, Bool], float]

RANGE = (0.01, 0.99)
MOST_STEPS = 64


def traverse(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    map: int | MapRef,  # noqa: A002
    *,
    cohort: CaseSource,
    steps: int = 9,
    progress: Progress = SILENT,
) -> Traversal:
    """Show what the decoder draws while one map of a case goes from weak to strong.

    The map of the case is multiplied by one number at a time, so that its strength takes even
    steps from the 1 % to the 99 % quantile of the strength in the cohort; its pattern and all other
    maps stay the case's own. Strength is the root mean square over the latents in the body: unlike
    the mean it vanishes for an empty map alone, and so gives a number to multiply by even where
    positive and negative latents cancel. A map of a single latent has a sign and no pattern: its
    strength is its value.

    Parameters
    ----------
    model : LatentModel
    stack : ImageStack
    map : int or MapRef
    cohort : Cohort
        At least 2 cases, of whose strengths the quantiles are taken (interpolated linearly: with
        few cases nearly the weakest and the strongest one).
    steps : int
        Pictures, from 2 to 64.

    Returns
    -------
    Traversal

    Raises
    ------
    InputError
        When the map is empty in this case or equally strong in all, a value is out of range, or
        the decoder draws on other voxels than those of the stack.
    """
    if not 2 <= steps <= MOST_STEPS:
        raise InputError(f"a traversal takes from 2 to {MOST_STEPS} steps, got {steps}")
    companions(cohort, "a traversal")
    fitted = fit(model, stack, cohort)
    target = find_map(map, fitted.spec)
    params = {"steps": steps, **skip_flag(fitted.spec.skips)}
    asked = Question("traverse", fitted, stack, target, params)
    with fitted.running():
        code = fitted.encode(stack.data[None])
        pattern = code[0, target.index]
        alone = pattern.size == 1
        strength = _value if alone else _root_mean_square
        own = strength(pattern, body_latents(stack, fitted.spec, pattern.shape))
        found = _strengths(encoder_for(fitted, cohort), cohort, target.index, strength, progress)
        low, high = np.quantile(found, RANGE)
        values = np.linspace(low, high, steps)
        _check(asked, values, None if alone else own)
        maps = [np.full_like(pattern, v) if alone else pattern * (v / own) for v in values]
        codes = [_with_map(code, target.index, latents) for latents in maps]
        pictures = _pictures(asked, codes, progress)
    return Traversal(
        target=target,
        case=stack.case,
        channels=stack.channels,
        values=values,
        own=own,
        strength="value" if alone else "root mean square",
        pictures=pictures,
        grid=stack.grid,
        provenance=asked.provenance(),
    )


def _root_mean_square(latents: Float32, inside: Bool) -> float:
    return float(np.sqrt(np.mean(latents[inside].astype(np.float64) ** 2)))


def _value(latents: Float32, _inside: Bool) -> float:
    return float(latents.mean())


def _strengths(
    encoder: LatentModel | SlicewiseModel,
    cohort: CaseSource,
    which: int,
    strength: Strength,
    progress: Progress,
) -> Float64:
    """Strength of the map in every case that shows some body."""
    found = []
    for i in range(len(cohort)):
        progress.report(i, len(cohort), "strength of the map in the cohort")
        stack = cohort[i]
        latents = encoder.encode(stack.data[None])[0, which]
        inside = latents_in_body(stack, encoder.spec, latents.shape)
        if inside.any():
            found.append(strength(latents, inside))
    progress.report(len(cohort), len(cohort), "strength of the map in the cohort")
    if not found:
        raise InputError("no case of the cohort shows any body in its mask; check the masks")
    return np.array(found)


def _check(asked: Question, values: Float64, own: float | None) -> None:
    """Refuse a map without range, and one (`own` given) that no number makes as strong."""
    noise = 1e-6 * np.abs(values).max()
    if values[-1] - values[0] <= noise:
        raise InputError(
            f"map {asked.target} is equally strong in all cases of the cohort, so there is nothing "
            "to traverse; ask another map"
        )
    if own is not None and own <= noise:
        raise InputError(
            f"map {asked.target} is empty in case {asked.stack.case}, so it has no pattern to make "
            "stronger; choose another case"
        )


def _with_map(code: Float32, which: int, latents: Float32) -> Float32:
    """Code (1, K, *L) with these latents (*L) in the place of one map."""
    mixed = code.copy()
    mixed[0, which] = latents
    return mixed


def _pictures(asked: Question, codes: Sequence[Float32], progress: Progress) -> Float32:
    """Pictures (S, C, *S) of S codes."""
    pictures = np.empty((len(codes), *asked.stack.data.shape), dtype=np.float32)
    for step, code in enumerate(codes):
        progress.report(step, len(codes), "drawing steps")
        drawn = asked.model.decode(code)[0]
        check_picture(drawn, asked.stack)
        pictures[step] = drawn
    progress.report(len(codes), len(codes), "drawing steps")
    return pictures
