"""Channel dependence against closed forms, a slow obvious version, and planted truth."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from napari_latentattr import Cohort, LatentModel, channel_dependence
from napari_latentattr.core.errors import InputError, ModelError

RNG = np.random.default_rng(5)


class Linear(nn.Module):
    """Latents are weighted sums of the images, voxel by voxel."""

    def __init__(self, weights: np.ndarray) -> None:
        super().__init__()
        k, c = weights.shape
        self.encoder = nn.Conv2d(c, k, 1, bias=False)
        self.decoder = nn.Conv2d(k, c, 1)
        self.encoder.weight.data = torch.tensor(weights, dtype=torch.float32)[..., None, None]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.encoder(x))


class Deep(nn.Module):
    """Two strided convolutions with a nonlinearity between them."""

    def __init__(self, c: int, k: int, *, norm: bool = False) -> None:
        super().__init__()
        torch.manual_seed(3)
        middle = [nn.InstanceNorm2d(8)] if norm else []
        self.encoder = nn.Sequential(
            nn.Conv2d(c, 8, 3, 2, 1), *middle, nn.GELU(), nn.Conv2d(8, k, 3, 2, 1)
        )
        self.decoder = nn.Sequential(nn.Upsample(scale_factor=4), nn.Conv2d(k, c, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.encoder(x))


def linear_model(weights: list[list[float]]) -> LatentModel:
    module = Linear(np.array(weights))
    return LatentModel.from_module(module, latent="encoder", n_channels=len(weights[0]), ndim=2)


def names(c: int) -> list[str]:
    return [f"c{i}" for i in range(c)]


def independent(n: int, c: int, size: int = 12, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, c, size, size)).astype(np.float32)


def slow_ratio(encode, x, masks, pairs, units):
    """Log ratios, standard errors and degrees of freedom by loops over whole forward passes."""
    rows = []
    for i, others in pairs:
        for j in others:
            y_i, y_j = encode(x[i]), encode(x[j])
            inside = masks[i]
            spread = ((y_i - y_j) ** 2)[:, inside].mean(1) / 2
            change = []
            for c in range(x.shape[1]):
                mixed = x[i].copy()
                mixed[c] = x[j, c]
                change.append(((encode(mixed) - y_i) ** 2)[:, inside].mean(1) / 2)
            rows.append((units[i], units[j], np.array(change).T, spread))

    def log_ratio(kept):
        return np.log(sum(r[2] for r in kept)) - np.log(sum(r[3] for r in kept))[:, None]

    left_out = np.array([log_ratio([r for r in rows if q not in r[:2]]) for q in set(units)])
    n = len(left_out)
    jackknife = (n - 1) / n * ((left_out - left_out.mean(0)) ** 2).sum(0)
    own = np.zeros_like(jackknife)
    for couple in {frozenset(r[:2]) for r in rows}:
        both = [r for r in rows if frozenset(r[:2]) == couple]
        own += (
            sum(
                r[2] / sum(o[2] for o in rows) - (r[3] / sum(o[3] for o in rows))[:, None]
                for r in both
            )
            ** 2
        )
    moved = np.array([sum(r[2] for r in rows if q in r[:2]) for q in set(units)])
    apart = np.array([sum(r[3] for r in rows if q in r[:2]) for q in set(units)])[..., None]
    counting = [w.sum(0) ** 2 / (w**2).sum(0) for w in (moved, apart)]
    df = np.minimum(*np.broadcast_arrays(*counting)) - 1
    return log_ratio(rows), np.sqrt(np.maximum(jackknife, own) - own / 2), df


def test_ratio_of_a_linear_map_of_independent_images_is_its_share_of_the_variance() -> None:
    model = linear_model([[1.0, 0.5, 0.0]])
    result = channel_dependence(
        model, Cohort.from_arrays(independent(60, 3, 24), channels=names(3))
    )
    np.testing.assert_allclose(result.ratio[0], [0.8, 0.2, 0.0], atol=0.02)
    assert list(result.verdict[0]) == ["drives", "drives", "no dependence found"]
    assert result.answer[0] == "c0, c1"
    assert abs(result.interaction[0]) < 0.03


@pytest.mark.parametrize("norm", [False, True], ids=["shared first layer", "instance norm"])
def test_ratios_and_intervals_equal_plain_loops_over_whole_forward_passes(norm: bool) -> None:
    from napari_latentattr.methods.donors import pair_cases

    module = Deep(3, 4, norm=norm).eval()
    model = LatentModel.from_module(module, latent="encoder", n_channels=3, ndim=2)
    x = independent(9, 3, 16) + np.linspace(0, 2, 9, dtype=np.float32)[:, None, None, None]
    masks = np.zeros((9, 16, 16), dtype=bool)
    masks[:, 3:14, 2:12] = True
    cohort = Cohort.from_arrays(x, channels=names(3), masks=masks)
    result = channel_dependence(model, cohort, seed=4, tau=0.05)

    def encode(one):
        with torch.no_grad():
            return module.encoder(torch.tensor(one[None])).double().numpy()[0]

    centre = [int(o) for o in model.spec.offset]
    inside = masks[:, centre[0] :: 4, centre[1] :: 4]
    log_ratio, se, df = slow_ratio(
        encode, x, inside, pair_cases(cohort.units, donors=4, seed=4), cohort.units
    )
    np.testing.assert_allclose(np.log(result.ratio), log_ratio, rtol=0, atol=2e-5)
    reach = stats.t.ppf(0.975, df) * se
    np.testing.assert_allclose(np.log(result.high), log_ratio + reach, rtol=0, atol=2e-4)
    np.testing.assert_allclose(
        result.p, stats.t.sf((log_ratio - np.log(0.05)) / se, df), rtol=5e-3, atol=1e-9
    )


def test_false_discovery_rate_is_corrected_over_all_maps_or_one_named_map() -> None:
    model = LatentModel.from_module(Deep(3, 4), latent="encoder", n_channels=3, ndim=2)
    cohort = Cohort.from_arrays(independent(8, 3, 16), channels=names(3))
    everything = channel_dependence(model, cohort)
    one = channel_dependence(model, cohort, maps=2)
    corrected = stats.false_discovery_control(everything.p, axis=None).reshape(4, 3)
    np.testing.assert_allclose(everything.q, corrected)
    np.testing.assert_array_equal(one.p, everything.p[2:3])
    np.testing.assert_allclose(one.q[0], stats.false_discovery_control(one.p[0]))
    assert "4 maps x 3 images" in everything.family
    assert "1 map named beforehand" in one.family


def test_one_image_driving_is_named_with_its_interval_and_the_others() -> None:
    model = linear_model([[1.0, 0.05, 0.0]])
    result = channel_dependence(
        model, Cohort.from_arrays(independent(24, 3, 16), channels=["T1", "T2", "PD"])
    )
    assert result.answer[0] == "T1"
    assert list(result.verdict[0]) == ["drives", "negligible", "no dependence found"]
    low, high = result.low[0, 0], result.high[0, 0]
    ratio = result.ratio[0, 0]
    assert result.sentence(0) == (
        f"Map encoder:0 is driven by T1 (ratio {ratio:.2f}, 95 % {low:.2f}-{high:.2f}, "
        "24 cases); T2 is negligible; no dependence found on PD."
    )


def test_three_equal_drivers_are_mixed_and_none_is_named() -> None:
    model = linear_model([[1.0, 1.0, 1.0, 0.0]])
    result = channel_dependence(model, Cohort.from_arrays(independent(12, 4), channels=names(4)))
    assert result.answer[0] == "mixed"
    assert "none stands out" in result.sentence(0)


def copies(noise: float, n: int = 16) -> np.ndarray:
    x = independent(n, 3, 16, seed=8)
    x[:, 1] = x[:, 0] + noise * independent(n, 1, 16, seed=9)[:, 0]
    return x


@pytest.mark.parametrize("noise", [0.0, 0.1], ids=["copy", "near copy"])
def test_copies_that_the_map_uses_together_are_a_tie(noise: float) -> None:
    model = linear_model([[1.0, 1.0, 0.0]])
    result = channel_dependence(model, Cohort.from_arrays(copies(noise), channels=names(3)))
    assert (
        result.answer[0] == "tie: c0 | c1" if noise == 0 else result.answer[0].startswith("tie: ")
    )
    assert result.joint[0].ratio[0] == pytest.approx(1.0, abs=1e-5)
    assert "the data cannot say which" in result.sentence(0)


def test_copies_are_a_tie_although_neither_alone_reaches_tau() -> None:
    model = linear_model([[0.2, 0.2, 1.0]])
    result = channel_dependence(model, Cohort.from_arrays(copies(0.0), channels=names(3)), tau=0.06)
    assert list(result.verdict[0, :2]) == ["negligible", "negligible"]
    assert result.joint[0].tied[0] == ("c0", "c1")
    assert result.answer[0] == "c2, tie: c0 | c1"
    said = result.sentence(0)
    assert "is driven by c2 (ratio" in said
    assert "it is also driven by c0 or c1, the data cannot say which: swapped together" in said
    assert "negligible" not in said


def test_a_copy_that_the_map_does_not_use_is_noted_and_not_named() -> None:
    model = linear_model([[1.0, 0.0, 0.0]])
    result = channel_dependence(model, Cohort.from_arrays(copies(0.05), channels=names(3)))
    assert result.answer[0] == "c0"
    assert "c1 carries the same pattern in these cases" in result.sentence(0)


def test_a_noisy_copy_that_the_map_does_not_use_is_noted_and_not_named() -> None:
    model = linear_model([[1.0, 0.0, 0.0]])
    result = channel_dependence(model, Cohort.from_arrays(copies(0.75), channels=names(3)))
    assert result.answer[0] == "c0"
    r = result.likeness[0, 1]
    assert 0.75 < r < 0.85
    said = f"c1 (r {r:.2f}) also carries much of the pattern of c0 in these cases"
    assert said in result.sentence(0)
    assert result.sentence(0).count("(r ") == 1  # c2 has nothing in common with c0


def test_few_cases_give_no_interval_and_no_claim() -> None:
    model = linear_model([[1.0, 0.0]])
    result = channel_dependence(model, Cohort.from_arrays(independent(5, 2), channels=names(2)))
    assert np.isnan(result.p).all()
    assert np.isnan(result.low[0, 0])
    assert result.answer[0] == "undecided"
    assert result.verdict[0, 1] == "no dependence found"
    assert "no interval below 6 independent units" in result.sentence(0)


def test_one_case_is_compared_with_surrogates_and_labelled_approximate() -> None:
    model = linear_model([[1.0, 0.0]])
    cohort = Cohort.from_arrays(independent(1, 2, 20), channels=names(2))
    result = channel_dependence(model, cohort)
    assert result.approximate == "one case"
    assert np.isnan(result.p).all()
    assert result.ratio[0, 0] == pytest.approx(1.0, abs=1e-5)
    assert list(result.verdict[0]) == ["undecided", "no dependence found"]
    assert "approximate: one case" in result.sentence(0)


def test_slices_of_one_person_make_no_claim_about_people() -> None:
    model = linear_model([[1.0, 0.1]])
    cohort = Cohort.from_arrays(independent(26, 2), channels=["A", "B"], patients=["P1"] * 26)
    result = channel_dependence(model, cohort)
    assert result.answer[0] == "A"
    assert np.isnan(result.p).all()
    assert "26 slices of one person" in result.sentence(0)
    assert "no claim about people" in result.sentence(0)


def test_donors_never_come_from_the_same_patient() -> None:
    from napari_latentattr.methods.donors import pair_cases

    units = ["a", "a", "a", "b", "b", "c", "d", "e"]
    for recipient, others in pair_cases(units, donors=4, seed=1):
        assert len(others) == 4
        assert units[recipient] not in {units[j] for j in others}


def test_only_the_latents_of_a_region_count() -> None:
    model = linear_model([[1.0, 1.0]])
    x = independent(10, 2, 8)
    x[:, 0, :4] *= 0.01
    x[:, 1, 4:] *= 0.01
    region = np.zeros((10, 8, 8), dtype=bool)
    region[:, :4] = True
    cohort = Cohort.from_arrays(x, channels=["top", "bottom"])
    result = channel_dependence(model, cohort, region=list(region))
    assert result.answer[0] == "bottom"
    assert "1 of 1 maps answer the same there" in result.sentence(0)


def test_cases_without_the_region_give_but_do_not_receive() -> None:
    model = linear_model([[1.0, 1.0]])
    region = np.ones((10, 12, 12), dtype=bool)
    region[6:] = False
    cohort = Cohort.from_arrays(independent(10, 2), channels=names(2))
    result = channel_dependence(model, cohort, region=list(region))
    assert result.n_cases == 6
    assert result.n == 6


def test_mask_of_the_recipient_decides_which_latents_count() -> None:
    model = linear_model([[1.0, 1.0]])
    x = independent(10, 2, 8)
    x[:, 1, :4] = 0
    masks = np.zeros((10, 8, 8), dtype=bool)
    masks[:, :4] = True
    result = channel_dependence(model, Cohort.from_arrays(x, channels=names(2), masks=masks))
    assert list(result.verdict[0]) == ["drives", "no dependence found"]
    assert result.ratio[0, 1] == 0


def test_a_map_that_does_not_vary_is_refused_by_name_and_skipped_among_others() -> None:
    model = linear_model([[1.0, 1.0], [0.0, 0.0]])
    cohort = Cohort.from_arrays(independent(8, 2), channels=names(2))
    with pytest.raises(InputError, match="map encoder:1 does not vary between these cases"):
        channel_dependence(model, cohort, maps=1)
    result = channel_dependence(model, cohort)
    assert np.isnan(result.ratio[1]).all()
    assert result.answer[1] == "nothing"
    assert "does not vary" in result.sentence(1)
    np.testing.assert_allclose(result.q[0], stats.false_discovery_control(result.p[0]))


def test_same_seed_gives_the_same_bits_and_inputs_stay_as_they_were() -> None:
    module = Deep(3, 4)
    before = {k: v.clone() for k, v in module.state_dict().items()}
    model = LatentModel.from_module(module, latent="encoder", n_channels=3, ndim=2)
    x = independent(8, 3, 16)
    kept = x.copy()
    cohort = Cohort.from_arrays(x, channels=names(3))
    first, second = (channel_dependence(model, cohort, seed=7) for _ in range(2))
    np.testing.assert_array_equal(first.ratio, second.ratio)
    np.testing.assert_array_equal(first.p, second.p)
    np.testing.assert_array_equal(x, kept)
    assert all(torch.equal(before[k], v) for k, v in module.state_dict().items())
    assert module.training
    with pytest.raises(ValueError, match="read-only"):
        cohort[0].data[0] = 1


def test_volumes_of_several_patients_run_slice_by_slice_through_a_2d_model() -> None:
    model = linear_model([[1.0, 0.0], [0.5, 1.0]])
    x = np.random.default_rng(0).standard_normal((7, 2, 5, 12, 12)).astype(np.float32)
    result = channel_dependence(model, Cohort.from_arrays(x, channels=names(2)))
    assert result.n == 7
    assert list(result.verdict[0]) == ["drives", "no dependence found"]
    assert result.ratio[1, 1] == pytest.approx(0.8, abs=0.03)


def test_three_dimensional_models_with_one_image_and_with_sixty_four() -> None:
    torch.manual_seed(0)
    for c in (1, 64):
        module = nn.Sequential()
        module.encoder = nn.Conv3d(c, 2, 3, 2, 1)
        module.decoder = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv3d(2, c, 1))
        model = LatentModel.from_module(module, latent="encoder", n_channels=c, ndim=3)
        x = np.random.default_rng(0).standard_normal((6, c, 8, 8, 8)).astype(np.float32)
        result = channel_dependence(model, Cohort.from_arrays(x, channels=names(c)))
        assert result.ratio.shape == (2, c)
        np.testing.assert_allclose(result.ratio.sum(1), 1, atol=0.15)


def test_what_cannot_be_measured_is_said_in_one_sentence() -> None:
    model = linear_model([[1.0, 1.0]])
    cohort = Cohort.from_arrays(independent(8, 2), channels=names(2))
    with pytest.raises(InputError, match="map 3 was asked, the model has maps 0 to 0"):
        channel_dependence(model, cohort, maps=3)
    with pytest.raises(InputError, match="tau must lie between 0 and 1, got 2"):
        channel_dependence(model, cohort, tau=2)
    with pytest.raises(InputError, match="no case has latents inside the region"):
        channel_dependence(model, cohort, region=[np.zeros((12, 12), bool)] * 8)
    with pytest.raises(ModelError, match="2 images"):
        channel_dependence(model, Cohort.from_arrays(independent(8, 3), channels=names(3)))


def test_an_undecided_answer_says_how_many_cases_would_settle_it_and_most_times_they_do() -> None:
    """Differences between cases vary in strength, so few cases leave a weak image open."""
    rng = np.random.default_rng(4)
    model = linear_model([[0.26, 1.0]])

    def study(n: int):
        x = rng.standard_normal((n, 2, 12, 12)) * np.exp(0.5 * rng.standard_normal((n, 2, 1, 1)))
        return channel_dependence(model, Cohort.from_arrays(x, channels=["weak", "strong"]))

    decided = []
    while len(decided) < 12:
        found = study(8)
        needed = found.cases_to_settle(0)[0]
        if found.verdict[0, 0] != "undecided" or not needed < 100:
            continue
        assert needed > 8
        assert "weak is undecided (about" in found.sentence(0)
        assert "cases would settle it)" in found.sentence(0)
        decided.append(study(int(needed)).verdict[0, 0] != "undecided")
    assert np.mean(decided) > 0.5


def test_a_case_that_moves_the_map_most_counts_for_many() -> None:
    """Of seven alike cases and one a hundred times as strong, only pairs with that one weigh."""
    x = independent(8, 1)
    alike = channel_dependence(linear_model([[1.0]]), Cohort.from_arrays(x, channels=["a"]))
    assert 7.5 < alike.counting[0, 0] <= 8
    assert "weigh" not in alike.sentence(0)
    x[3] *= 100
    found = channel_dependence(
        linear_model([[1.0]]), Cohort.from_arrays(x, channels=["a"]), donors=7
    )
    # weights: 14 pairs of its own, and 2 with it of each of the 7 others
    assert found.counting[0, 0] == pytest.approx((14 + 7 * 2) ** 2 / (14**2 + 7 * 2**2), rel=0.01)
    assert " A few cases move it most: all 8 weigh as much as 4 alike ones." in found.sentence(0)
