"""Registered control: the response of a map to one image with all others muted."""

from __future__ import annotations

from typing import Literal

import numpy as np

from napari_latentattr.core.latent_grid import to_input_grid
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Attribution, Bool, CaseSource, ImageStack, MapRef
from napari_latentattr.methods._registry import register
from napari_latentattr.methods.cases import companions, mean_images
from napari_latentattr.methods.latents import counted_latents
from napari_latentattr.methods.results import Question
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel


@register(
    "encode_alone",
    title="Encode one image alone (control)",
    source="Zeiler & Fergus, ECCV 2014, turned around: everything but one image is covered",
    control=True,
)
def encode_alone(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    target: MapRef,
    *,
    cohort: CaseSource | None = None,
    latents: Bool | None = None,
    fill: Literal["zero", "mean"] = "zero",
    progress: Progress = SILENT,
) -> Attribution:
    """Show the map when one image is encoded alone, the others muted; misleading, for comparison.

    A muted stack is none the network was trained on, and every response holds what the network
    answers to nothing at all: correlating it with the map calls 81-90 % of images that the map
    does not use (16 images, 24 cases, p < 0.05).

    Parameters
    ----------
    fill : {"zero", "mean"}
        What the muted images are set to: zero, or their mean over the cohort.
    """
    asked = Question("encode_alone", model, stack, target, {"fill": fill})
    muted = np.zeros_like(stack.data)
    if fill == "mean":
        muted = mean_images(model, stack, companions(cohort, "the mean image"), progress)
    n = len(stack.channels)
    codes = []
    with model.running():
        for c in range(n):
            progress.report(c, n, "encoding each image alone")
            alone = muted.copy()
            alone[c] = stack.data[c]
            codes.append(model.encode(alone[None])[0, target.index])
    progress.report(n, n, "encoding each image alone")
    response = np.stack(codes)
    inside = counted_latents(latents, stack, model.spec, response.shape[1:])
    shown = response if latents is None else response * inside
    volume = to_input_grid(shown, model.spec, stack.grid.shape)
    if stack.mask is not None:
        volume = np.where(stack.mask, volume, np.float32(0))
    score = np.sqrt((response[:, inside].astype(np.float64) ** 2).mean(axis=1))
    return asked.answer(volume, score, unit="latent units")
