"""Guided backprop against closed forms and captum, and the models that it refuses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import GuidedBackprop
from tests.methods.test_integrated_gradients import Curved, weights_of_the_mean
from tests.toy import (
    CHANNELS,
    SIDE,
    LinearAutoencoder,
    encoded,
    linear_model,
    people,
    planes,
    rectified_model,
    volumes,
)
from torch import nn

from napari_latentattr import Cohort, LatentModel, attribute
from napari_latentattr.core.errors import ModelError


def test_behind_one_rectifier_it_is_the_weights_of_the_latents_that_are_on() -> None:
    cohort = people()
    found = attribute(rectified_model(), cohort[2], 1, method="guided_backprop")
    on = np.kron(encoded(planes())[2, 1] > 0, np.ones((2, 2)))
    assert 0 < on.mean() < 1
    expected = weights_of_the_mean(cohort, 2, 1) * on
    np.testing.assert_allclose(found.volume, expected, rtol=0, atol=1e-6)
    inside = expected[:, cohort[2].mask]
    np.testing.assert_allclose(found.score, np.sqrt((inside**2).mean(axis=1)), rtol=1e-5)


class MeanOfMap(nn.Module):
    def __init__(self, module: nn.Module, which: int) -> None:
        super().__init__()
        self.module, self.which = module, which

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.module.encoder(x)[:, self.which].mean(dim=(1, 2))


def test_it_is_what_captum_gives() -> None:
    cohort = Cohort.from_arrays(3 * planes(), channels=CHANNELS)
    model = LatentModel.from_module(Curved(), latent="encoder", n_channels=3, ndim=2)
    found = attribute(model, cohort[0], 3, method="guided_backprop")
    x = torch.from_numpy(cohort[0].data[None].copy()).requires_grad_()
    with pytest.warns(UserWarning, match="Setting backward hooks"):
        expected = GuidedBackprop(MeanOfMap(Curved(), 3)).attribute(x)
    np.testing.assert_allclose(found.volume, expected[0].numpy(), rtol=0, atol=1e-5)
    plain = attribute(model, cohort[0], 3, method="smooth_gradient", noise=0.0, samples=1)
    assert np.abs(found.volume - plain.volume).max() > 1e-3


def test_of_a_volume_every_slice_is_that_slice_alone() -> None:
    x = np.stack([planes(4, seed=s) for s in range(2)]).swapaxes(1, 2)
    whole = Cohort.from_arrays(np.ascontiguousarray(x), channels=CHANNELS)
    found = attribute(rectified_model(), whole[0], 0, method="guided_backprop", cohort=whole)
    for z in range(4):
        plane = Cohort.from_arrays(x[:1, :, z], channels=CHANNELS)[0]
        alone = attribute(rectified_model(), plane, 0, method="guided_backprop")
        np.testing.assert_allclose(4 * found.volume[:, z], alone.volume, rtol=0, atol=1e-6)


@pytest.mark.parametrize("stack", [people()[0], volumes(patients=True)[0]], ids=["2d", "3d"])
def test_a_model_without_rectifiers_is_refused(stack) -> None:
    with pytest.raises(ModelError, match="this model has none before encoder; ask integrated_gr"):
        attribute(linear_model(), stack, 0, method="guided_backprop")


class RectifiesLate(LinearAutoencoder):
    def __init__(self) -> None:
        super().__init__()
        self.decoder = nn.Sequential(nn.ReLU(), self.decoder)


def test_rectifiers_of_the_decoder_do_not_count() -> None:
    model = LatentModel.from_module(RectifiesLate(), latent="encoder", n_channels=3, ndim=2)
    with pytest.raises(ModelError, match="this model has none before encoder"):
        attribute(model, people()[0], 0, method="guided_backprop")


class InPlace(nn.Module):
    """Rectifiers that write over what they are given."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.encoder = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(inplace=True), nn.Conv2d(8, 4, 3, padding=1)
        )
        self.decoder = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(4, 3, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.encoder(x))


def test_rectifiers_that_work_in_place_give_the_same() -> None:
    module = InPlace()
    model = LatentModel.from_module(module, latent="encoder", n_channels=3, ndim=2)
    inplace = attribute(model, people()[0], 0, method="guided_backprop").volume
    module.encoder[1] = nn.ReLU()
    model = LatentModel.from_module(module, latent="encoder", n_channels=3, ndim=2)
    apart = attribute(model, people()[0], 0, method="guided_backprop").volume
    np.testing.assert_array_equal(inplace, apart)
    assert apart.shape == (3, SIDE, SIDE)
