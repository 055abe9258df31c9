"""Registered control: what is lost from the picture when one map is set to the mean code's."""

from __future__ import annotations

from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.skip_words import skip_flag
from napari_latentattr.core.types import Attribution, CaseSource, ImageStack, MapRef
from napari_latentattr.methods._registry import register
from napari_latentattr.methods.drawn import drawn
from napari_latentattr.methods.results import Question
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel


@register(
    "leave_one_out",
    title="Take one map out of the picture (control)",
    source="Zeiler & Fergus, ECCV 2014: covered in turn; Covert et al., JMLR 2021: leave one out",
    claims={"ignores_unused_channel", "symmetric"},
    view="drawn",
    control=True,
)
def decoder_leave_one_out(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    target: MapRef,
    *,
    cohort: CaseSource | None = None,
    progress: Progress = SILENT,
) -> Attribution:
    """Show what the picture loses when this map is the average one; misleading, for comparison.

    The picture of the case less the picture with this map of the cohort's mean code. A map whose
    work another map does too is not missed, and one that only modulates the others is charged with
    all that they draw: the images of all maps do not add up.

    References
    ----------
    Covert, Lundberg, Lee: Explaining by removing, JMLR, 2021.
    """
    asked = Question("leave_one_out", model, stack, target, skip_flag(model.spec.skips))
    return drawn(asked, cohort, progress, show="image", method="leave_one_out")
