"""Registered method: what each image adds to a map, where; the shares add up."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np

from napari_latentattr.core.latent_grid import to_input_grid
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Attribution, CaseSource, ImageStack, MapRef
from napari_latentattr.methods._parameters import Bounds
from napari_latentattr.methods._registry import register
from napari_latentattr.methods.cases import body_latents, companions, mean_images
from napari_latentattr.methods.results import Question
from napari_latentattr.methods.shares import divide
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel


@register(
    "channel_shapley",
    title="Share the map among the images",
    source="Strumbelj & Kononenko, Knowl. Inf. Syst. 2014",
    claims={"complete", "ignores_unused_channel", "symmetric"},
)
def shapley_volume(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    target: MapRef,
    *,
    cohort: CaseSource | None = None,
    baseline: Literal["mean", "zero"] = "mean",
    permutations: Annotated[int, Bounds(2, 512, "orders", step=2)] = 50,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Attribution:
    """Show what each image adds to the map, where; at every latent the shares add up.

    The images take the place of the baseline one by one, in all orders: exact up to 8 images. For
    more the orders are random, each followed by its reverse; then images that are alike get the
    same within the standard error.

    Parameters
    ----------
    baseline : {"mean", "zero"}
        What the images are compared with: their mean over the cohort, or zero.
    permutations : int
        Random orders for more than 8 images; fewer need none.

    References
    ----------
    Strumbelj, Kononenko: Explaining prediction models, Knowledge and Information Systems, 2014.
    """
    params = {"baseline": baseline, "permutations": permutations}
    asked = Question("channel_shapley", model, stack, target, params, seed)
    start = np.zeros_like(stack.data)
    if baseline == "mean":
        start = mean_images(
            model, stack, companions(cohort, "the mean image as a baseline"), progress
        )
    which = target.index
    with model.running():
        found = divide(
            model, stack, start, [which], orders=permutations, seed=seed, progress=progress
        )
        change = model.encode(stack.data[None])[0, which] - model.encode(start[None])[0, which]
    inside = body_latents(stack, model.spec, change.shape)
    volume = to_input_grid(found.volume[0], model.spec, stack.grid.shape)
    if stack.mask is not None:
        volume = np.where(stack.mask, volume, np.float32(0))
    score = found.score[0]
    return asked.answer(
        volume,
        score,
        unit="latent units",
        residual=float(score.sum() - change[inside].astype(np.float64).mean()),
        numbers=found.numbers,
        arrays={name: values[0] for name, values in found.arrays.items() if name != "volume_error"},
    )
