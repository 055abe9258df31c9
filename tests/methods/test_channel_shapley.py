"""Shares of images in latent maps: closed forms, sums, and the definition written out slowly."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from tests.toy import CHANNELS, encoded, linear_model, people, planes, volumes
from torch import Tensor, nn

from napari_latentattr import Attribution, Cohort, LatentModel, attribute, channel_shapley
from napari_latentattr.core.errors import Cancelled, InputError
from napari_latentattr.core.latent_grid import latents_inside, to_input_grid
from napari_latentattr.core.types import Grid, ImageStack
from napari_latentattr.model.architectures import ConvAutoencoder


def net(c: int = 3, *, ndim: int = 2, norm: str = "", groups: int = 1) -> LatentModel:
    torch.manual_seed(2)
    conv = nn.Conv2d if ndim == 2 else nn.Conv3d
    norms = {
        "": [],
        "batch": [nn.BatchNorm2d(8) if ndim == 2 else nn.BatchNorm3d(8)],
        "instance": [nn.InstanceNorm2d(8) if ndim == 2 else nn.InstanceNorm3d(8)],
        "group": [nn.GroupNorm(2, 8)],
    }
    module = nn.Sequential()
    module.encoder = nn.Sequential(
        conv(c, 8, 3, 2, 1, groups=groups), *norms[norm], nn.Tanh(), conv(8, 4, 3, 2, 1), nn.ReLU()
    )
    module.decoder = nn.Sequential(nn.Upsample(scale_factor=4), conv(4, c, 1))
    return LatentModel.from_module(module, latent="encoder", n_channels=c, ndim=ndim)


def case(c: int = 3, *, ndim: int = 2, seed: int = 0) -> tuple[ImageStack, np.ndarray]:
    """A case and another one as its baseline; the images are loud enough to reach the kinks."""
    shape = (16, 8, 8)[3 - ndim :]
    x = 2 * np.random.default_rng(seed).normal(size=(2, c, *shape)).astype(np.float32)
    names = tuple(f"image {i}" for i in range(c))
    return ImageStack("here", names, x[0], Grid.from_spacing(shape, [1.0] * ndim)), x[1]


def change(model: LatentModel, stack: ImageStack, baseline: np.ndarray) -> np.ndarray:
    return (model.encode(stack.data[None]) - model.encode(baseline[None]))[0]


def values(
    model: LatentModel, stack: ImageStack, baseline: np.ndarray
) -> dict[frozenset, np.ndarray]:
    """Latents (K, *L) of every mixture, each encoded alone."""
    found = {}
    for size in range(len(baseline) + 1):
        for members in itertools.combinations(range(len(baseline)), size):
            x = baseline.copy()
            x[list(members)] = stack.data[list(members)]
            found[frozenset(members)] = model.encode(x[None])[0].astype(np.float64)
    return found


def by_definition(v: dict[frozenset, np.ndarray], c: int) -> np.ndarray:
    """Shares (K, C, *L): mean step of each image over all orders of the images."""
    shares = np.zeros((c, *v[frozenset()].shape))
    for order in itertools.permutations(range(c)):
        for i, image in enumerate(order):
            shares[image] += v[frozenset(order[: i + 1])] - v[frozenset(order[:i])]
    return (shares / math.factorial(c)).swapaxes(0, 1)


def by_weights(v: dict[frozenset, np.ndarray], c: int) -> np.ndarray:
    """The same for more images, over all mixtures."""
    shares = np.zeros((c, *v[frozenset()].shape))
    for members, z in v.items():
        for image in set(range(c)) - members:
            weight = 1 / (c * math.comb(c - 1, len(members)))
            shares[image] += weight * (v[members | {image}] - z)
    return shares.swapaxes(0, 1)


def test_of_a_linear_encoder_a_share_is_the_answer_to_the_image_alone() -> None:
    cohort = people()
    found = channel_shapley(linear_model(), cohort[2], baseline=cohort)
    way = planes()[2] - planes().mean(axis=0)
    for c in range(3):
        alone = np.zeros((1, 3, 8, 8))
        alone[0, c] = way[c]
        expected = encoded(alone) - encoded(np.zeros_like(alone))
        np.testing.assert_allclose(found.volume[:, c], expected[0], rtol=0, atol=2e-6)
    off = ~np.eye(3, dtype=bool)
    np.testing.assert_allclose(found.arrays["interaction"][:, off], 0, atol=1e-6)


def test_the_answer_says_what_it_is() -> None:
    cohort = people()
    model = linear_model()
    found = channel_shapley(model, cohort[3], baseline=cohort, permutations=6, seed=4)
    assert isinstance(found, Attribution)
    assert found.target is None
    assert (found.volume.shape, found.volume.dtype) == ((4, 3, 4, 4), np.float32)
    assert (found.score.shape, found.score.dtype) == ((4, 3), np.float64)
    inside = latents_inside(cohort[3].mask, model.spec, (4, 4))
    assert not inside.all()
    np.testing.assert_allclose(found.score, found.volume[..., inside].mean(axis=-1), atol=1e-6)
    assert found.grid.shape == (4, 4)
    np.testing.assert_allclose(np.abs(np.diag(found.grid.affine)[:2]), 2.0)
    assert found.numbers == {"orders": 0, "mixtures": 8}
    assert not found.arrays["error"].any()
    assert "volume_error" not in found.arrays
    assert np.isnan(found.arrays["interaction"][:, range(3), range(3)]).all()
    record = found.provenance
    assert record.params == {"case": cohort[3].case, "baseline": "mean", "permutations": 6}
    assert (record.method, record.seed) == ("channel_shapley", 4)


KINDS = [
    {},
    {"norm": "batch"},
    {"norm": "instance"},
    {"norm": "group"},
    {"groups": 2, "c": 4},
    {"c": 1},
    {"c": 8},
    {"c": 12},
]


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("ndim", [2, 3])
def test_shares_of_all_images_add_up_to_the_change_of_every_latent(kind, ndim) -> None:
    model = net(ndim=ndim, **kind)
    stack, baseline = case(kind.get("c", 3), ndim=ndim)
    for start in (baseline, np.zeros_like(baseline)):
        given = start if start.any() else "zero"
        found = channel_shapley(model, stack, baseline=given, permutations=2)
        expected = change(model, stack, start)
        scale = np.abs(model.encode(stack.data[None])).max()
        tolerance = 1e-5 if kind.get("norm") == "instance" else 2e-6
        np.testing.assert_allclose(
            found.volume.sum(axis=1), expected, rtol=0, atol=tolerance * scale
        )
        assert abs(found.residual) < 1e-6 * scale
        assert np.abs(found.volume).max() > 1e-3 * scale


@pytest.mark.parametrize("kind", [{}, {"norm": "instance"}, {"c": 5}, {"groups": 2, "c": 4}])
def test_up_to_eight_images_a_share_is_the_mean_step_over_all_orders(kind) -> None:
    model, c = net(**kind), kind.get("c", 3)
    stack, baseline = case(c)
    found = channel_shapley(model, stack, baseline=baseline)
    expected = by_definition(values(model, stack, baseline), c)
    np.testing.assert_allclose(found.volume, expected, rtol=0, atol=2e-6 * np.abs(expected).max())


def test_captum_agrees() -> None:
    from captum.attr import ShapleyValues

    model = net(4)
    stack, baseline = case(4)
    found = channel_shapley(model, stack, baseline=baseline)
    x, start = (torch.from_numpy(a[None].copy()) for a in (stack.data, baseline))
    images = torch.arange(4).view(1, 4, 1, 1).repeat(1, 1, 8, 8)
    for k in range(4):
        value = ShapleyValues(lambda batch, k=k: model.encode_tensor(batch)[:, k].mean((1, 2)))
        theirs = value.attribute(x, baselines=start, feature_mask=images)[0, :, 0, 0].numpy()
        np.testing.assert_allclose(found.score[k], theirs, rtol=0, atol=1e-5)


def pairs_of_orders(model: LatentModel, stack: ImageStack, baseline: np.ndarray, n: int, seed: int):
    return channel_shapley(model, stack, baseline=baseline, permutations=2 * n, seed=seed)


def test_random_orders_miss_the_exact_share_by_their_standard_error() -> None:
    """Pooled over 5 seeds, 4 maps and 10 images: mean within 4 sd of 0, each within 5 sd."""
    model = net(10)
    stack, baseline = case(10)
    exact = by_weights(values(model, stack, baseline), 10)
    expected = exact.mean(axis=(2, 3))
    found = [pairs_of_orders(model, stack, baseline, 40, seed) for seed in range(5)]
    z = np.array([(f.score - expected) / f.arrays["error"] for f in found])
    assert np.abs(z).max() < 5
    assert 0.7 < np.sqrt((z**2).mean()) < 1.4
    mean = np.mean([f.score for f in found], axis=0)
    error = np.sqrt(np.sum([f.arrays["error"] ** 2 for f in found], axis=0)) / 5
    assert np.abs((mean - expected) / error).max() < 4
    away = np.array([f.volume - exact for f in found])
    told = np.array([f.arrays["volume_error"] for f in found])
    assert 0.9 < np.sqrt((away**2).mean() / (told**2).mean()) < 1.1
    few = pairs_of_orders(model, stack, baseline, 5, 0).arrays["error"]
    assert np.median(found[0].arrays["error"]) < 0.5 * np.median(few)


@pytest.mark.parametrize("permutations", [2, 3, 8, 30])
def test_random_orders_add_up_at_every_budget(permutations) -> None:
    model = net(10)
    stack, baseline = case(10)
    found = channel_shapley(model, stack, baseline=baseline, permutations=permutations)
    np.testing.assert_allclose(
        found.volume.sum(axis=1), change(model, stack, baseline), rtol=0, atol=1e-6
    )
    assert found.numbers["orders"] == permutations + permutations % 2
    assert np.isnan(found.arrays["error"]).all() == (permutations == 2)
    assert "interaction" not in found.arrays


def test_the_same_seed_gives_the_same_bits_and_another_one_others() -> None:
    model = net(10)
    stack, baseline = case(10)
    first, again, other = (pairs_of_orders(model, stack, baseline, 3, seed) for seed in (7, 7, 8))
    assert first.volume.tobytes() == again.volume.tobytes()
    assert first.arrays["error"].tobytes() == again.arrays["error"].tobytes()
    assert first.volume.tobytes() != other.volume.tobytes()


class Product(nn.Module):
    """Its maps are a b, a b c and 2 c of its images a, b and c."""

    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.copy = nn.Conv2d(3, 3, 1, bias=False)
            self.copy.weight.data = torch.eye(3).view(3, 3, 1, 1)

        def forward(self, x: Tensor) -> Tensor:
            a, b, c = self.copy(x).unbind(1)
            return torch.stack([a * b, a * b * c, 2 * c], 1)

    def __init__(self) -> None:
        super().__init__()
        self.encoder = self.Encoder()
        self.decoder = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))


def test_a_planted_product_has_the_shares_and_interactions_of_the_closed_form() -> None:
    model = LatentModel.from_module(Product(), latent="encoder", n_channels=3, ndim=2)
    stack, baseline = case(3)
    found = channel_shapley(model, stack, baseline=baseline)
    (a, b, c), (p, q, r) = stack.data.astype(np.float64), baseline.astype(np.float64)
    np.testing.assert_allclose(found.volume[0, 0], (a - p) * (b + q) / 2, atol=1e-5)
    np.testing.assert_allclose(found.volume[0, 1], (b - q) * (a + p) / 2, atol=1e-5)
    np.testing.assert_allclose(found.volume[0, 2], 0, atol=0)
    np.testing.assert_allclose(found.volume[2, 2], 2 * (c - r), atol=1e-5)
    together = found.arrays["interaction"]
    both = (a - p) * (b - q)
    assert together[0, 0, 1] == pytest.approx(both.mean(), abs=1e-5)
    assert together[1, 0, 1] == pytest.approx((both * (c + r) / 2).mean(), abs=1e-5)
    assert together[1, 1, 2] == pytest.approx(((b - q) * (c - r) * (a + p) / 2).mean(), abs=1e-5)
    np.testing.assert_allclose(together, together.swapaxes(1, 2), atol=1e-12)
    np.testing.assert_allclose(together[2][~np.eye(3, dtype=bool)], 0, atol=1e-6)
    zero = channel_shapley(model, stack, baseline="zero")
    np.testing.assert_allclose(zero.volume[0, :2], [a * b / 2] * 2, atol=1e-5)


@pytest.mark.parametrize("c", [4, 10])
def test_an_image_that_a_map_cannot_see_gets_exactly_nothing(c) -> None:
    torch.manual_seed(0)
    module = ConvAutoencoder(c, c + 2, 2, width=4, encoder="grouped")
    model = LatentModel.from_module(module, latent="encoder", n_channels=c, ndim=2)
    stack, baseline = case(c)
    found = channel_shapley(model, stack, baseline=baseline, permutations=6)
    seen = np.arange(c + 2)[:, None] % c == np.arange(c)
    assert not found.volume[~seen].any()
    assert not found.score[~seen].any()
    assert (found.volume[seen] != 0).any(axis=(1, 2)).all()


def test_images_that_do_not_differ_take_no_mixtures_and_keep_shares_exact() -> None:
    model = net(12)
    stack, baseline = case(12)
    baseline[3:] = stack.data[3:]
    with torch.no_grad():
        model.module.encoder[0].weight[:, 1] = 0
    found = channel_shapley(model, stack, baseline=baseline)
    assert found.numbers == {"orders": 0, "mixtures": 4}
    assert not found.volume[:, [1, *range(3, 12)]].any()
    same = channel_shapley(model, stack, baseline=stack.data)
    assert not same.volume.any()
    assert not same.score.any()


def test_a_volume_under_a_2d_model_is_divided_slice_by_slice() -> None:
    whole = volumes(patients=False)
    slices = whole.by_slice("axial")
    stack, model = whole[0], linear_model()
    found = channel_shapley(model, stack, baseline=slices)
    mean = np.mean([slices[i].data for i in range(len(slices))], axis=0)
    counted = []
    for z in range(5):
        plane = ImageStack("plane", CHANNELS, stack.data[:, z], slices[0].grid)
        alone = channel_shapley(model, plane, baseline=mean)
        np.testing.assert_allclose(found.volume[:, :, z], alone.volume, rtol=0, atol=1e-6)
        inside = latents_inside(stack.mask[z], model.spec, (4, 4))
        counted.append(alone.volume[..., inside])
    expected = np.concatenate(counted, axis=2).mean(axis=2)
    np.testing.assert_allclose(found.score, expected, rtol=0, atol=1e-6)
    assert found.grid.shape == (5, 4, 4)


def test_random_orders_of_slices_are_those_of_the_planes() -> None:
    model = net(10)
    x = 2 * np.random.default_rng(0).normal(size=(2, 10, 3, 8, 8)).astype(np.float32)
    x[1, :, 2] = x[0, :, 2]  # a slice in which nothing differs
    names = tuple(f"image {i}" for i in range(10))
    stack = ImageStack("here", names, x[0], Grid.from_spacing((3, 8, 8), [1.0] * 3))
    found = channel_shapley(model, stack, baseline=x[1], permutations=6, seed=3)
    flat = Grid.from_spacing((8, 8), [1.0] * 2)
    for z in range(2):
        plane = ImageStack("plane", names, np.ascontiguousarray(x[0, :, z]), flat)
        alone = channel_shapley(model, plane, baseline=x[1][:, z], permutations=6, seed=3)
        np.testing.assert_array_equal(found.volume[:, :, z], alone.volume)
    assert not found.volume[:, :, 2].any()
    np.testing.assert_allclose(
        found.score.sum(axis=1),
        (model.encode(x[0].swapaxes(0, 1)) - model.encode(x[1].swapaxes(0, 1))).mean((0, 2, 3)),
        atol=1e-5,
    )


def test_of_one_map_the_registered_method_shows_the_same_on_the_voxels() -> None:
    cohort = people()
    model = linear_model()
    found = attribute(model, cohort[1], 2, method="channel_shapley", cohort=cohort)
    every = channel_shapley(model, cohort[1], baseline=cohort)
    np.testing.assert_allclose(found.score, every.score[2], rtol=1e-12)
    np.testing.assert_allclose(
        found.arrays["interaction"], every.arrays["interaction"][2], atol=1e-12
    )
    on_voxels = to_input_grid(every.volume[2], model.spec, (8, 8))
    np.testing.assert_allclose(found.volume, on_voxels * cohort[1].mask, rtol=0, atol=1e-6)
    with pytest.raises(InputError, match="mean image as a baseline needs a cohort of at least 2"):
        attribute(model, cohort[1], 2, method="channel_shapley")
    zero = attribute(model, cohort[1], 2, method="channel_shapley", baseline="zero")
    np.testing.assert_allclose(
        zero.score, channel_shapley(model, cohort[1], baseline="zero").score[2], rtol=1e-12
    )


class Notes:
    def __init__(self, stop_at: int | None = None) -> None:
        self.told: list[tuple[int, int]] = []
        self.stop_at = stop_at

    def report(self, done: int, total: int, text: str) -> None:
        self.told.append((done, total))
        if self.stop_at is not None and len(self.told) > self.stop_at:
            raise Cancelled("stopped by the user")


@pytest.mark.parametrize("c", [3, 10])
def test_progress_rises_to_the_end_and_work_can_be_stopped_on_the_way(c) -> None:
    model = net(c)
    model.module.train()
    stack, baseline = case(c)
    notes = Notes()
    channel_shapley(model, stack, baseline=baseline, permutations=8, progress=notes)
    done, total = zip(*notes.told, strict=True)
    assert list(done) == sorted(done)
    assert done[-1] == total[-1] > done[0] == 0
    assert len(set(total)) == 1
    if c > 8:
        with pytest.raises(Cancelled, match="stopped by the user"):
            channel_shapley(
                model, stack, baseline=baseline, permutations=8, progress=Notes(stop_at=3)
            )
    assert all(part.training for part in model.module.modules())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"baseline": "mean"}, "a cohort, whose mean is taken, \"zero\" or an array, got 'mean'"),
        ({"baseline": np.zeros((3, 4, 4))}, r"shape of the images, \(3, 8, 8\), got \(3, 4, 4\)"),
        ({"baseline": np.full((3, 8, 8), np.nan)}, "no finite numbers; replace them first"),
        ({"baseline": "zero", "permutations": 1}, "at least 2 orders, .* got 1"),
        ({"baseline": Cohort.from_arrays(planes(1), channels=CHANNELS)}, "at least 2 cases, got a"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_sentence(options, words) -> None:
    with pytest.raises(InputError, match=words):
        channel_shapley(linear_model(), people()[0], **options)


def test_a_baseline_may_be_an_array_a_tensor_or_the_mean_of_a_cohort() -> None:
    cohort = people()
    mean = planes().mean(axis=0)
    found = [
        channel_shapley(linear_model(), cohort[0], baseline=given).volume
        for given in (cohort, mean, torch.from_numpy(mean))
    ]
    np.testing.assert_allclose(found[0], found[1], rtol=0, atol=1e-6)
    np.testing.assert_array_equal(found[1], found[2])
