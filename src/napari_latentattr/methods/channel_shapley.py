"""Divide every latent map of a case among the images: pictures that add up."""

from __future__ import annotations

from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt
from torch import Tensor

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.latent_grid import latent_grid
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Attribution, CaseSource, Float32, ImageStack
from napari_latentattr.methods.cases import companions, fit, mean_images
from napari_latentattr.methods.results import Question
from napari_latentattr.methods.shares import divide
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.passes import as_tensor
from napari_latentattr.model.slicewise import SlicewiseModel

Baseline: TypeAlias = CaseSource | npt.ArrayLike | Tensor


def channel_shapley(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    *,
    baseline: Baseline,
    permutations: int = 50,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Attribution:
    """Show what each image adds to every latent map of a case, so that it all adds up.

    The shares of the images sum to the change of the latents from a baseline to the case, at every
    latent of every map. They are pictures to look at, not a test: an image can have a share in a
    map for what it has in common with others. Which image drives a map is what
    `channel_dependence` answers.

    Parameters
    ----------
    model : LatentModel
        A 2D model walks over the slices of a volume.
    stack : ImageStack
    baseline : Cohort, "zero" or (C, *S) array
        What the images are compared with; of a cohort its mean images.
    permutations : int
        Random orders in which the images are put in, for more than 8 images; each is followed by
        its reverse, so an odd number is raised by one. Up to 8 images the shares are exact.
    seed : int
        Of the random orders.

    Returns
    -------
    Attribution
        `score` (K, C) is the mean of `volume` (K, C, *L) over the latents of the body; `grid` is
        that of the latents. Latents of mixtures are those of plain forwards within 1e-6 of the
        largest (1e-5 with instance norm), and so are the sums. ``numbers["orders"]`` is 0 where
        the shares are exact, and ``numbers["mixtures"]`` says how many were encoded. In `arrays`:
        ``error`` (K, C), the standard error of the score over orders, NaN from one pair;
        ``volume_error`` (K, C, *L), where orders are random; ``interaction`` (K, C, C), where
        shares are exact: how much more two images do together than each alone, whatever the others
        are (Banzhaf index), NaN on the diagonal.

    Raises
    ------
    InputError
        When the baseline or the number of orders is not as it must be.
    ModelError
        When model and stack do not fit.

    References
    ----------
    Strumbelj, Kononenko: Explaining prediction models and individual predictions with feature
    contributions, Knowledge and Information Systems, 2014.
    Mitchell, Cooper, Frank, Holmes: Sampling permutations for Shapley value estimation, Journal of
    Machine Learning Research, 2022 (an order and its reverse).
    """
    if permutations < 2:
        raise InputError(f"shares need at least 2 orders, one and its reverse, got {permutations}")
    cohort = _cohort(baseline)
    fitted = fit(model, stack, cohort)
    if cohort is None:
        name, start = _given(baseline, stack)
    else:
        name = "mean"
        start = mean_images(fitted, stack, companions(cohort, "the mean image"), progress)
    params = {"baseline": name, "permutations": permutations}
    asked = Question("channel_shapley", fitted, stack, None, params, seed)
    maps = range(fitted.spec.n_maps)
    found = divide(fitted, stack, start, maps, orders=permutations, seed=seed, progress=progress)
    return asked.answer(
        found.volume,
        found.score,
        unit="latent units",
        residual=float(found.miss[np.abs(found.miss).argmax()]),
        numbers=found.numbers,
        arrays=found.arrays,
        grid=latent_grid(stack.grid, fitted.spec, found.volume.shape[2:]),
    )


def _cohort(baseline: Baseline) -> CaseSource | None:
    return cast(CaseSource, baseline) if hasattr(baseline, "cases") else None


def _given(baseline: Baseline, stack: ImageStack) -> tuple[str, Float32]:
    """Name and images (C, *S) of a baseline that is no cohort."""
    if isinstance(baseline, str):
        if baseline != "zero":
            raise InputError(
                'the baseline is a cohort, whose mean is taken, "zero" or an array, got '
                f"{baseline!r}"
            )
        return "zero", np.zeros_like(stack.data)
    start = as_tensor(cast(npt.ArrayLike, baseline)).detach().cpu().float().numpy()
    if start.shape != stack.data.shape:
        raise InputError(
            f"case {stack.case}: the baseline must have the shape of the images, "
            f"{stack.data.shape}, got {start.shape}"
        )
    if not np.isfinite(start).all():
        raise InputError("the baseline holds values that are no finite numbers; replace them first")
    return "array", start
