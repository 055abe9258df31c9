"""Pictures that are made up to excite a map: closed forms on a linear encoder, and refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.streaming.test_encode import with_nan, without
from tests.toy import CHANNELS, LinearAutoencoder, linear_model, people, planes
from torch import Tensor, nn

from napari_latentattr import Attribution, Cohort, Grid, LatentModel, maximise
from napari_latentattr.core.errors import Cancelled, InputError, ModelError
from napari_latentattr.core.progress import SILENT
from napari_latentattr.core.types import ImageStack
from napari_latentattr.methods.cohort_spectrum import SpectrumSums, transform
from napari_latentattr.methods.excitation import Excitation, Goal
from napari_latentattr.methods.phase_picture import PhasePictures
from napari_latentattr.model.state import state_hash
from napari_latentattr.streaming.streaming import Streaming


def test_the_picture_meets_the_level_and_keeps_the_spectrum() -> None:
    cohort, model = people(), linear_model()
    for k in range(4):
        found = maximise(model, k, cohort=cohort)
        assert isinstance(found, Attribution)
        own = [model.encode(c.data[None])[0, k, :3, 1:].mean() for c in cohort]
        assert found.level == pytest.approx(np.quantile(own, 0.99), rel=1e-4)
        assert found.usual == pytest.approx(np.median(own), rel=1e-4)
        assert found.top_cases[0] == cohort.cases[int(np.argmax(own))]
        own_way = found.level - found.usual
        again = float(model.encode(found.volume[None])[0, k, :3, 1:].mean())
        assert found.reached == pytest.approx(again, abs=1e-4)
        assert abs(found.reached - found.level) <= 0.02 * own_way
        assert found.spectrum_distance < 0.25
        assert found.agreement > 0.9
        assert found.meets_level


def test_a_weak_level_is_met_from_above() -> None:
    found = maximise(linear_model(), 1, cohort=people(), toward="low", seeds=1)
    assert found.level < found.usual
    assert found.meets_level
    assert np.isnan(found.agreement)


def test_out_of_reach_of_a_linear_encoder_all_phases_are_those_of_its_filter() -> None:
    rng = np.random.default_rng(3)
    sums, grid = SpectrumSums(), Grid.from_spacing((16, 16), (1, 1))
    for i in range(400):  # so many that their phases agree nowhere
        x = rng.normal(size=(2, 16, 16)).astype(np.float32)
        sums.add(ImageStack(f"c{i}", ("A", "B"), x, grid))
    spectrum = sums.spectrum()
    wanted = rng.normal(size=(2, 16, 16)).astype(np.float32)
    lows = np.full(2, -1e9, dtype=np.float32)
    object.__setattr__(spectrum, "low", lows)
    object.__setattr__(spectrum, "high", -lows)
    weight = torch.from_numpy(wanted)
    pictures = PhasePictures(spectrum, spectrum.phase, spread=0, seed=0, device="cpu")
    goal = Goal(level=1e9, usual=0.0)
    climb = Excitation(pictures, lambda x: (x * weight).sum(), goal, jitter=(1, 1))
    picture, reached = climb.climb(SILENT, lambda _x, _v: None)
    size = spectrum.magnitude.astype(np.float64) * np.exp(
        np.where(climb.free, 2 * spectrum.spread, 0)
    )
    waves = size * np.exp(1j * np.angle(transform(wanted)))
    waves[:, 0, 0] = size[:, 0, 0] * spectrum.phase[:, 0, 0]
    ours = transform(picture.numpy())
    phases = np.angle(ours[:, 1:, 1:8] / waves[:, 1:, 1:8])
    assert np.abs(phases).max() < 0.05
    assert reached > 0.9 * np.sum(np.fft.irfftn(waves, s=(16, 16), axes=(1, 2)) * wanted)


def test_the_same_seed_gives_the_same_bits_and_leaves_the_model_as_it_was() -> None:
    model, cohort = linear_model(), people()
    before = state_hash(model.module.state_dict())
    first, again = (maximise(model, 0, cohort=cohort, seeds=1, seed=4) for _ in range(2))
    np.testing.assert_array_equal(first.volume, again.volume)
    assert state_hash(model.module.state_dict()) == before
    assert model.module.training
    assert all(p.requires_grad for p in model.module.parameters())


def test_a_wide_spread_gives_different_pictures_that_meet_the_level() -> None:
    found = maximise(linear_model(), 0, cohort=people(), spread=5)
    alike = maximise(linear_model(), 0, cohort=people())
    assert found.agreement < alike.agreement - 0.05
    assert found.meets_level


def test_cases_that_cannot_be_used_are_left_out_and_told() -> None:
    skip = Streaming(skip_broken=True)
    found = maximise(linear_model(), 1, cohort=with_nan(0, 5), seeds=1, streaming=skip)
    cohort, kept = without(0, 5)
    plain = maximise(linear_model(), 1, cohort=cohort, seeds=1)
    np.testing.assert_array_equal(found.pictures, plain.pictures)
    assert found.numbers == pytest.approx(plain.numbers, nan_ok=True)
    names = [with_nan().cases[kept[cohort.cases.index(case)]] for case in plain.top_cases]
    assert list(found.top_cases) == names
    assert found.provenance.params["left_out"].startswith("case-001 (")
    assert found.provenance.params["cases"] == 10
    with pytest.raises(InputError, match="at least 2 cases that can be used, and 1 is left"):
        maximise(linear_model(), 1, cohort=with_nan(*range(11)), streaming=skip)


def test_one_latent_can_be_asked_and_what_is_watched_ends_with_the_answer() -> None:
    seen = []
    found = maximise(
        linear_model(), 2, cohort=people(), voxel=(1, 2), seeds=1, watch=lambda s: seen.append(s)
    )
    own = [linear_model().encode(c.data[None])[0, 2, 1, 2] for c in people()]
    assert found.level == pytest.approx(np.quantile(own, 0.99), rel=1e-4)
    np.testing.assert_array_equal(seen[-1].volume, found.volume)
    assert found.provenance.params["voxel"] == "1,2"


def test_what_the_model_cannot_draw_is_out_of_distribution() -> None:
    # Cases lie where the toy reconstructs: they are what its decoder draws.
    model = linear_model()
    net = LinearAutoencoder()
    pinv = torch.linalg.pinv(net.encoder.weight.flatten(1))
    net.decoder.weight.data = pinv.T.reshape(4, 3, 2, 2).contiguous()
    net.encoder.bias.data.zero_()
    net.decoder.bias.data.zero_()
    model = LatentModel.from_module(net, latent="encoder", n_channels=3, ndim=2)
    x = model.decode(model.encode(planes(8))) + 0.05 * planes(8, seed=9)
    found = maximise(model, 1, cohort=Cohort.from_arrays(x, channels=CHANNELS), spread=10, seeds=1)
    assert found.out_of_distribution > 1


def test_background_that_no_case_has_stays_empty() -> None:
    x = planes()
    x[:, :, :2] = 0
    found = maximise(linear_model(), 1, cohort=Cohort.from_arrays(x, channels=CHANNELS), seeds=1)
    assert not found.volume[:, :2].any()
    assert found.volume[:, 2:].any()


class Silent(LinearAutoencoder):
    """Its first map is above zero for one strong stimulus alone."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder.bias.data[0] = -9
        self.encoder = nn.Sequential(self.encoder, nn.ReLU())


def test_a_map_that_is_silent_near_the_mean_and_near_its_top_case_is_refused() -> None:
    model = LatentModel.from_module(Silent(), latent="encoder", n_channels=3, ndim=2)
    x = planes(12)
    x[3] *= 6
    cohort = Cohort.from_arrays(x, channels=CHANNELS)
    with pytest.raises(ModelError, match="does not answer to small changes of the picture"):
        maximise(model, 0, cohort=cohort, seeds=1)


class Cut(nn.Module):
    """Lets no gradient through."""

    def forward(self, x: Tensor) -> Tensor:
        return x.detach()


class Detached(LinearAutoencoder):
    """Cannot be differentiated."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(self.encoder, Cut())


def test_what_cannot_be_made_up_is_refused_in_one_sentence() -> None:
    cohort, model = people(), linear_model()
    with pytest.raises(InputError, match="toward must be high or low, got 'up'"):
        maximise(model, 0, cohort=cohort, toward="up")
    with pytest.raises(InputError, match="seeds must lie between 1 and 32, got 0"):
        maximise(model, 0, cohort=cohort, seeds=0)
    with pytest.raises(InputError, match="spread must lie between 0 and 10, got -1"):
        maximise(model, 0, cohort=cohort, spread=-1)
    with pytest.raises(InputError, match="there is no latent 9,9: the latent map has 4x4"):
        maximise(model, 0, cohort=cohort, voxel=(9, 9))
    one = Cohort.from_arrays(planes(1), channels=CHANNELS)
    with pytest.raises(InputError, match="needs a cohort of at least 2 cases"):
        maximise(model, 0, cohort=one)
    same = Cohort.from_arrays(np.repeat(planes(1), 3, axis=0), channels=CHANNELS)
    with pytest.raises(InputError, match="map encoder:0 does not vary between the 3 cases"):
        maximise(model, 0, cohort=same)
    flat = LatentModel.from_module(Detached(), latent="encoder", n_channels=3, ndim=2)
    with pytest.raises(ModelError, match="the map has no gradient with respect to the images"):
        maximise(flat, 0, cohort=Cohort.from_arrays(planes(), channels=CHANNELS))


def test_it_can_be_stopped() -> None:
    class Stops:
        def report(self, done: int, total: int, text: str) -> None:
            if text == "making up a picture" and done > 2:
                raise Cancelled("stopped by the user")

    model = linear_model()
    with pytest.raises(Cancelled, match="stopped by the user"):
        maximise(model, 0, cohort=people(), progress=Stops())
    assert model.module.training


def test_the_sentence_never_leaves_the_real_cases_out() -> None:
    found = maximise(linear_model(), 0, cohort=people())
    assert found.sentence().startswith("Made up, not a patient: ")
    assert all(case in found.sentence() for case in found.top_cases)
