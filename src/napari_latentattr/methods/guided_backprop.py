"""Registered method: the gradient of one latent map past what rectifiers hold back, by captum."""

from __future__ import annotations

import warnings
from collections.abc import Callable

from torch import Tensor, nn

from napari_latentattr.core.errors import ModelError
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Attribution, Bool, ImageStack, MapRef
from napari_latentattr.methods._registry import register
from napari_latentattr.methods.gradients import SLOPE, over_whole_passes, root_mean_square
from napari_latentattr.methods.results import Question
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel
from napari_latentattr.model.way import flat_model, way_to_latent


@register(
    "guided_backprop",
    title="Guided backprop",
    source="Springenberg et al., ICLR workshop 2015",
    claims={"ignores_unused_channel", "symmetric"},
)
def guided_backprop(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    target: MapRef,
    *,
    latents: Bool | None = None,
    progress: Progress = SILENT,
) -> Attribution:
    """Show fine structure of the images that raises the map, as rectifiers let it through.

    The gradient of the map's mean on its way back through the network, with everything negative
    set to zero at every ReLU. Layers other than ReLU are passed as they are. In deep classifiers
    it showed much the same with random weights (Adebayo et al. 2018): ask `check` before reading
    it. The score is the root mean square inside the mask.

    References
    ----------
    Springenberg, Dosovitskiy, Brox, Riedmiller: Striving for simplicity, 2015.
    """
    from captum.attr import GuidedBackprop  # half a second

    asked = Question("guided_backprop", model, stack, target)
    _check_rectified(model)
    module = flat_model(model).module

    def explain(images: Tensor, mean: Callable[[Tensor], Tensor]) -> Tensor:
        slope: Tensor = GuidedBackprop(_Whole(module, mean)).attribute(images)
        return slope

    with model.differentiable(), warnings.catch_warnings():
        # That hooks will be set; they are taken away again.
        warnings.filterwarnings("ignore", message="Setting backward hooks on ReLU")
        slope = over_whole_passes(model, stack, target.index, latents, explain, progress)
    if isinstance(model, SlicewiseModel):
        slope = model.unfold(slope, 1)
    volume = slope[0].float().cpu().numpy()
    return asked.answer(volume, root_mean_square(volume, stack), unit=SLOPE)


class _Whole(nn.Module):
    """The mean of a map as a module, in which captum finds the rectifiers."""

    def __init__(self, module: nn.Module, run: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.module = module
        self._run = run

    def forward(self, images: Tensor) -> Tensor:
        return self._run(images)


def _check_rectified(model: LatentModel | SlicewiseModel) -> None:
    module = flat_model(model).module
    parts = [module.get_submodule(call.name) for call in way_to_latent(model)]
    if not any(isinstance(part, nn.ReLU) for part in parts):
        raise ModelError(
            f"guided backprop changes the gradient at ReLU layers, and this model has none before "
            f"{model.spec.layer}; ask integrated_gradients or smooth_gradient"
        )
