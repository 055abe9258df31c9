"""Registered method: what one map adds to the picture by the secants of the decoder."""

from __future__ import annotations

from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Attribution, CaseSource, ImageStack, MapRef
from napari_latentattr.methods._registry import register
from napari_latentattr.methods.drawn import drawn
from napari_latentattr.methods.results import Question
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel


@register(
    "secant",
    title="Rescale the picture among the maps",
    source="Shrikumar, Greenside & Kundaje, ICML 2017",
    claims={"ignores_unused_channel", "symmetric"},
    view="drawn",
)
def decoder_secant(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    target: MapRef,
    *,
    cohort: CaseSource | None = None,
    progress: Progress = SILENT,
) -> Attribution:
    """Show what this map adds to the picture when every layer is taken as straight.

    From the cohort's mean code to the code of the case, in the time of a few decodes; the images of
    all maps add up to the change of the picture exactly. Where maps work together the division is
    another than Shapley's.

    References
    ----------
    Shrikumar, Greenside, Kundaje: Learning important features through propagating activation
    differences, ICML 2017 (the rescale rule, sent forwards here).
    """
    asked = Question("secant", model, stack, target)
    return drawn(asked, cohort, progress, show="image", method="secant")
