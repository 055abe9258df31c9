"""Change a map, draw, encode again: closed forms on a linear autoencoder, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from tests.toy import (
    CHANNELS,
    SIDE,
    LinearAutoencoder,
    encoded,
    linear_model,
    people,
    planes,
    skipping_model,
    volumes,
)

from napari_latentattr import Cohort, LatentModel, latent_response
from napari_latentattr.core.errors import Cancelled, InputError
from napari_latentattr.methods.donors import pair_cases
from napari_latentattr.model.state import state_hash

INSIDE = np.zeros((4, 4), dtype=bool)  # centres of 2 x 2 blocks in the body of `people`
INSIDE[:3, 1:] = True


def again() -> np.ndarray:
    """Share of map k that map i reads again, (K, K) as [i, k]: one block knows no other."""
    net = LinearAutoencoder()
    into, out = (layer.weight.detach().double().flatten(1) for layer in (net.encoder, net.decoder))
    return (into @ out.T).numpy()


def expected(codes: np.ndarray, pairs: list, inside: np.ndarray) -> np.ndarray:
    """The definition, by plain sums: |share| times the ratio of the two maps' distances."""
    apart = np.zeros(codes.shape[1])
    for case, others in pairs:
        for other in others:
            apart += ((codes[other] - codes[case])[:, inside] ** 2).mean(axis=1)
    return np.abs(again().T) * np.sqrt(apart[:, None] / apart[None, :])


def perfect() -> LatentModel:
    """Twelve maps that hold all that there is, and a decoder that undoes the encoder."""
    net = LinearAutoencoder()
    weight = np.linalg.qr(np.random.default_rng(0).normal(size=(12, 12)))[0]
    net.encoder = torch.nn.Conv2d(3, 12, 2, stride=2)
    net.decoder = torch.nn.ConvTranspose2d(12, 3, 2, stride=2)
    for layer in (net.encoder, net.decoder):
        layer.weight.data = torch.tensor(weight, dtype=torch.float32).reshape(12, 3, 2, 2)
        layer.bias.data.zero_()
    return LatentModel.from_module(net, latent="encoder", n_channels=3, ndim=2)


@pytest.mark.parametrize("donors", [1, 3])
def test_every_entry_has_its_closed_form_on_a_linear_autoencoder(donors) -> None:
    cohort = people()
    found = latent_response(linear_model(), cohort, cases=6, donors=donors, seed=2)
    pairs = pair_cases(cohort.units, donors=donors, seed=2)
    np.testing.assert_allclose(
        found.matrix, expected(encoded(planes()), pairs, INSIDE), rtol=1e-4, atol=1e-6
    )
    assert (found.n_cases, found.donors, found.unit_name) == (6, donors, "patients")


def test_few_cases_are_the_first_of_a_random_order() -> None:
    cohort = people()
    found = latent_response(linear_model(), cohort, cases=2, seed=5)
    pairs = pair_cases(cohort.units, donors=1, seed=5)[:2]
    np.testing.assert_allclose(
        found.matrix, expected(encoded(planes()), pairs, INSIDE), rtol=1e-4, atol=1e-6
    )
    assert found.n_cases == 2


def test_a_decoder_that_undoes_the_encoder_has_the_identity() -> None:
    found = latent_response(perfect(), people())
    np.testing.assert_allclose(found.matrix, np.eye(12), atol=1e-5)


def test_the_unit_of_a_map_does_not_matter() -> None:
    loud = LinearAutoencoder()
    loud.encoder.weight.data[2] *= 100
    loud.encoder.bias.data[2] *= 100
    loud.decoder.weight.data[2] /= 100
    model = LatentModel.from_module(loud, latent="encoder", n_channels=3, ndim=2)
    plain = latent_response(linear_model(), people())
    np.testing.assert_allclose(latent_response(model, people()).matrix, plain.matrix, rtol=1e-4)


def test_volumes_are_walked_over_slice_by_slice() -> None:
    cohort = volumes(patients=True)
    found = latent_response(linear_model(), cohort)
    codes = np.stack([np.moveaxis(encoded(np.moveaxis(s.data, 1, 0)), 0, 1) for s in cohort])
    pairs = pair_cases(cohort.units, donors=1, seed=0)
    inside = np.zeros((5, 4, 4), dtype=bool)
    inside[:4, :3, 1:] = True
    inside[1, 2:] = False
    np.testing.assert_allclose(found.matrix, expected(codes, pairs, inside), rtol=1e-4, atol=1e-6)


def test_a_slice_without_body_does_not_count() -> None:
    x, masks = planes(4), np.ones((4, SIDE, SIDE), dtype=bool)
    masks[1] = False
    cohort = Cohort.from_arrays(x, channels=CHANNELS, masks=masks)
    found = latent_response(linear_model(), cohort)
    pairs = [pair for pair in pair_cases(cohort.units, donors=1, seed=0) if pair[0] != 1]
    everywhere = np.ones((4, 4), dtype=bool)
    np.testing.assert_allclose(
        found.matrix, expected(encoded(x), pairs, everywhere), rtol=1e-4, atol=1e-6
    )
    assert found.n_cases == 3
    empty = Cohort.from_arrays(x, channels=CHANNELS, masks=np.zeros_like(masks))
    with pytest.raises(InputError, match="no case holds the centre of a latent in its mask"):
        latent_response(linear_model(), empty)


def test_a_map_that_does_not_vary_has_no_ratio() -> None:
    net = LinearAutoencoder()
    net.encoder.weight.data[3] = 0
    model = LatentModel.from_module(net, latent="encoder", n_channels=3, ndim=2)
    found = latent_response(model, people()).matrix
    assert np.isnan(found[:, 3]).all()
    assert np.isfinite(found[:, :3]).all()
    assert not found[3, :3].any()


def test_cost_is_one_decoding_and_two_encodings_a_case_and_one_of_each_an_exchange(
    monkeypatch,
) -> None:
    model, cohort = linear_model(), people()
    count = {"encode_tensor": 0, "decode_tensor": 0}
    for name in count:
        plain = getattr(model, name)

        def counted(x, name=name, plain=plain):
            count[name] += 1
            return plain(x)

        monkeypatch.setattr(model, name, counted)
    latent_response(model, cohort, cases=6, donors=2)
    assert count == {"decode_tensor": 6 * (1 + 2 * 4), "encode_tensor": 6 * (2 + 2 * 4)}


def test_same_seed_same_bits_and_nothing_is_changed() -> None:
    model, cohort = linear_model(), people()
    state = state_hash(model.module.state_dict())
    first, second = (latent_response(model, cohort, seed=3) for _ in range(2))
    assert first.matrix.tobytes() == second.matrix.tobytes()
    assert state_hash(model.module.state_dict()) == state
    assert model.module.training
    made = first.provenance
    assert (made.method, made.seed, made.model_sha256) == ("latent_response", 3, model.spec.sha256)
    assert made.data_sha256 == second.provenance.data_sha256
    assert json.loads(json.dumps(dict(made.params))) == {"cases": 8, "donors": 1}


def test_a_way_around_the_maps_is_flagged() -> None:
    params = latent_response(skipping_model(), people()).provenance.params
    assert params["skips"] == "first"


def test_progress_counts_up_to_the_end_and_can_stop_the_work() -> None:
    seen: list[tuple[int, int]] = []

    class Notes:
        def report(self, done: int, total: int, text: str) -> None:
            seen.append((done, total))

    class Stops:
        def report(self, done: int, total: int, text: str) -> None:
            if done == 3:
                raise Cancelled("stopped by the user")

    latent_response(linear_model(), people(), cases=2, progress=Notes())
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (8, 8)
    with pytest.raises(Cancelled, match="stopped by the user"):
        latent_response(linear_model(), people(), progress=Stops())


def test_what_cannot_be_exchanged_is_refused_in_one_sentence(monkeypatch) -> None:
    model = linear_model()
    one = Cohort.from_arrays(planes(1), channels=CHANNELS)
    with pytest.raises(InputError, match="latent response needs a cohort of at least 2 cases"):
        latent_response(model, one)
    with pytest.raises(InputError, match="at least 1 case and 1 donor, got 0 and 1"):
        latent_response(model, people(), cases=0)
    odd = Cohort.from_arrays(np.zeros((2, 3, 9, 9), dtype=np.float32), channels=CHANNELS)
    with pytest.raises(InputError, match="draws on 8x8 voxels and case case-00. has 9x9"):
        latent_response(model, odd)
    slices = volumes(patients=False).by_slice("axial")
    monkeypatch.setattr(type(slices), "units", ("block",) * len(slices))
    with pytest.raises(InputError, match="all 4 cases are of block, so none can give its maps"):
        latent_response(model, slices)
