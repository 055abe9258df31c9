"""What the decoder draws from one map, as an attribution; shared by the methods of that view."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.progress import Progress
from napari_latentattr.core.types import Attribution, CaseSource, Float32, Float64
from napari_latentattr.methods.decompose import decompose
from napari_latentattr.methods.results import Question

UNIT = "image intensity"


def drawn(
    asked: Question,
    cohort: CaseSource | None,
    progress: Progress,
    *,
    show: Literal["image", "main effect"],
    method: str = "shapley",
    pairs: int = 1,
) -> Attribution:
    """Image or main effect of one map from the mean code of the cohort, with its entanglement.

    Parameters
    ----------
    method : str
        Of `decompose`; what the image is, and what the main effect is compared with.

    Raises
    ------
    InputError
        When there is no cohort to take a mean code of.
    """
    if cohort is None:
        raise InputError(
            "what a map draws is compared with the mean code of a cohort, but no cohort was given; "
            f"give the cohort of case {asked.stack.case}"
        )
    which = asked.target
    if which is None:
        raise ValueError("one map is drawn at a time")
    found = decompose(
        asked.model,
        asked.stack,
        reference=cohort,
        method=method,
        maps=[which],
        pairs=pairs,
        seed=asked.seed,
        progress=progress,
    )
    volume = found.image(which) if show == "image" else found.main_effect(which)
    told = {"entanglement": float(found.entanglement[0]), "error": float(found.error[0])}
    numbers = {name: value for name, value in told.items() if not math.isnan(value)}
    return asked.answer(volume, norms(volume), unit=UNIT, numbers=numbers)


def norms(volume: Float32) -> Float64:
    """Root of the sum of squares (C,) over the voxels of each image of (C, *S)."""
    square = volume.reshape(len(volume), -1).astype(np.float64) ** 2
    return np.asarray(np.sqrt(square.sum(axis=1)))
