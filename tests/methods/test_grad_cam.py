"""Grad-CAM against closed forms and captum, and where its features lie."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from tests.methods.test_integrated_gradients import Curved, weights_of_the_mean
from tests.toy import CHANNELS, linear_model, people, planes
from torch import nn

from napari_latentattr import Attribution, Cohort, LatentModel, attribute
from napari_latentattr.core.errors import ModelError
from napari_latentattr.core.latent_grid import to_input_grid
from napari_latentattr.methods.grad_cam import _features_before
from napari_latentattr.model.way import way_to_latent


def cam(model: LatentModel, stack, which: int = 0, **options: object) -> Attribution:
    return attribute(model, stack, which, method="grad_cam", **options)


def test_of_a_single_convolution_it_weighs_the_images_by_their_mean_gradients() -> None:
    cohort = people()
    found = cam(linear_model(), cohort[2], 1)
    gradient = weights_of_the_mean(cohort, 2, 1).mean(axis=(1, 2))
    expected = np.einsum("c,cij->ij", gradient, planes()[2]) * cohort[2].mask
    np.testing.assert_allclose(found.volume[0], expected, rtol=0, atol=1e-6)
    assert found.volume.shape == (1, 8, 8)
    inside = expected[cohort[2].mask]
    np.testing.assert_allclose(found.score, [np.sqrt((inside**2).mean())], rtol=1e-5)


def test_it_is_what_captum_gives_on_the_voxels_of_the_image() -> None:
    cohort = Cohort.from_arrays(3 * planes(), channels=CHANNELS)
    module = Curved()
    model = LatentModel.from_module(module, latent="encoder", n_channels=3, ndim=2)
    found = cam(model, cohort[0], 3)
    x = torch.from_numpy(cohort[0].data[None].copy()).requires_grad_()
    direct = LayerGradCam(lambda v: module.encoder(v)[:, 3].mean(dim=(1, 2)), module.encoder[2])
    weighted = direct.attribute(x, attribute_to_layer_input=True).detach().numpy()
    assert weighted.shape == (1, 1, 4, 4)
    expected = to_input_grid(weighted, model.spec, (8, 8))[0]  # as many features as latents
    np.testing.assert_allclose(found.volume, expected, rtol=0, atol=1e-5)
    assert (found.volume < 0).any()


def test_of_a_volume_every_slice_is_that_slice_alone() -> None:
    x = np.stack([planes(4, seed=s) for s in range(2)]).swapaxes(1, 2)
    whole = Cohort.from_arrays(np.ascontiguousarray(x), channels=CHANNELS)
    model = LatentModel.from_module(Curved(), latent="encoder", n_channels=3, ndim=2)
    found = cam(model, whole[0], cohort=whole)
    for z in range(4):
        alone = cam(model, Cohort.from_arrays(x[:1, :, z], channels=CHANNELS)[0])
        np.testing.assert_allclose(4 * found.volume[:, z], alone.volume, rtol=0, atol=1e-5)


class Encoder(nn.Module):
    """Any encoder, with a decoder that draws something of the right size."""

    def __init__(self, *layers: nn.Module, factor: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(*layers)
        self.decoder = nn.Sequential(nn.Upsample(scale_factor=factor), nn.LazyConv2d(3, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.encoder(x))


LAST = {
    "strided": nn.Conv2d(6, 4, 3, 2, 1),
    "even kernel": nn.Conv2d(6, 4, 4, 2, 1),
    "dilated, same": nn.Conv2d(6, 4, 3, padding="same", dilation=2),
    "pointwise": nn.Conv2d(6, 4, 1),
}


@pytest.mark.parametrize("last", LAST)
def test_features_lie_where_their_own_receptive_fields_are_centred(last) -> None:
    torch.manual_seed(0)
    layers = (nn.Conv2d(3, 6, 5, 2, 2), nn.ReLU(), LAST[last], nn.Tanh())
    module = Encoder(*layers, factor=4 if LAST[last].stride == (2, 2) else 2)
    module(torch.zeros(1, 3, 32, 32))
    of_latent, of_features = (
        LatentModel.from_module(module, latent=layer, n_channels=3, ndim=2)
        for layer in ("encoder", "encoder.1")
    )
    way = way_to_latent(of_latent)
    features = _features_before(of_latent, way)
    assert (features.layer, features.taken_in) == ("encoder.2", True)
    spec = features.spec(of_latent, (32, 32), (16, 16))
    assert spec.stride == pytest.approx(of_features.spec.stride)
    assert spec.offset == pytest.approx(of_features.spec.offset)


class Flat(nn.Module):
    """A latent without a place in space, with or without convolutions before it."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.encoder = nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(4))
        self.decoder = nn.Sequential(nn.Linear(4, 3 * 64), nn.Unflatten(1, (3, 8, 8)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.encoder(x))


def flat(*layers: nn.Module) -> tuple[Flat, LatentModel]:
    torch.manual_seed(0)
    module = Flat(*layers)
    module(torch.zeros(1, 3, 8, 8))
    return module, LatentModel.from_module(module, latent="encoder", n_channels=3, ndim=2)


def test_before_a_latent_without_place_the_last_features_with_one_are_weighted() -> None:
    module, model = flat(nn.Conv2d(3, 5, 3, 2, 1), nn.ReLU())
    stack = Cohort.from_arrays(planes(), channels=CHANNELS)[0]
    x = torch.from_numpy(stack.data[None].copy()).requires_grad_()
    direct = LayerGradCam(lambda v: module.encoder(v)[:, 2], module.encoder[1])
    weighted = direct.attribute(x).detach().numpy()
    found = cam(model, stack, 2)
    at = [0.5, 2.5, 4.5, 6.5]  # 4 features spread evenly over 8 voxels
    rows = np.array([np.interp(range(8), at, row) for row in weighted[0, 0]])
    expected = np.array([np.interp(range(8), at, column) for column in rows.T]).T
    np.testing.assert_allclose(found.volume[0], expected, rtol=0, atol=1e-6)


def test_a_model_without_features_in_space_is_refused() -> None:
    _, model = flat()
    stack = Cohort.from_arrays(planes(), channels=CHANNELS)[0]
    with pytest.raises(ModelError, match="this model has none before encoder"):
        cam(model, stack)
