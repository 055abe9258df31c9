"""Registered method: what one map adds to the picture in the company of the others."""

from __future__ import annotations

from typing import Annotated

from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.skip_words import skip_flag
from napari_latentattr.core.types import Attribution, CaseSource, ImageStack, MapRef
from napari_latentattr.methods._parameters import Bounds
from napari_latentattr.methods._registry import register
from napari_latentattr.methods.drawn import drawn
from napari_latentattr.methods.results import Question
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel


@register(
    "shapley",
    title="Share the picture among the maps",
    source="Strumbelj & Kononenko, Knowl. Inf. Syst. 2014",
    claims={"ignores_unused_channel", "symmetric"},
    view="drawn",
)
def decoder_shapley(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    target: MapRef,
    *,
    cohort: CaseSource | None = None,
    pairs: Annotated[int, Bounds(1, 64, "pairs of orders", step=1)] = 1,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Attribution:
    """Show what this map adds to the picture when the maps are put in one after the other.

    From the cohort's mean code to the code of the case, in random orders and their reverses; the
    images of all maps add up to the change of the picture exactly.

    Parameters
    ----------
    pairs : int
        Random orders, each with its reverse; more of them tell the standard error.

    References
    ----------
    Strumbelj, Kononenko: Explaining prediction models, Knowledge and Information Systems, 2014.
    """
    params = {"pairs": pairs, **skip_flag(model.spec.skips)}
    asked = Question("shapley", model, stack, target, params, seed)
    return drawn(asked, cohort, progress, show="image", pairs=pairs)
