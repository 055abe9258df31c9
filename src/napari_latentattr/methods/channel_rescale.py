"""Registered method: what each image adds to a map by the secants of the network, in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch

from napari_latentattr.core.errors import ModelError
from napari_latentattr.core.latent_grid import to_input_grid
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import (
    Attribution,
    Bool,
    CaseSource,
    Float32,
    Float64,
    ImageStack,
    MapRef,
)
from napari_latentattr.methods._registry import register
from napari_latentattr.methods.cases import companions, mean_images
from napari_latentattr.methods.latents import counted_latents
from napari_latentattr.methods.results import Question
from napari_latentattr.model.graph import UnreadableError
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.parts import check_fits
from napari_latentattr.model.secants import Division
from napari_latentattr.model.slicewise import SlicewiseModel
from napari_latentattr.model.way import flat_model


def channel_rescales(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    targets: Sequence[MapRef],
    *,
    cohort: CaseSource | None = None,
    latents: Bool | None = None,
    baseline: Literal["mean", "zero"] = "mean",
    progress: Progress = SILENT,
) -> tuple[Attribution, ...]:
    """Answer for several maps from the same passes; parameters as of `channel_rescale`."""
    params = {"baseline": baseline}
    asked = Question("channel_rescale", model, stack, None, params).about(targets)
    start = np.zeros_like(stack.data)
    if baseline == "mean":
        start = mean_images(
            model, stack, companions(cohort, "the mean image as a baseline"), progress
        )
    which = [target.index for target in targets]
    parts, change = _divide(model, stack.data, start, which, progress)
    inside = counted_latents(latents, stack, model.spec, change.shape[1:])
    scores, changes = (
        part[..., inside].mean(axis=-1, dtype=np.float64) for part in (parts, change)
    )
    residuals = scores.sum(axis=0) - changes
    return tuple(
        _answer(question, parts[:, row], scores[:, row], float(residuals[row]))
        for row, question in enumerate(asked)
    )


@register(
    "channel_rescale",
    title="Rescale differences (one pass)",
    source="Shrikumar, Greenside & Kundaje, ICML 2017",
    claims={"complete", "ignores_unused_channel", "symmetric"},
    many=channel_rescales,
)
def channel_rescale(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    target: MapRef,
    *,
    cohort: CaseSource | None = None,
    latents: Bool | None = None,
    baseline: Literal["mean", "zero"] = "mean",
    progress: Progress = SILENT,
) -> Attribution:
    """Show what each image adds to the map, where, in the time of a few passes.

    Between a baseline and the case every layer is taken as straight, so that the shares of the
    images add up at every latent. Images are not tried in combinations: where they work together
    the shares differ from those of Shapley.

    Parameters
    ----------
    baseline : {"mean", "zero"}
        What the images are compared with: their mean over the cohort, or zero.

    References
    ----------
    Shrikumar, Greenside, Kundaje: Learning important features through propagating activation
    differences, ICML 2017 (the rescale rule, sent forwards here).
    """
    (found,) = channel_rescales(
        model,
        stack,
        [target],
        cohort=cohort,
        latents=latents,
        baseline=baseline,
        progress=progress,
    )
    return found


def _answer(asked: Question, parts: Float32, score: Float64, residual: float) -> Attribution:
    """Attribution of one map from the shares of the images, at every latent (C, *L) and (C,)."""
    stack = asked.stack

    def volume() -> Float32:
        made = to_input_grid(parts, asked.model.spec, stack.grid.shape)
        return made if stack.mask is None else np.where(stack.mask, made, np.float32(0))

    return asked.answer(volume, score, unit="latent units", residual=residual)


def _divide(
    model: LatentModel | SlicewiseModel,
    data: Float32,
    start: Float32,
    which: list[int],
    progress: Progress,
) -> tuple[Float32, Float32]:
    """Shares (C, M, *L) of the images in the change of M maps, and the change (M, *L)."""
    text = "sending differences through the encoder"
    x, begin = (torch.from_numpy(d[None].copy()).to(model.spec.device) for d in (data, start))
    flat, planes = flat_model(model), model.fold(x) if isinstance(model, SlicewiseModel) else x
    check_fits(flat, planes, "cannot be run in parts by this method", keeps=True)
    with model.running():
        progress.report(0, len(data), text)
        try:
            division = Division(model, "encoder", x, begin)
        except UnreadableError as error:
            raise ModelError(
                f"{error}, so the encoder has no secants; use the method channel_shapley"
            ) from error
        parts = []
        for c in range(0, len(data), division.together):
            progress.report(c, len(data), text)
            images = range(c, min(c + division.together, len(data)))
            parts.append(division.parts(images)[:, which].cpu().numpy())
        progress.report(len(data), len(data), text)
        change = division.change[0, which].cpu().numpy()
    return np.concatenate(parts), change
