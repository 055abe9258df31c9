"""Cohorts in which it is known who has most of a map, and where."""

from __future__ import annotations

import numpy as np
import pytest
from tests.toy import people, volumes
from torch import nn

from napari_latentattr import Cohort, LatentModel, find_cases
from napari_latentattr.core.errors import InputError
from napari_latentattr.retrieval import looks

CHANNELS = ("bright", "dull")


class Averages(nn.Module):
    """Map c is channel c averaged over blocks of 4, map 2 is minus channel 0."""

    def __init__(self, ndim: int) -> None:
        super().__init__()
        conv, back = {2: (nn.Conv2d, nn.ConvTranspose2d), 3: (nn.Conv3d, nn.ConvTranspose3d)}[ndim]
        self.encoder, self.decoder = conv(2, 3, 4, stride=4), back(3, 2, 4, stride=4)
        nn.init.zeros_(self.encoder.weight)
        nn.init.zeros_(self.encoder.bias)
        for k, (channel, sign) in enumerate(((0, 1), (1, 1), (0, -1))):
            self.encoder.weight.data[k, channel] = sign / 4**ndim

    def forward(self, x):
        return self.decoder(self.encoder(x))


def model(ndim: int) -> LatentModel:
    return LatentModel.from_module(Averages(ndim), latent="encoder", n_channels=2, ndim=ndim)


def planted(ndim: int, *, n: int = 24, seed: int = 0):
    """Noise, a bright frame that all share, and in each case a bright block of its own strength."""
    rng = np.random.default_rng(seed)
    side = 32 if ndim == 2 else 16
    x = rng.normal(0, 0.1, (n, 2, *[side] * ndim)).astype(np.float32)
    x[(slice(None), slice(None), slice(0, 4))] += 30
    strength = rng.permutation(n) + 2.0
    corner = rng.integers(4, side - 8, (n, ndim))
    for i in range(n):
        x[(i, 0, *[slice(c, c + 8) for c in corner[i]])] += strength[i]
    return x, strength, corner


def holds(box: np.ndarray, corner: np.ndarray) -> bool:
    """Whether a box reaches into the planted block of 8 voxels."""
    return bool(((box[:, 0] < corner + 8) & (box[:, 1] > corner)).all())


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("pool", ["mean", "peak"])
@pytest.mark.parametrize("seed", range(5))
def test_planted_cases_are_found_in_order_with_the_cause_in_their_crops(ndim, pool, seed):
    x, strength, corner = planted(ndim, seed=seed)
    if pool == "peak":
        x[:, :, :4] -= 30
    found = find_cases(model(ndim), Cohort.from_arrays(x, channels=CHANNELS), 0, pool=pool)
    order = np.argsort(-strength)
    assert found.top.index.tolist() == order[:9].tolist()
    assert found.bottom.index.tolist() == order[::-1][:9].tolist()
    assert found.cases == tuple(f"case-{i + 1:03d}" for i in order[:9])
    assert (np.diff(found.scores) < 0).all()
    assert (np.diff(found.bottom.scores) > 0).all()
    assert found.boxes.shape == (9, ndim, 2)
    assert all(holds(box, corner[i]) for box, i in zip(found.boxes, order, strict=False))


def test_scores_are_the_mean_of_the_map_over_the_body():
    x, *_ = planted(2, n=6)
    masks = np.zeros((6, 32, 32), dtype=bool)
    masks[:, 8:24, 12:] = True
    cohort = Cohort.from_arrays(x, channels=CHANNELS, masks=masks)
    found = find_cases(model(2), cohort, 1, top=6)
    body = x[:, 1, 8:24, 12:].astype(np.float64).mean(axis=(1, 2))
    np.testing.assert_allclose(found.scores, np.sort(body)[::-1], atol=1e-6)
    assert (found.boxes[:, 0] >= 8).all()
    assert (found.boxes[:, 0] <= 24).all()
    peak = find_cases(model(2), cohort, 1, top=6, pool="peak")
    blocks = x[:, 1].reshape(6, 8, 4, 8, 4).mean(axis=(2, 4))[:, 2:6, 3:]
    np.testing.assert_allclose(peak.scores, np.sort(blocks.max(axis=(1, 2)))[::-1], atol=1e-5)


def test_a_negative_map_turns_the_lists_around_and_looks_where_it_is_low():
    x, strength, corner = planted(2)
    found = find_cases(model(2), Cohort.from_arrays(x, channels=CHANNELS), 2, top=5)
    order = np.argsort(-strength)
    assert found.bottom.index.tolist() == order[:5].tolist()
    assert all(holds(box, corner[i]) for box, i in zip(found.bottom.boxes, order, strict=False))


def test_equal_cases_stand_by_name_and_patients_once():
    x, *_ = planted(2, n=4)
    cohort = Cohort.from_arrays(x[[1, 1, 1, 0, 0, 2]], channels=CHANNELS, patients="aabbcd")
    found = find_cases(model(2), cohort, 0)
    assert {len(names) for names in (found.top, found.bottom, found.random)} == {4}
    for listed in (found.top, found.bottom, found.random):
        assert len(set(listed.units)) == len(listed)
    ones = [name for name in found.cases if name in ("case-001", "case-002", "case-003")]
    assert ones == ["case-001", "case-003"]
    assert (found.n, found.unit_name, found.n_cases) == (4, "patients", 6)


def test_a_contrast_pair_is_cropped_where_its_cases_differ():
    x, *_ = planted(2)
    x[5] = x[9]
    x[5, 0, 12:20, 12:20] += 40
    found = find_cases(model(2), Cohort.from_arrays(x, channels=CHANNELS), 1, top=3)
    assert len(found.contrast) == 2
    assert len(found.gaps) == 1
    found = find_cases(model(2), Cohort.from_arrays(x[:, ::-1], channels=CHANNELS), 1, top=3)
    assert found.contrast.index.tolist() == [5, 9]
    assert found.contrast.boxes[0].tolist() == found.contrast.boxes[1].tolist()
    assert holds(found.contrast.boxes[0], np.array([12, 12]))


def test_peaks_are_given_in_millimetres_and_boxes_stay_on_the_grid():
    x, *_ = planted(3, n=4)
    cohort = Cohort.from_arrays(x, channels=CHANNELS, spacing=(2, 1, 3))
    found = find_cases(model(3), cohort, 0, top=2)
    middle = found.boxes.mean(axis=2) - 0.5
    np.testing.assert_allclose(found.top.centres, -middle * [2, 1, 3], atol=1e-6)
    np.testing.assert_allclose(middle, found.top.latents * 4 + 1.5)
    assert (found.boxes >= 0).all()
    assert (found.boxes <= 16).all()


def test_maps_that_were_not_kept_are_made_again(monkeypatch):
    x, *_ = planted(2)
    cohort = Cohort.from_arrays(x, channels=CHANNELS)
    kept = find_cases(model(2), cohort, 0, seed=4)
    monkeypatch.setattr(looks, "_ROOM", 1000)
    again = find_cases(model(2), cohort, 0, seed=4)
    for name, listed in kept.lists.items():
        assert again.lists[name].cases == listed.cases
        np.testing.assert_array_equal(again.lists[name].boxes, listed.boxes)


def test_cases_on_different_grids_are_compared_by_their_means():
    big, *_ = planted(2, n=5)
    stacks = [
        Cohort.from_arrays(big[i : i + 1, :, : 32 - 4 * i], channels=CHANNELS)[0] for i in range(5)
    ]

    class Mixed:
        channels, cases, units, unit_name = CHANNELS, tuple("abcde"), tuple("abcde"), "patients"
        patients, ndim, slices = cases, 2, None

        def __len__(self):
            return 5

        def __getitem__(self, i):
            return stacks[i]

    found = find_cases(model(2), Mixed(), 0, top=5)
    for i, box in zip(found.top.index, found.boxes, strict=True):
        assert (box[:, 1] <= stacks[i].grid.shape).all()


def test_a_2d_model_finds_volumes_and_slices_of_one_person():
    from tests.toy import linear_model

    whole = find_cases(linear_model(), volumes(patients=True), 1, top=2)
    assert whole.boxes.shape == (2, 3, 2)
    assert (np.diff(whole.boxes[:, 0]) == 1).all()
    slices = volumes(patients=False).by_slice("axial")
    found = find_cases(linear_model(), slices, 1)
    assert found.unit_name == "slices of one person"
    assert len(set(found.top.units)) == len(found.top) == found.n


def test_the_record_tells_what_was_asked_and_is_the_same_twice():
    first, second = (
        find_cases(model(2), Cohort.from_arrays(planted(2)[0], channels=CHANNELS), 0, seed=3)
        for _ in range(2)
    )
    assert first.provenance.params == {
        "map": "encoder:0",
        "by": "activation",
        "pool": "mean",
        "top": 9,
    }
    assert len(first.provenance.data_sha256) == 64
    assert first.provenance.data_sha256 == second.provenance.data_sha256
    assert first.random.cases == second.random.cases


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"map": 7}, "map 7 was asked, the model has maps encoder:0 to encoder:3"),
        ({"map": 0, "top": 0}, "top must be a whole number of at least 1, got 0"),
        ({"map": 0, "by": "size"}, "by must be activation or relevance, got 'size'"),
        ({"map": 0, "pool": "sum"}, "pool must be mean or peak, got 'sum'"),
        ({"map": 0, "by": "relevance"}, "relevance is for an outcome; give both"),
        ({"map": 0, "outcome": [1, 0] * 3}, "relevance is for an outcome; give both"),
    ],
)
def test_a_wrong_question_is_refused_in_one_sentence(given, match):
    from tests.toy import linear_model

    with pytest.raises(InputError, match=match):
        find_cases(linear_model(), people(), **given)


def test_a_cohort_of_one_case_is_refused():
    cohort = Cohort.from_arrays(planted(2, n=1)[0], channels=CHANNELS)
    with pytest.raises(InputError, match="compared with each other and the cohort has 1; add"):
        find_cases(model(2), cohort, 0)
