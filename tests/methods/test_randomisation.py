"""Copies with random weights: which weights, in which order, how large, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.methods.test_integrated_gradients import Curved
from tests.toy import CHANNELS, linear_model, planes
from torch import nn

from napari_latentattr import Cohort, LatentModel
from napari_latentattr.core.errors import ModelError
from napari_latentattr.methods.randomisation import MOST_STAGES, encoder_stages, randomised
from napari_latentattr.model.architectures import ConvAutoencoder
from napari_latentattr.model.slicewise import SlicewiseModel
from napari_latentattr.model.state import state_hash

STACK = Cohort.from_arrays(planes(), channels=CHANNELS)[0]


def curved() -> LatentModel:
    return LatentModel.from_module(Curved(), latent="encoder", n_channels=3, ndim=2)


def test_stages_go_from_the_latent_to_the_images() -> None:
    assert encoder_stages(curved()) == [
        ("encoder.2", ["encoder.2.weight", "encoder.2.bias"]),
        ("encoder.0", ["encoder.0.weight", "encoder.0.bias"]),
    ]


def test_weights_inside_a_layer_that_uses_them_itself_belong_to_that_layer() -> None:
    module = ConvAutoencoder(3, 6, 2, encoder="grouped", width=4)
    model = LatentModel.from_module(module, latent="encoder", n_channels=3, ndim=2)
    stages = encoder_stages(model)
    assert [layer for layer, _ in stages] == ["encoder.4", "encoder.2", "encoder.0"]
    assert stages[0][1] == ["encoder.4.conv.weight", "encoder.4.conv.bias"]


class Deep(nn.Module):
    def __init__(self, depth: int) -> None:
        super().__init__()
        layers = [nn.Conv2d(3, 3, 3, padding=1) for _ in range(depth - 1)]
        self.encoder = nn.Sequential(*layers, nn.Conv2d(3, 4, 2, 2))
        self.decoder = nn.ConvTranspose2d(4, 3, 2, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.encoder(x))


def test_many_layers_share_few_stages_and_none_is_left_out() -> None:
    model = LatentModel.from_module(Deep(15), latent="encoder", n_channels=3, ndim=2)
    stages = encoder_stages(model)
    assert len(stages) == MOST_STAGES == 6
    assert stages[-1][0] == "encoder.0"
    names = [name for _, own in stages for name in own]
    assert sorted(names) == sorted(
        name for name, _ in model.module.named_parameters() if name.startswith("encoder")
    )


class Free(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.AvgPool2d(2)
        self.decoder = nn.Upsample(scale_factor=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.encoder(x))


def test_an_encoder_without_weights_has_nothing_to_randomise() -> None:
    model = LatentModel.from_module(Free(), latent="encoder", n_channels=3, ndim=2)
    with pytest.raises(ModelError, match="no layer before encoder has weights"):
        encoder_stages(model)


def test_only_the_named_weights_of_the_copy_change_and_the_model_never() -> None:
    model = curved()
    before = state_hash(model.module.state_dict())
    twin = randomised(model, ["encoder.2.weight"], seed=(0, 1))
    assert state_hash(model.module.state_dict()) == before
    assert model.module.training
    same = {
        name: torch.equal(value, twin.module.state_dict()[name])
        for name, value in model.module.state_dict().items()
    }
    assert [name for name, equal in same.items() if not equal] == ["encoder.2.weight"]
    assert twin.spec.sha256 == state_hash(twin.module.state_dict()) != before
    assert twin.module is not model.module


def test_drawn_weights_have_their_own_size_around_zero_and_biases_are_dealt_out_anew() -> None:
    module = Deep(1)
    with torch.no_grad():
        module.encoder[0] = nn.Conv2d(3, 400, 2, 2)
        module.encoder[0].weight.copy_(5 + torch.rand(400, 3, 2, 2))
    module.decoder = nn.ConvTranspose2d(400, 3, 2, 2)
    model = LatentModel.from_module(module, latent="encoder", n_channels=3, ndim=2)
    twin = randomised(model, ["encoder.0.weight", "encoder.0.bias"], seed=(3,))
    old, new = module.encoder[0], twin.module.encoder[0]
    size = float(old.weight.detach().square().mean().sqrt())
    drawn = new.weight.detach()
    assert float(drawn.square().mean().sqrt()) == pytest.approx(size, rel=0.05)
    assert abs(float(drawn.mean())) < 0.1 * size
    assert torch.equal(new.bias.sort().values, old.bias.sort().values)
    assert not torch.equal(new.bias, old.bias)


def test_a_deeper_stage_keeps_what_the_stage_before_drew() -> None:
    model = curved()
    (_, first), (_, second) = encoder_stages(model)
    shallow = randomised(model, first, seed=(7, 0)).module.state_dict()
    deep = randomised(model, [*first, *second], seed=(7, 0)).module.state_dict()
    other = randomised(model, first, seed=(7, 1)).module.state_dict()
    assert torch.equal(shallow["encoder.2.weight"], deep["encoder.2.weight"])
    assert not torch.equal(shallow["encoder.0.weight"], deep["encoder.0.weight"])
    assert not torch.equal(shallow["encoder.2.weight"], other["encoder.2.weight"])


def test_a_model_over_slices_has_a_copy_over_slices() -> None:
    model = SlicewiseModel(linear_model(), "coronal")
    stages = encoder_stages(model)
    assert [layer for layer, _ in stages] == ["encoder"]
    twin = randomised(model, stages[0][1], seed=(0,))
    x = np.zeros((1, 3, 8, 5, 8), dtype=np.float32)
    assert twin.encode(x).shape == model.encode(x).shape
    assert twin.axis == model.axis == 1
