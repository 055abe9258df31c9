"""Pattern likeness against closed forms, a slow obvious version, invariances and planted truth."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from tests.methods.test_channel_dependence import Deep, independent, linear_model, names

from napari_latentattr import Cohort, LatentModel, pattern_likeness
from napari_latentattr.core.errors import InputError, ModelError
from napari_latentattr.streaming.streaming import Streaming


def cohort_of(x: np.ndarray, **given) -> Cohort:
    return Cohort.from_arrays(x, channels=names(x.shape[1]), **given)


def deep(c: int = 3, k: int = 2) -> LatentModel:
    return LatentModel.from_module(Deep(c, k), latent="encoder", n_channels=c, ndim=2)


def test_a_linear_map_of_one_image_is_its_response_to_that_image() -> None:
    found = pattern_likeness(linear_model([[2.0, 0.0], [0.0, -1.0]]), cohort_of(independent(24, 2)))
    np.testing.assert_allclose(np.diag(found.rho), 1, atol=1e-6)
    np.testing.assert_allclose(found.share, np.eye(2), atol=1e-6)
    np.testing.assert_allclose(np.diag(found.p), 0.001)
    np.testing.assert_array_equal(
        found.verdict, [["supported", "not supported"]] * 1 + [["not supported", "supported"]]
    )
    assert np.isnan([found.rho[0, 1], found.p[0, 1], found.q[0, 1]]).all()
    assert "2 of 4 pairs" in found.family


def test_energy_share_of_a_linear_map_of_independent_images_is_its_share_of_the_variance() -> None:
    found = pattern_likeness(linear_model([[1.0, 0.5, 0.1]]), cohort_of(independent(40, 3, 24)))
    np.testing.assert_allclose(found.share[0], np.array([1, 0.25, 0.01]) / 1.26, atol=0.02)
    np.testing.assert_allclose(found.rho[0, :2], np.sqrt([1 / 1.26, 0.25 / 1.26]), atol=0.03)
    np.testing.assert_allclose(found.mismatched[0, :2], 0, atol=0.03)


def test_numbers_equal_plain_loops_over_whole_forward_passes() -> None:
    model, x = deep(), independent(7, 3, 24, seed=2)
    masks = np.zeros((7, 24, 24), dtype=bool)
    masks[:, 2:22, :20] = True
    masks[0, 2:8] = False
    found = pattern_likeness(model, cohort_of(x, masks=masks))
    mean = x.mean(axis=0)
    origin = model.encode(mean[None])[0]
    centre = [int(o) for o in model.spec.offset]
    inside = masks.all(axis=0)[centre[0] :: 4, centre[1] :: 4]
    half = (model.spec.receptive_field[0] - 1) / 2
    at = centre[0] + 4 * np.arange(6)
    clear = (at - half >= 0) & (at + half <= 23)
    inside = inside & clear[:, None] & clear
    assert found.latents == inside.sum()
    for k in range(2):
        for c in range(3):
            rho, alone, whole = [], 0.0, 0.0
            for case in x:
                mixed = mean.copy()
                mixed[c] = case[c]
                a = (model.encode(case[None])[0] - origin)[k][inside]
                b = (model.encode(mixed[None])[0] - origin)[k][inside]
                rho.append(stats.spearmanr(a, b).statistic)
                alone, whole = alone + (b**2).sum(), whole + (a**2).sum()
            assert found.rho[k, c] == pytest.approx(np.mean(rho), abs=1e-5)
            assert found.share[k, c] == pytest.approx(alone / whole, rel=1e-4)
            reach = stats.t.ppf(0.975, 6) * np.std(rho, ddof=1) / np.sqrt(7)
            assert found.high[k, c] == pytest.approx(np.mean(rho) + reach, abs=1e-5)


def test_a_map_multiplied_or_turned_over_looks_like_the_same_image() -> None:
    cohort = cohort_of(independent(24, 2))
    one, two = (pattern_likeness(linear_model([w]), cohort) for w in ([1.0, 0.5], [-30.0, -15.0]))
    np.testing.assert_allclose(one.rho, two.rho, atol=1e-6)
    np.testing.assert_allclose(one.share, two.share, rtol=1e-5)
    np.testing.assert_array_equal(one.p, two.p)


def test_what_all_cases_share_changes_nothing() -> None:
    x = independent(24, 2)
    model = linear_model([[1.0, 0.5]])
    one, two = (pattern_likeness(model, cohort_of(v)) for v in (x, x + 8 * x[:1, ::-1]))
    np.testing.assert_allclose(one.rho, two.rho, atol=2e-3)


def test_images_may_come_in_any_order() -> None:
    x = independent(24, 2)
    one = pattern_likeness(linear_model([[1.0, 0.5]]), cohort_of(x))
    two = pattern_likeness(linear_model([[0.5, 1.0]]), cohort_of(x[:, ::-1].copy()))
    np.testing.assert_allclose(one.rho[:, ::-1], two.rho, atol=1e-6)


def test_same_seed_gives_the_same_bits_and_inputs_stay_as_they_were() -> None:
    model, x = deep(), independent(21, 3, 24)
    before, kept = model.spec.sha256, x.copy()
    state = {name: v.clone() for name, v in model.module.state_dict().items()}
    one, two = (pattern_likeness(model, cohort_of(x), seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.p, two.p)
    np.testing.assert_array_equal(one.rho, two.rho)
    np.testing.assert_array_equal(x, kept)
    assert all(torch.equal(state[name], v) for name, v in model.module.state_dict().items())
    assert model.spec.sha256 == before


def test_false_discovery_rate_is_corrected_over_the_pairs_that_answer() -> None:
    found = pattern_likeness(deep(3, 4), cohort_of(independent(21, 3, 24)))
    told = ~np.isnan(found.p)
    np.testing.assert_array_equal(told, found.share > found.tau)
    np.testing.assert_allclose(found.q[told], stats.false_discovery_control(found.p[told]))


def test_below_twenty_cases_there_is_no_p_value_and_the_sentence_says_why() -> None:
    found = pattern_likeness(linear_model([[1.0, 0.5]]), cohort_of(independent(19, 2)))
    assert np.isnan(found.p).all()
    assert list(found.verdict[0]) == ["undecided", "undecided"]
    assert "no p value below 20 patients; there are 19" in found.sentence(0)
    assert not np.isnan(found.low).any()


def test_cases_of_one_patient_count_once() -> None:
    x = independent(40, 2)
    model = linear_model([[1.0, 0.5]])
    found = pattern_likeness(model, cohort_of(x, patients=[f"P{i // 2}" for i in range(40)]))
    assert (found.n, found.n_cases) == (20, 40)
    few = pattern_likeness(model, cohort_of(x, patients=[f"P{i // 4}" for i in range(40)]))
    assert np.isnan(few.p).all()


def test_one_case_is_compared_with_surrogates_and_labelled_approximate() -> None:
    found = pattern_likeness(linear_model([[1.0, 0.3]]), cohort_of(independent(1, 2, 24)))
    assert found.approximate == "one case"
    assert np.isnan([found.p, found.q, found.low]).all()
    np.testing.assert_allclose(found.rho[0], [0.95, 0.27], atol=0.05)
    np.testing.assert_allclose(found.mismatched[0], 0, atol=0.05)
    assert "approximate: one case; no p value" in found.sentence(0)
    assert "with surrogates" in found.sentence(0)
    assert "one case" in found.basis()


def test_surrogates_stay_inside_the_mask() -> None:
    x = independent(1, 2, 24)
    masks = np.zeros((1, 24, 24), dtype=bool)
    masks[0, 4:20, 4:20] = True
    x[:, :, ~masks[0]] = 50
    found = pattern_likeness(linear_model([[1.0, 0.3]]), cohort_of(x, masks=masks))
    assert found.latents == 256
    np.testing.assert_allclose(found.mismatched[0], 0, atol=0.08)


def test_slices_of_one_person_give_no_p_value() -> None:
    x = independent(75, 2)
    found = pattern_likeness(linear_model([[1.0, 0.5]]), cohort_of(x, patients=["P1"] * 75))
    assert found.approximate == "slices of one person"
    assert np.isnan(found.p).all()
    assert "approximate: slices of one person" in found.sentence(0)


def test_a_sentence_says_that_it_is_an_association() -> None:
    found = pattern_likeness(linear_model([[1.0, 0.0]]), cohort_of(independent(24, 2)))
    said = found.sentence(0)
    assert said.startswith("Map encoder:0 looks like its response to c0 (rho 1.00")
    assert "does not say that an image drives the map" in said
    evidence = found.evidence(0, "c0")
    assert (evidence.verdict, evidence.n) == ("supported", 24)
    assert evidence.null == "pairing of cases permuted, 999 draws"


def test_a_map_that_does_not_vary_has_nothing_to_compare() -> None:
    found = pattern_likeness(linear_model([[0.0, 0.0], [1.0, 0.0]]), cohort_of(independent(24, 2)))
    assert np.isnan(found.rho[0]).all()
    assert "does not vary" in found.sentence(0)


def test_a_border_that_takes_everything_is_kept_and_said() -> None:
    found = pattern_likeness(deep(2, 2), cohort_of(independent(6, 2, 12)))
    assert found.border.startswith("kept")
    assert found.latents == 9
    assert "border kept" in found.basis()


def test_what_cannot_be_measured_is_said_in_one_sentence() -> None:
    model, cohort = linear_model([[1.0, 1.0]]), cohort_of(independent(8, 2))
    with pytest.raises(InputError, match="map 3 was asked, the model has maps 0 to 0"):
        pattern_likeness(model, cohort, maps=3)
    with pytest.raises(InputError, match="tau must lie between 0 and 1"):
        pattern_likeness(model, cohort, tau=0)
    with pytest.raises(InputError, match="at least 19 draws, got 5"):
        pattern_likeness(model, cohort, draws=5)
    masks = np.zeros((8, 12, 12), dtype=bool)
    masks[::2, :6] = masks[1::2, 6:] = True
    with pytest.raises(InputError, match="0 latents in common"):
        pattern_likeness(model, cohort_of(independent(8, 2), masks=masks))
    with pytest.raises(ModelError, match="2 images"):
        pattern_likeness(model, cohort_of(independent(8, 3)))


def test_cases_that_cannot_be_used_are_left_out_and_the_rest_is_as_without_them() -> None:
    x, model, skip = independent(26, 2), linear_model([[1.0, 0.4]]), Streaming(skip_broken=True)
    masks = np.ones((26, 12, 12), dtype=bool)
    x[3], masks[7] = np.nan, False
    rest = [i for i in range(26) if i not in (3, 7)]
    found = pattern_likeness(model, cohort_of(x, masks=masks), streaming=skip)
    plain = pattern_likeness(model, cohort_of(x[rest], masks=masks[rest]))
    for name in ("rho", "low", "high", "mismatched", "share", "p", "q"):
        np.testing.assert_array_equal(getattr(found, name), getattr(plain, name))
    assert (found.n, found.n_cases) == (24, 24)
    assert found.provenance.data_sha256 == plain.provenance.data_sha256
    said = found.provenance.params["left_out"]
    assert said.count("case-004 (") == said.count("case-008 (") == 1
    with pytest.raises(InputError, match="case-004"):
        pattern_likeness(model, cohort_of(x))
    x[1:] = np.nan
    with pytest.raises(InputError, match="1 of 26 cases can be used, and it takes 2; the first"):
        pattern_likeness(model, cohort_of(x), streaming=skip)


def test_volumes_run_slice_by_slice_through_a_2d_model() -> None:
    x = np.random.default_rng(0).standard_normal((21, 2, 4, 10, 10)).astype(np.float32)
    found = pattern_likeness(linear_model([[1.0, 0.0]]), cohort_of(x))
    assert found.latents == 400
    np.testing.assert_allclose(found.rho[0, 0], 1, atol=1e-6)
