"""The way from the images to the latent maps: which layers take part, and in which order."""

from __future__ import annotations

from torch import nn

from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.passes import Call, noting
from napari_latentattr.model.slicewise import SlicewiseModel


def way_to_latent(model: LatentModel | SlicewiseModel) -> list[Call]:
    """Every submodule's turn up to the latent, in order of finishing, for one image of noise.

    It has the size that the model was probed with; of volumes it is one slice.
    """
    flat = flat_model(model)
    with flat.running(), noting(flat.module) as calls:
        flat.encode_whole(flat.noise(seed=7))
    return calls


def flat_model(model: LatentModel | SlicewiseModel) -> LatentModel:
    """Return the model that walks over slices, or the model itself."""
    return model.model if isinstance(model, SlicewiseModel) else model


def innermost(calls: list[Call]) -> list[Call]:
    """Keep the turns of layers in which no other layer had its turn."""
    names = {call.name for call in calls}
    holders = {name[:i] for name in names for i, letter in enumerate(name) if letter == "."}
    return [call for call in calls if call.name not in holders]


def mixes(part: nn.Module) -> bool:
    """Whether a layer weighs features against each other, as convolutions do."""
    return any(parameter.ndim > 1 for parameter in part.parameters())
