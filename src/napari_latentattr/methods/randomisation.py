"""Copies of a model whose encoder has random weights, from the latent down to a depth.

Refuses to know what is compared. The user's module is never touched.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from napari_latentattr.core.errors import ModelError
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel
from napari_latentattr.model.way import flat_model, way_to_latent

# More would take long and tell no more.
MOST_STAGES = 6


def encoder_stages(model: LatentModel | SlicewiseModel) -> list[tuple[str, list[str]]]:
    """Layers with weights between images and latent, the one at the latent first.

    Returns
    -------
    list of (str, list of str)
        At most `MOST_STAGES` entries: a layer, and the names of all weights down to it that no
        entry before has.

    Raises
    ------
    ModelError
        When the encoder has no weights.
    """
    turns = way_to_latent(model)
    order = list(dict.fromkeys(call.name for call in reversed(turns)))
    owned: dict[str, list[str]] = {}
    for name, _ in flat_model(model).module.named_parameters():
        holders = [layer for layer in order if name.startswith(f"{layer}.")]
        if holders:
            owned.setdefault(max(holders, key=len), []).append(name)
    layers = [layer for layer in order if layer in owned]
    if not layers:
        raise ModelError(
            f"no layer before {model.spec.layer} has weights, so there is nothing to randomise"
        )
    parts = np.array_split(np.arange(len(layers)), min(MOST_STAGES, len(layers)))
    return [(layers[part[-1]], [name for i in part for name in owned[layers[i]]]) for part in parts]


def randomised(
    model: LatentModel | SlicewiseModel, names: Sequence[str], *, seed: Sequence[int]
) -> LatentModel | SlicewiseModel:
    """Copy of a model in which these weights are drawn anew.

    Weights of convolutions and the like are drawn from a normal distribution around zero with
    their own root mean square, so that responses keep their size; biases and scales of norms are
    dealt out anew.
    """

    def change(module: nn.Module) -> None:
        rng = np.random.default_rng(seed)
        weights = dict(module.named_parameters())
        with torch.no_grad():
            for name in names:
                weights[name].copy_(_drawn(weights[name], rng))

    return model.twin(change)


def _drawn(weight: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    if weight.ndim == 0:
        return weight
    if weight.ndim == 1:
        return weight[torch.from_numpy(rng.permutation(len(weight))).to(weight.device)]
    size = weight.square().mean().sqrt()
    drawn = torch.from_numpy(rng.standard_normal(tuple(weight.shape), dtype=np.float32))
    return drawn.to(weight) * size
