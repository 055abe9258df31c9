from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from napari_latentattr import Cohort, LatentModel, attribute
from napari_latentattr.core.errors import ModelError

CHANNELS = ("a", "b", "c")


def model_with(*middle: nn.Module) -> LatentModel:
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), *middle, nn.Conv2d(8, 4, 3, 2, 1))
    decoder = nn.Sequential(nn.Upsample(scale_factor=4), nn.Conv2d(4, 3, 1))
    module = nn.Sequential(OrderedDict(encoder=encoder, decoder=decoder))
    return LatentModel.from_module(module, latent="encoder", n_channels=3, ndim=2)


def images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((4, 3, *shape)).astype(np.float32)


def rescaled(model: LatentModel, x: np.ndarray, **asked: str):
    cohort = Cohort.from_arrays(x, channels=CHANNELS)
    return attribute(model, cohort[1], 2, method="channel_rescale", cohort=cohort, **asked)


@pytest.mark.parametrize("baseline", ["mean", "zero"])
def test_shares_add_up_to_the_change_of_the_map(baseline: str) -> None:
    x, model = images(16, 16), model_with(nn.BatchNorm2d(8), nn.SiLU(), nn.MaxPool2d(3, 1, 1))
    start = x.mean(axis=0, keepdims=True) if baseline == "mean" else np.zeros_like(x[:1])
    change = model.encode(x[1:2])[0, 2] - model.encode(start)[0, 2]
    found = rescaled(model, x, baseline=baseline)
    assert found.score.sum() == pytest.approx(change.mean(dtype=np.float64), abs=1e-6)
    assert abs(found.residual) < 1e-6
    centre = found.volume[:, ::4, ::4].sum(axis=0)  # fields of latents are centred on every fourth
    np.testing.assert_allclose(centre, change, rtol=0, atol=1e-5)


def test_a_volume_under_a_2d_model_is_its_slices() -> None:
    x, model = images(3, 16, 16), model_with(nn.ReLU())
    cohort = Cohort.from_arrays(x, channels=CHANNELS)
    whole = attribute(model, cohort[1], 2, method="channel_rescale", cohort=cohort)
    for s in range(3):
        flat = rescaled(model, x[:, :, s])
        np.testing.assert_allclose(whole.volume[:, s], flat.volume, rtol=0, atol=1e-6)


def test_a_layer_that_sees_the_whole_image_is_named() -> None:
    with pytest.raises(ModelError, match="InstanceNorm2d at encoder.1"):
        rescaled(model_with(nn.InstanceNorm2d(8), nn.ReLU()), images(16, 16))
