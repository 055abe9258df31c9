"""Registered control: the picture of one map with all others zero."""

from __future__ import annotations

import numpy as np

from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.skip_words import skip_flag
from napari_latentattr.core.types import Attribution, ImageStack, MapRef
from napari_latentattr.methods._registry import register
from napari_latentattr.methods.cases import check_picture
from napari_latentattr.methods.drawn import UNIT, norms
from napari_latentattr.methods.results import Question
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel


@register(
    "solo",
    title="Decode one map, others zero (control)",
    source="Zeiler & Fergus, ECCV 2014: one map kept, the others set to zero",
    view="drawn",
    control=True,
)
def decoder_solo(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    target: MapRef,
    *,
    progress: Progress = SILENT,
) -> Attribution:
    """Show the picture of this map with all others zero; misleading, for comparison.

    It shows above all what the decoder draws from nothing: on decoders with planted places, where
    it finds 90 % of a map's place it shows four fifths of the rest too.
    """
    asked = Question("solo", model, stack, target, skip_flag(model.spec.skips))
    progress.report(0, 2, "drawing one map alone")
    with model.running():
        code = model.encode(stack.data[None])
        alone = np.zeros_like(code)
        alone[:, target.index] = code[:, target.index]
        progress.report(1, 2, "drawing one map alone")
        volume = model.decode(alone)[0]
    check_picture(volume, stack)
    progress.report(2, 2, "drawing one map alone")
    return asked.answer(volume, norms(volume), unit=UNIT)
