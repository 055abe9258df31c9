"""Registered method: the gradient of one latent map past what rectifiers hold back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from napari_latentattr.core.errors import ModelError
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Attribution, Bool, ImageStack, MapRef
from napari_latentattr.methods._registry import register
from napari_latentattr.methods.gradients import SLOPE, root_mean_square, shares_of_mean
from napari_latentattr.methods.results import Question
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel
from napari_latentattr.model.way import flat_model, way_to_latent

_TEXT = "following the gradient back"


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
    asked = Question("guided_backprop", model, stack, target)
    _check_rectified(model)
    volume = np.zeros(stack.data.shape, dtype=np.float32)
    with model.differentiable():
        shares = shares_of_mean(model, stack, target.index, latents, around=True)
        with _guided(flat_model(model).module):
            for i, share in enumerate(shares):
                progress.report(i, len(shares), _TEXT)
                x = share.tensor(stack.data[share.where]).requires_grad_()
                share.add(torch.autograd.grad(share.of(x).sum(), x)[0], volume)
    progress.report(len(shares), len(shares), _TEXT)
    return asked.answer(volume, root_mean_square(volume, stack), unit=SLOPE)


@contextmanager
def _guided(module: nn.Module) -> Iterator[None]:
    """Let every rectifier hold the negative back on the way back, too."""
    rectifiers = [part for part in module.modules() if isinstance(part, nn.ReLU)]
    before = [part.__dict__.get("forward") for part in rectifiers]
    try:
        for part in rectifiers:
            part.forward = partial(_rectified, part.forward)  # type: ignore[method-assign]
        yield
    finally:
        for part, forward in zip(rectifiers, before, strict=True):
            del part.forward
            if forward is not None:
                part.forward = forward  # type: ignore[method-assign]


def _rectified(compute: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    found = compute(x)
    if found.requires_grad:
        found.register_hook(torch.relu)  # type: ignore[no-untyped-call]
    return found


def _check_rectified(model: LatentModel | SlicewiseModel) -> None:
    module = flat_model(model).module
    parts = [module.get_submodule(call.name) for call in way_to_latent(model)]
    if not any(isinstance(part, nn.ReLU) for part in parts):
        raise ModelError(
            f"guided backprop changes the gradient at ReLU layers, and this model has none before "
            f"{model.spec.layer}; ask integrated_gradients or smooth_gradient"
        )
