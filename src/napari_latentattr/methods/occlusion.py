"""Registered method: where covering a patch of an image moves a map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Literal

from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Attribution, Bool, CaseSource, ImageStack, MapRef
from napari_latentattr.methods._parameters import Bounds
from napari_latentattr.methods._registry import register
from napari_latentattr.methods.covering import WindowEffects, cover_windows
from napari_latentattr.methods.fills import Fill, filled_images
from napari_latentattr.methods.gradients import root_mean_square
from napari_latentattr.methods.results import Question
from napari_latentattr.methods.window_grid import window_grid
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel


def occlusions(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    targets: Sequence[MapRef],
    *,
    cohort: CaseSource | None = None,
    latents: Bool | None = None,
    patch: float = 16.0,
    stride: float = 8.0,
    fill: Fill = "mean",
    together: bool = False,
    seed: int = 0,
    progress: Progress = SILENT,
) -> tuple[Attribution, ...]:
    """Answer for several maps from the same passes; parameters as of `occlusion`."""
    params = {"patch": patch, "stride": stride, "fill": fill, "together": together}
    asked = Question("occlusion", model, stack, None, params, seed).about(targets)
    found, donor = occlude(
        model,
        stack,
        cohort=cohort,
        latents=latents,
        patch=patch,
        stride=stride,
        fill=fill,
        together=together,
        seed=seed,
        progress=progress,
    )
    told = {**params, "donor": donor, "engine": found.engine}
    return tuple(
        _answer(replace(question, params=told), found, target.index, kept=len(targets) == 1)
        for question, target in zip(asked, targets, strict=True)
    )


@register(
    "occlusion",
    title="Cover patches",
    source="Zeiler & Fergus, ECCV 2014",
    claims={"ignores_unused_channel", "symmetric"},
    many=occlusions,
)
def occlusion(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    target: MapRef,
    *,
    cohort: CaseSource | None = None,
    latents: Bool | None = None,
    patch: Annotated[float, Bounds(1, 128, "mm", step=1)] = 16.0,
    stride: Annotated[float, Bounds(1, 128, "mm", step=1)] = 8.0,
    fill: Literal["mean", "blur", "donor", "zero"] = "mean",
    together: bool = False,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Attribution:
    """Show where the mean of the map changes when a patch is covered.

    A voxel gets the mean, over all patches that cover it, of the mean of the map inside the mask as
    it is less the same with the patch covered. Positive means that what is there raises the map.
    The score of an image is the root mean square of its volume inside the mask.

    Parameters
    ----------
    patch : float
        Side of the square or cube that is covered.
    stride : float
        From one patch to the next; at most the side of a patch.
    fill : {"mean", "blur", "donor", "zero"}
        What covers it: the mean image of the cohort (without one, the mean of the image itself),
        the image itself blurred by half a patch, the image of another patient, or zero.
    together : bool
        Cover all images at once instead of each by itself; gives one volume and one score.

    References
    ----------
    Zeiler, Fergus: Visualizing and understanding convolutional networks, ECCV 2014.
    """
    (found,) = occlusions(
        model,
        stack,
        [target],
        cohort=cohort,
        latents=latents,
        patch=patch,
        stride=stride,
        fill=fill,
        together=together,
        seed=seed,
        progress=progress,
    )
    return found


def _answer(asked: Question, found: WindowEffects, which: int, *, kept: bool) -> Attribution:
    """Attribution of one map; of several, volumes are made when they are asked for."""
    stack, volume = asked.stack, found.volume(which)
    shown = volume if kept else partial(found.volume, which)
    return asked.answer(shown, root_mean_square(volume, stack), unit="latent units")


def occlude(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    *,
    cohort: CaseSource | None,
    latents: Bool | None,
    patch: float,
    stride: float,
    fill: Fill,
    together: bool,
    seed: int,
    progress: Progress,
) -> tuple[WindowEffects, str]:
    """Cover patches once for all maps; parameters as of `occlusion`.

    Returns
    -------
    WindowEffects
    str
        As of `filled_images`.
    """
    grid = window_grid(stack.grid, patch=patch, stride=stride)
    filled, donor = filled_images(
        model, stack, fill, cohort=cohort, blur_mm=patch / 2, seed=seed, progress=progress
    )
    every = range(len(stack.channels))
    groups: list[list[int]] = [list(every)] if together else [[c] for c in every]
    effects = cover_windows(model, stack, grid, filled, groups, progress, latents=latents)
    return effects, donor
