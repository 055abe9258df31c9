"""What the decoder draws from each map: closed forms, sums that telescope, planted interaction."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from tests.toy import (
    CHANNELS,
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

from napari_latentattr import Cohort, LatentModel, attribute, decompose
from napari_latentattr.core.decomposition import Decomposition
from napari_latentattr.core.errors import InputError, ModelError
from napari_latentattr.methods import divisions


class Product(nn.Module):
    """Draws a z0 + z0 z1 in its only image, where z0 and z1 are the image and the image itself."""

    A = 0.5

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Conv2d(1, 3, 1)
        self.encoder.weight.data = torch.tensor([1.0, 2.0, -1.0]).view(3, 1, 1, 1)
        self.encoder.bias.data.zero_()

    def decoder_of(self, z: Tensor) -> Tensor:
        return self.A * z[:, :1] + z[:, :1] * z[:, 1:2] + 0.3 * z[:, 2:]

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder_of(self.encoder(x))


class Curved(nn.Module):
    """A decoder in which every map changes what the others draw."""

    def __init__(self, k: int = 5) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.encoder = nn.Conv2d(3, k, 2, stride=2)
        self.decoder = nn.Sequential(
            nn.Conv2d(k, 8, 3, padding=1), nn.Tanh(), nn.ConvTranspose2d(8, 3, 2, stride=2)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))


class Normed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Conv2d(3, 4, 2, stride=2)
        self.decoder = nn.Sequential(
            nn.Conv2d(4, 8, 1), nn.GroupNorm(2, 8), nn.ConvTranspose2d(8, 3, 2, stride=2)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))


def curved() -> LatentModel:
    return LatentModel.from_module(Curved(), latent="encoder", n_channels=3, ndim=2)


def product() -> LatentModel:
    return LatentModel.from_module(Product(), latent="encoder", n_channels=1, ndim=2)


ZERO = np.zeros((1, 5, 4, 4), dtype=np.float32)


@pytest.mark.parametrize("method", ["shapley", "secant", "leave_one_out", "main"])
def test_a_linear_decoder_draws_each_map_apart(method) -> None:
    cohort = people()
    found = decompose(linear_model(), cohort[2], reference=cohort, method=method)
    codes = encoded(planes())
    for k in range(4):
        way = np.zeros_like(codes[:1])
        way[0, k] = codes[2, k] - codes[:, k].mean(axis=0)
        np.testing.assert_allclose(found.image(k), drawn(way)[0], rtol=0, atol=2e-6)
        np.testing.assert_allclose(found.main_effect(k), drawn(way)[0], rtol=0, atol=2e-6)
    assert found.residual < 1e-6
    if method != "main":
        np.testing.assert_allclose(found.entanglement, 0, atol=1e-6)


def test_a_planted_interaction_is_shared_in_halves_and_its_entanglement_is_exact() -> None:
    x = np.random.default_rng(0).normal(size=(1, 1, 6, 6)).astype(np.float32)
    stack = Cohort.from_arrays(x, channels=["A"])[0]
    found = decompose(product(), stack, reference=np.zeros((1, 3, 6, 6)))
    z = x[0].astype(np.float64)
    half = z * 2 * z / 2
    np.testing.assert_allclose(found.image(0), Product.A * z + half, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.image(1), half, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.main_effect(0), Product.A * z, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.main_effect(1), 0, atol=0)
    norm = np.linalg.norm
    exact = [norm(half) / norm(Product.A * z + half), 1.0, 0.0]
    np.testing.assert_allclose(found.entanglement, exact, rtol=0, atol=1e-6)
    alone = decompose(product(), stack, reference=np.zeros((1, 3, 6, 6)), method="leave_one_out")
    np.testing.assert_allclose(alone.image(0), Product.A * z + 2 * half, rtol=0, atol=2e-6)


def added(found: Decomposition) -> np.ndarray:
    return np.sum([found.image(k) for k in range(5)], axis=0)


def test_images_of_all_maps_telescope_and_those_of_controls_do_not() -> None:
    stack = people()[0]
    model = curved()
    change = (model.decode(model.encode(stack.data[None])) - model.decode(ZERO))[0]
    for asked in ({"pairs": 1}, {"pairs": 2, "seed": 3}, {"method": "secant"}):
        found = decompose(model, stack, reference=ZERO, **asked)
        np.testing.assert_allclose(added(found), change, rtol=0, atol=2e-6)
        assert found.residual < 1e-6
    for method in ("leave_one_out", "main", "solo"):
        assert decompose(model, stack, reference=ZERO, method=method).residual > 0.01


def test_enough_orders_come_to_the_exact_shapley_value() -> None:
    stack = people()[0]
    model = curved()
    code = model.encode(stack.data[None])

    def value(members: tuple[int, ...]) -> np.ndarray:
        mixed = ZERO.copy()
        mixed[:, list(members)] = code[:, list(members)]
        return model.decode(mixed)[0].astype(np.float64)

    exact = np.zeros((3, 8, 8))
    others = [0, 1, 3, 4]
    for size in range(5):
        weight = math.factorial(size) * math.factorial(4 - size) / math.factorial(5)
        for members in itertools.combinations(others, size):
            exact += weight * (value((*members, 2)) - value(members))
    few, many = (
        decompose(model, stack, reference=ZERO, maps=[2], pairs=pairs) for pairs in (4, 200)
    )
    missed = np.linalg.norm(many.image(2) - exact) / np.linalg.norm(exact)
    assert missed < 3 * many.error[0] < 0.05
    assert many.error[0] < few.error[0]


def test_one_map_gives_the_bits_of_all_maps_and_no_residual() -> None:
    stack = people()[0]
    every = decompose(curved(), stack, reference=ZERO, seed=7)
    one = decompose(curved(), stack, reference=ZERO, seed=7, maps=[3])
    np.testing.assert_array_equal(one.image(3), every.image(3))
    np.testing.assert_array_equal(one.main_effect(3), every.main_effect(3))
    assert one.entanglement[0] == every.entanglement[3]
    assert math.isnan(one.residual)
    assert np.isnan(one.error).all()
    with pytest.raises(KeyError, match="map 2 was not asked; asked were encoder:3"):
        one.image(2)


def test_one_map_takes_few_decodes(monkeypatch) -> None:
    model, decodes = curved(), []
    decode = model.decode_tensor
    monkeypatch.setattr(model, "decode_tensor", lambda z: decodes.append(1) or decode(z))
    decompose(model, people()[0], reference=ZERO, maps=[3])
    assert len(decodes) <= 7


def test_images_that_do_not_fit_in_memory_are_drawn_again(monkeypatch) -> None:
    stack, model = people()[0], curved()
    kept = decompose(model, stack, reference=ZERO)
    monkeypatch.setattr(divisions, "_KEPT_BYTES", 1)
    drawn_again = decompose(model, stack, reference=ZERO)
    for k in range(5):
        np.testing.assert_array_equal(drawn_again.image(k), kept.image(k))
    np.testing.assert_array_equal(drawn_again.entanglement, kept.entanglement)
    assert not model.module.decoder._forward_hooks
    assert model.module.training


def test_a_decoder_without_secants_is_refused_by_name() -> None:
    model = LatentModel.from_module(Normed(), latent="encoder", n_channels=3, ndim=2)
    with pytest.raises(ModelError, match="GroupNorm at decoder.1 .* method shapley"):
        decompose(model, people()[0], reference=ZERO[:, :4], method="secant")


def test_solo_is_the_picture_of_one_map_and_of_nothing_besides() -> None:
    cohort = people()
    model = curved()
    code = model.encode(cohort[0].data[None])
    code[:, [0, 1, 2, 4]] = 0
    picture = model.decode(code)[0]
    found = decompose(model, cohort[0], reference=cohort, method="solo", maps=[3])
    np.testing.assert_array_equal(found.image(3), picture)
    shown = attribute(model, cohort[0], 3, method="solo")
    np.testing.assert_array_equal(shown.volume, picture)
    assert np.isnan(found.entanglement[0])


def test_drawn_methods_show_what_decompose_computes() -> None:
    cohort = people()
    model = curved()
    found = decompose(model, cohort[1], reference=cohort, maps=[2], pairs=3, seed=4)
    image = attribute(model, cohort[1], 2, method="shapley", cohort=cohort, seed=4, pairs=3)
    np.testing.assert_array_equal(image.volume, found.image(2))
    np.testing.assert_allclose(
        image.score, np.linalg.norm(found.image(2).reshape(3, -1), axis=1), rtol=1e-5
    )
    assert image.numbers == {
        "entanglement": found.entanglement[0],
        "error": pytest.approx(found.error[0]),
    }
    main = attribute(model, cohort[1], 2, method="main_effect", cohort=cohort, seed=4)
    np.testing.assert_array_equal(main.volume, found.main_effect(2))
    assert list(main.numbers) == ["entanglement"]


@pytest.mark.parametrize("method", ["shapley", "leave_one_out", "main", "solo"])
def test_a_way_around_the_maps_is_flagged_and_carries_an_empty_image(method) -> None:
    cohort, model = people(), skipping_model()
    found = decompose(model, cohort[2], reference=cohort, method=method, maps=[1])
    assert found.provenance.params["skips"] == "first"
    code = model.encode(cohort[2].data[None])
    if method == "solo":
        code[:, [0, 2, 3]] = 0
        around = np.array([1.0, 2.0, 3.0]) + net_bias()
        expected = drawn(code)[0] + around[:, None, None]
    else:
        mean = np.mean([model.encode(s.data[None])[0] for s in cohort], axis=0)
        way = np.zeros_like(code)
        way[0, 1] = code[0, 1] - mean[1]
        expected = drawn(way)[0]
    np.testing.assert_allclose(found.image(1), expected, rtol=0, atol=1e-5)


def net_bias() -> np.ndarray:
    return LinearAutoencoder().decoder.bias.detach().numpy()


def test_leaving_one_out_shows_what_decompose_computes() -> None:
    cohort, model = people(), curved()
    found = decompose(model, cohort[1], reference=cohort, method="leave_one_out", maps=[2])
    shown = attribute(model, cohort[1], 2, method="leave_one_out", cohort=cohort)
    np.testing.assert_array_equal(shown.volume, found.image(2))
    assert shown.numbers == {"entanglement": found.entanglement[0]}


def test_slices_of_one_person_are_compared_with_their_mean_slice() -> None:
    whole = volumes(patients=False)
    slices = whole.by_slice("axial")
    found = decompose(linear_model(), whole[0], reference=slices, maps=[1])
    codes = encoded(np.moveaxis(whole[0].data, 1, 0))
    way = np.zeros_like(codes)
    way[:, 1] = codes[:, 1] - codes[:4, 1].mean(axis=0)  # the last slice shows no body
    np.testing.assert_allclose(np.moveaxis(found.image(1), 1, 0), drawn(way), rtol=0, atol=1e-5)


def test_references_that_cannot_be_compared_with_are_told() -> None:
    cohort, model = people(), linear_model()
    stack = cohort[0]
    one = Cohort.from_arrays(planes(1), channels=CHANNELS)
    with pytest.raises(InputError, match="mean code needs a cohort of at least 2 cases, got a"):
        decompose(model, stack, reference=one)
    with pytest.raises(InputError, match=r"must have the shape \(1, 4, 4, 4\) .* \(1, 4, 8, 8\)"):
        decompose(model, stack, reference=np.zeros((1, 4, 8, 8)))
    with pytest.raises(InputError, match="compared with the mean code of a cohort, but no cohort"):
        attribute(model, stack, 0, method="shapley")
    wide = Cohort.from_arrays(np.zeros((2, 3, 8, 12)), channels=CHANNELS)
    with pytest.raises(InputError, match="latent maps of 4x6 on average, this case of 4x4"):
        decompose(model, stack, reference=wide)


class Mixed:
    """Two cases on different voxels."""

    channels, cases, patients, units = CHANNELS, ("a", "b"), ("a", "b"), ("a", "b")
    unit_name, ndim, slices = "patients", 2, None

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int):
        x = np.ones((1, 3, 8, 8 + 4 * index), dtype=np.float32)
        return Cohort.from_arrays(x, channels=CHANNELS)[0]


def test_cases_on_different_voxels_have_no_mean_code() -> None:
    with pytest.raises(InputError, match="case b has maps of 4x6, case a of 4x4, so they have no"):
        decompose(linear_model(), people()[0], reference=Mixed())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "shaply"}, "no method shaply to divide a picture, did you mean 'shapley'"),
        ({"pairs": 0}, "at least 1 pair of orders, got 0"),
        ({"maps": []}, "name at least one map and none twice, got none"),
        ({"maps": [1, 1]}, "none twice, got encoder:1, encoder:1"),
        ({"maps": [4]}, "map 4 was asked"),
    ],
)
def test_what_cannot_be_divided_is_refused_in_one_sentence(options, words) -> None:
    with pytest.raises(InputError, match=words):
        decompose(linear_model(), people()[0], reference=np.zeros((1, 4, 4, 4)), **options)


def test_a_decoder_that_draws_on_other_voxels_is_told() -> None:
    x = np.zeros((2, 3, 9, 9), dtype=np.float32)
    cohort = Cohort.from_arrays(x, channels=CHANNELS)
    with pytest.raises(InputError, match="draws on 8x8 voxels and case case-001 has 9x9"):
        decompose(linear_model(), cohort[0], reference=cohort)
    with pytest.raises(InputError, match="draws on 8x8 voxels and case case-001 has 9x9"):
        attribute(linear_model(), cohort[0], 0, method="solo")
