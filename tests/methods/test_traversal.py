"""One map from weak to strong: closed forms on a linear autoencoder, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.toy import (
    CHANNELS,
    SIDE,
    LinearAutoencoder,
    drawn,
    encoded,
    linear_model,
    people,
    planes,
    skipping_model,
    volumes,
)
from torch import Tensor, nn

from napari_latentattr import Cohort, LatentModel, traverse
from napari_latentattr.core.errors import Cancelled, InputError

INSIDE = np.zeros((4, 4), dtype=bool)  # centres of 2 x 2 blocks in the body of `people`
INSIDE[:3, 1:] = True


def strength(latents: np.ndarray, inside: np.ndarray = INSIDE) -> np.ndarray:
    return np.sqrt((latents[..., inside] ** 2).mean(axis=-1))


def test_the_map_takes_even_steps_between_the_quantiles_and_the_others_stay() -> None:
    cohort, model = people(), linear_model()
    found = traverse(model, cohort[2], 1, cohort=cohort, steps=5)
    codes = encoded(planes())
    found_of = strength(codes[:, 1])
    values = np.linspace(*np.quantile(found_of, [0.01, 0.99]), 5)
    np.testing.assert_allclose(found.values, values, rtol=1e-5)
    assert found.own == pytest.approx(found_of[2], rel=1e-5)
    bias = LinearAutoencoder().decoder.bias.detach().numpy()[:, None, None]
    for value, picture in zip(values, found.pictures, strict=True):
        mixed = codes[2:3].copy()
        mixed[0, 1] *= value / found_of[2]
        assert strength(mixed[0, 1]) == pytest.approx(value)
        np.testing.assert_allclose(picture, drawn(mixed)[0] + bias, rtol=0, atol=1e-5)
    assert found.strength == "root mean square"
    assert found.pictures.shape == (5, 3, SIDE, SIDE)


def test_at_its_own_strength_the_picture_is_that_of_the_case() -> None:
    x = planes(3)
    x[2] = x[0]  # so that both ends of the range are not its own
    cohort, model = Cohort.from_arrays(x, channels=CHANNELS), linear_model()
    found = traverse(model, cohort[0], 0, cohort=cohort, steps=2)
    share = (found.own - found.values[0]) / (found.values[1] - found.values[0])
    between = found.pictures[0] + share * (found.pictures[1] - found.pictures[0])
    own = model.decode(model.encode(x[:1]))[0]
    np.testing.assert_allclose(between, own, rtol=0, atol=1e-4)


def test_a_map_whose_latents_cancel_is_still_multiplied_by_a_moderate_number() -> None:
    x = np.zeros((3, 3, SIDE, SIDE), dtype=np.float32)
    x[:, :, :, ::4], x[:, :, :, 2::4] = 1, -1
    x *= np.array([1, 2, 3], dtype=np.float32)[:, None, None, None]
    net = LinearAutoencoder()
    net.encoder.bias.data.zero_()
    model = LatentModel.from_module(net, latent="encoder", n_channels=3, ndim=2)
    cohort = Cohort.from_arrays(x, channels=CHANNELS)
    assert abs(model.encode(x[:1])[0, 0].mean()) < 1e-6
    found = traverse(model, cohort[0], 0, cohort=cohort)
    np.testing.assert_allclose(found.values[[0, -1]] / found.own, [1.02, 2.98], rtol=1e-4)


class Flat(nn.Module):
    """Two latents without extent: sums of the two images."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(2 * 64, 2))
        self.encoder[1].weight.data = torch.eye(2).repeat_interleave(64, dim=1) / 4
        self.encoder[1].bias.data.zero_()
        self.decoder = nn.Linear(2, 128)

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x)).view(-1, 2, 8, 8)


def test_a_map_of_a_single_latent_keeps_its_sign_and_may_be_zero() -> None:
    model = LatentModel.from_module(Flat(), latent="encoder", n_channels=2, ndim=2)
    x = np.zeros((3, 2, 8, 8), dtype=np.float32)
    x[0, 0], x[1, 0] = -1, 2
    cohort = Cohort.from_arrays(x, channels=["A", "B"])
    found = traverse(model, cohort[2], 0, cohort=cohort, steps=3)
    values = np.linspace(*np.quantile([-16.0, 32.0, 0.0], [0.01, 0.99]), 3)
    np.testing.assert_allclose(found.values, values, rtol=1e-5)
    assert (found.own, found.strength) == (0, "value")
    code = np.zeros((1, 2, 1, 1), dtype=np.float32)
    code[0, 0] = values[0]
    np.testing.assert_allclose(found.pictures[0], model.decode(code)[0], atol=1e-5)


def test_a_volume_has_the_range_of_the_slices_that_show_some_body() -> None:
    whole = volumes(patients=False)
    found = traverse(linear_model(), whole[0], 2, cohort=whole.by_slice("axial"), steps=3)
    codes = encoded(np.moveaxis(whole[0].data, 1, 0))[:, 2]
    inside = np.stack([INSIDE] * 4)
    inside[1, 2:] = False
    each = [strength(z, where) for z, where in zip(codes, inside, strict=False)]
    np.testing.assert_allclose(found.values[[0, 2]], np.quantile(each, [0.01, 0.99]), rtol=1e-5)
    assert found.own == pytest.approx(strength(codes[:4], inside), rel=1e-5)
    assert found.pictures.shape == (3, 3, 5, SIDE, SIDE)


def test_provenance_and_flag() -> None:
    cohort = people()
    made = traverse(skipping_model(), cohort[1], 3, cohort=cohort, steps=2).provenance
    assert made.method == "traverse"
    assert made.params == {"map": 3, "case": cohort[1].case, "steps": 2, "skips": "first"}
    plain = traverse(linear_model(), cohort[1], 3, cohort=cohort, steps=2).provenance
    assert "skips" not in plain.params


def test_one_image_is_found_by_its_name() -> None:
    cohort = people()
    found = traverse(linear_model(), cohort[1], 3, cohort=cohort, steps=2)
    np.testing.assert_array_equal(found.images("B"), found.pictures[:, 1])
    with pytest.raises(KeyError, match="there is no image D; there are A, B, C"):
        found.images("D")


def test_it_can_be_stopped() -> None:
    class Stops:
        def report(self, done: int, total: int, text: str) -> None:
            if text == "drawing steps" and done == 1:
                raise Cancelled("stopped by the user")

    cohort, model = people(), linear_model()
    with pytest.raises(Cancelled, match="stopped by the user"):
        traverse(model, cohort[0], 0, cohort=cohort, progress=Stops())
    assert model.module.training


def test_what_has_no_range_or_no_pattern_is_refused_in_one_sentence() -> None:
    cohort, model = people(), linear_model()
    for steps in (1, 65):
        with pytest.raises(InputError, match=f"takes from 2 to 64 steps, got {steps}"):
            traverse(model, cohort[0], 0, cohort=cohort, steps=steps)
    same = Cohort.from_arrays(np.repeat(planes(1), 2, axis=0), channels=CHANNELS)
    with pytest.raises(InputError, match="map encoder:0 is equally strong in all cases"):
        traverse(model, same[0], 0, cohort=same)
    net = LinearAutoencoder()
    net.encoder.bias.data.zero_()
    x = planes(3)
    x[1] = 0
    unbiased = LatentModel.from_module(net, latent="encoder", n_channels=3, ndim=2)
    dark = Cohort.from_arrays(x, channels=CHANNELS)
    with pytest.raises(InputError, match="map encoder:0 is empty in case case-002, so it has no"):
        traverse(unbiased, dark[1], 0, cohort=dark)
    one = Cohort.from_arrays(planes(1), channels=CHANNELS)
    with pytest.raises(InputError, match="a traversal needs a cohort of at least 2 cases"):
        traverse(model, one[0], 0, cohort=one)
    odd = Cohort.from_arrays(np.random.default_rng(0).normal(size=(2, 3, 9, 9)), channels=CHANNELS)
    with pytest.raises(InputError, match="draws on 8x8 voxels and case case-001 has 9x9"):
        traverse(model, odd[0], 0, cohort=odd)
