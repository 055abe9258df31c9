"""Registered method: features before one latent map, weighted by what they do to it; by captum."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from napari_latentattr.core.errors import ModelError
from napari_latentattr.core.latent_grid import to_input_grid
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Attribution, Bool, Float32, ImageStack, LatentSpec, MapRef
from napari_latentattr.methods._registry import register
from napari_latentattr.methods.gradients import over_whole_passes, root_mean_square
from napari_latentattr.methods.results import Question
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.passes import Call
from napari_latentattr.model.slicewise import SlicewiseModel
from napari_latentattr.model.way import flat_model, innermost, mixes, way_to_latent


@register(
    "grad_cam",
    title="Grad-CAM before the map",
    source="Selvaraju et al., ICCV 2017",
)
def grad_cam(
    model: LatentModel | SlicewiseModel,
    stack: ImageStack,
    target: MapRef,
    *,
    latents: Bool | None = None,
    progress: Progress = SILENT,
) -> Attribution:
    """Show roughly where features lie that raise or lower the map; it cannot tell images apart.

    The features that the last convolution before the map takes in, each weighted by its mean
    gradient and added up: one picture, of the resolution of these features, for all images
    together. Signs are kept, where the original shows what raises the target alone. The score is
    its root mean square inside the mask.

    References
    ----------
    Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra: Grad-CAM, ICCV 2017.
    """
    from captum.attr import LayerGradCam  # half a second

    asked = Question("grad_cam", model, stack, target)
    flat = flat_model(model)
    features = _features_before(model, way_to_latent(model))
    layer = flat.module.get_submodule(features.layer)

    def explain(images: Tensor, mean: Callable[[Tensor], Tensor]) -> Tensor:
        cam: Tensor = LayerGradCam(mean, layer).attribute(
            images, attribute_to_layer_input=features.taken_in
        )
        return cam

    with model.differentiable():
        weighted = over_whole_passes(model, stack, target.index, latents, explain, progress)
    volume = _on_images(weighted.float().cpu().numpy(), features, model, stack.grid.shape)
    if stack.mask is not None:
        volume = np.where(stack.mask, volume, np.float32(0))
    return asked.answer(volume, root_mean_square(volume, stack), unit="latent units")


@dataclass(frozen=True, slots=True, eq=False)
class _Features:
    """What a layer takes in or gives out, between the images and the latent.

    Attributes
    ----------
    layer : str
    taken_in : bool
        Else given out.
    spread : tuple of int
        Their places along each axis, for an image of noise.
    latent : tuple of int
        Latents along each axis, for the same image.
    lands : bool
        The layer gives out as many places as there are latents.
    """

    layer: str
    taken_in: bool
    spread: tuple[int, ...]
    latent: tuple[int, ...]
    lands: bool

    def spec(self, model: LatentModel, image: Sequence[int], features: Sequence[int]) -> LatentSpec:
        """Where features lie: counted back from the latents, or else spread evenly."""
        part = model.module.get_submodule(self.layer)
        if self.taken_in and self.lands and isinstance(part, nn.Conv2d | nn.Conv3d):
            return _taken_in_by(part, model.spec)
        if self.spread == self.latent:
            return model.spec
        even = tuple(n / m for n, m in zip(image, features, strict=True))
        return replace(model.spec, stride=even, offset=tuple((s - 1) / 2 for s in even))


def _on_images(
    weighted: Float32,
    features: _Features,
    model: LatentModel | SlicewiseModel,
    shape: Sequence[int],
) -> Float32:
    """Bring weighted features (n, 1, *F) of n slices, or of one image, onto voxels (1, *S)."""
    if not isinstance(model, SlicewiseModel):
        spec = features.spec(model, shape, weighted.shape[2:])
        return np.asarray(to_input_grid(weighted, spec, shape)[0])
    plane = [n for axis, n in enumerate(shape) if axis != model.axis]
    spec = features.spec(model.model, plane, weighted.shape[2:])
    spread = torch.from_numpy(to_input_grid(weighted, spec, plane))
    return np.asarray(model.unfold(spread, 1).numpy()[0])


def _taken_in_by(part: nn.Conv2d | nn.Conv3d, latent: LatentSpec) -> LatentSpec:
    """Where the features lie that a convolution turns into the latents."""
    stride = tuple(s / by for s, by in zip(latent.stride, part.stride, strict=True))
    reach = [d * (k - 1) for d, k in zip(part.dilation, part.kernel_size, strict=True)]
    padding = part.padding
    if isinstance(padding, str):
        padding = tuple(r // 2 if padding == "same" else 0 for r in reach)
    offset = tuple(
        o - s * (r / 2 - p)
        for o, s, r, p in zip(latent.offset, stride, reach, padding, strict=True)
    )
    return replace(latent, stride=stride, offset=offset)


def _features_before(model: LatentModel | SlicewiseModel, way: list[Call]) -> _Features:
    """Find what the last layer that mixes features takes in, if that has a place in space."""
    flat = flat_model(model)
    n_axes = flat.spec.ndim + 2
    latent = tuple(way[-1].output.shape[2:])

    def features(call: Call, seen: Tensor, *, taken_in: bool) -> _Features:
        lands = tuple(call.output.shape[2:]) == latent
        return _Features(call.name, taken_in, tuple(seen.shape[2:]), latent, lands)

    calls = innermost(way)
    mixing = [i for i, call in enumerate(calls) if mixes(flat.module.get_submodule(call.name))]
    if mixing:
        last = calls[mixing[-1]]
        if last.seen is not None and last.seen.ndim == n_axes:
            return features(last, last.seen, taken_in=True)
        spatial = [call for call in calls[: mixing[-1]] if call.output.ndim == n_axes]
        if spatial:
            return features(spatial[-1], spatial[-1].output, taken_in=False)
    raise ModelError(
        f"Grad-CAM weighs features that have a place in the image, and this model has none before "
        f"{flat.spec.layer}; ask integrated_gradients or smooth_gradient"
    )
