"""Mixtures through the shared first convolution equal encoding the mixed images whole."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor, nn

from napari_latentattr import LatentModel
from napari_latentattr.model import mixing
from napari_latentattr.model.mixing import MixEncoder, players_of


def normed(norm: type[nn.Module], *shape: int, **options: object) -> nn.Module:
    """A norm with weights and statistics that are not those of a new one."""
    layer = norm(*shape, **options)
    for values in itertools.chain(layer.parameters(), layer.buffers()):
        if values.is_floating_point():
            values.data.uniform_(0.5, 1.5)
    return layer


def model(
    middle: str = "", *, ndim: int = 2, channels: int = 4, inplace: bool = False, **first: object
) -> LatentModel:
    torch.manual_seed(0)
    conv = nn.Conv2d if ndim == 2 else nn.Conv3d
    options = {"kernel_size": 3, "stride": 2, "padding": 1, **first}
    norms = {
        "": [],
        "batch": [normed(nn.BatchNorm2d if ndim == 2 else nn.BatchNorm3d, 8)],
        "instance": [normed(nn.InstanceNorm2d if ndim == 2 else nn.InstanceNorm3d, 8, affine=True)],
        "group": [normed(nn.GroupNorm, 4, 8)],
    }
    module = nn.Sequential()
    module.encoder = nn.Sequential(
        conv(channels, 8, **options),
        *norms[middle],
        nn.ReLU(inplace=inplace),
        conv(8, 3, 3, 2, 1),
    )
    module.decoder = nn.Sequential(nn.Upsample(scale_factor=4), conv(3, channels, 1))
    return LatentModel.from_module(module, latent="encoder", n_channels=channels, ndim=ndim)


def subsets(n: int) -> list[tuple[int, ...]]:
    return [s for size in range(n + 1) for s in itertools.combinations(range(n), size)]


def mixed(baseline: Tensor, x: Tensor, members: tuple[int, ...]) -> Tensor:
    out = baseline.clone()
    for c in members:
        out[:, c] = x[:, c]
    return out


def latents(found: LatentModel, baseline: Tensor, x: Tensor, rows: list[tuple[int, ...]]) -> Tensor:
    encoder = MixEncoder(found)
    case = encoder.between(baseline, x)
    return torch.cat(
        [encoder.latents(case, rows[batch]) for batch in encoder.batches(case, len(rows))]
    )


def worst(got: Tensor, expected: Tensor) -> float:
    return float((got - expected).abs().max() / expected.abs().max())


KINDS = [
    ({}, 1e-6),
    ({"ndim": 3}, 1e-6),
    ({"bias": False}, 1e-6),
    ({"groups": 2}, 1e-6),
    ({"groups": 4, "ndim": 3}, 1e-6),
    ({"stride": 1, "dilation": 2, "padding": (2, 1), "kernel_size": (3, 1)}, 1e-6),
    ({"inplace": True}, 1e-6),
    ({"middle": "batch"}, 1e-6),
    ({"middle": "batch", "ndim": 3, "groups": 2}, 1e-6),
    ({"middle": "instance"}, 1e-5),
    ({"middle": "instance", "ndim": 3}, 1e-5),
    ({"middle": "group"}, 1e-5),
]


@pytest.mark.parametrize("start", ["other", "zero", "constant"])
@pytest.mark.parametrize(("made", "tolerance"), KINDS, ids=str)
def test_a_mixture_equals_encoding_the_mixed_images(made, tolerance, start) -> None:
    found = model(**made)
    shape = (1, 4, *(16, 12, 8)[: found.spec.ndim])
    x = 3 * torch.randn(shape)
    baseline = {
        "other": torch.randn(shape),
        "zero": torch.zeros(shape),
        "constant": torch.full(shape, 0.7),
    }[start]
    rows = subsets(4)
    with found.running():
        whole = torch.cat([found.encode_tensor(mixed(baseline, x, row)) for row in rows])
        assert MixEncoder(found).between(baseline, x).start is not None
        assert worst(latents(found, baseline, x, rows), whole) < tolerance


@pytest.mark.parametrize("value", [0.0, 4.0])
@pytest.mark.parametrize("ndim", [2, 3])
def test_a_constant_baseline_without_variance_is_no_trouble_to_a_norm(ndim, value) -> None:
    found = model("instance", ndim=ndim, padding=0)  # no border: every feature is one number
    shape = (1, 4, *(17, 13, 9)[:ndim])
    x, baseline = torch.randn(shape), torch.full(shape, value)
    rows = subsets(4)
    with found.running():
        whole = torch.cat([found.encode_tensor(mixed(baseline, x, row)) for row in rows])
        got = latents(found, baseline, x, rows)
    assert worst(got[:1], whole[:1]) < 1e-5
    assert worst(got, whole) < 1e-5


@pytest.mark.parametrize("channels", [1, 3, 8, 12])
def test_any_number_of_images_can_be_mixed_in_any_order(channels) -> None:
    found = model(channels=channels)
    x, baseline = torch.randn(2, 1, channels, 16, 12)
    order = tuple(torch.randperm(channels).tolist())
    rows = [order[: i + 1] for i in range(channels)] + [order[i:] for i in range(channels)]
    with found.running():
        whole = torch.cat([found.encode_tensor(mixed(baseline, x, row)) for row in rows])
        assert worst(latents(found, baseline, x, rows), whole) < 1e-6


def test_only_images_that_differ_and_have_weights_can_change_a_latent() -> None:
    found = model(groups=2)
    with torch.no_grad():
        found.module.encoder[0].weight[4:, 1] = 0  # of image 3: the second of the second group
    x, baseline = torch.randn(2, 1, 4, 16, 12)
    baseline[:, 0] = x[:, 0]
    assert players_of(found, baseline, x) == (1, 2)
    rows = [(), (1,), (2,), (1, 2)]
    with found.running():
        whole = torch.cat([found.encode_tensor(mixed(baseline, x, row)) for row in rows])
        assert worst(latents(found, baseline, x, rows), whole) < 1e-6


def test_a_step_that_moves_no_feature_of_a_map_changes_not_a_bit_of_it() -> None:
    module = nn.Sequential()
    module.encoder = nn.Conv2d(3, 4, 3, 2, 1)
    module.decoder = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(4, 3, 1))
    with torch.no_grad():
        module.encoder.weight[2, 1] = 0
    found = LatentModel.from_module(module, latent="encoder", n_channels=3, ndim=2)
    x, baseline = torch.randn(2, 1, 3, 16, 12)
    z = latents(found, baseline, x, [(2,), (2, 1), (2, 1, 0), (0, 2), (0, 1, 2)])
    assert torch.equal(z[0, 2], z[1, 2])
    assert torch.equal(z[3, 2], z[4, 2])
    assert not torch.equal(z[0, 1], z[1, 1])


def test_the_same_mixture_has_the_same_bits_in_any_batch(monkeypatch) -> None:
    found = model(ndim=3)
    x, baseline = torch.randn(2, 1, 4, 16, 16, 16)
    rows = subsets(4)
    bits = []
    for blocks in (2, 3, 7, 16):
        monkeypatch.setattr(mixing, "BLOCK_BYTES", blocks * 8 * 8**3 * 4)
        bits.append(latents(found, baseline, x, rows))
    assert all(torch.equal(z, bits[0]) for z in bits)


@pytest.mark.parametrize(("n", "fit"), [(16, 2), (15, 2), (33, 8), (2, 8), (1, 8), (9, 1), (7, 3)])
def test_batches_fit_and_leave_no_mixture_alone_or_out(n, fit, monkeypatch) -> None:
    found = model()
    encoder = MixEncoder(found)
    case = encoder.between(torch.zeros(1, 4, 16, 12), torch.ones(1, 4, 16, 12))
    monkeypatch.setattr(mixing, "BLOCK_BYTES", fit * case.start.nbytes)
    sizes = [batch.stop - batch.start for batch in encoder.batches(case, n)]
    assert sum(sizes) == n
    assert min(sizes) >= min(2, n, fit)
    assert max(sizes) <= max(fit, 3 if fit == 2 and n % 2 else 1)


class Scaled(nn.Module):
    """Its first convolution sees other numbers than the images, so there is nothing to share."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Conv2d(2, 3, 3, 2, 1)
        self.decoder = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(3, 2, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(2 * x))


class Standardised(nn.Conv2d):
    """Answers with other weights than it holds."""

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, self.weight / self.weight.std(), self.bias)


@pytest.mark.parametrize("kind", ["scaled", "standardised", "too large"])
def test_what_cannot_be_shared_is_encoded_whole(kind, monkeypatch) -> None:
    module = Scaled()
    if kind == "standardised":
        module = nn.Sequential()
        module.encoder = nn.Sequential(Standardised(2, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 3, 3))
        module.decoder = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(3, 2, 1))
    if kind == "too large":
        monkeypatch.setattr(mixing, "_KEPT_BYTES", 2 * 3 * 4 * 4 * 4 - 1)
        monkeypatch.setattr(Scaled, "forward", lambda self, x: self.decoder(self.encoder(x)))
    found = LatentModel.from_module(module, latent="encoder", n_channels=2, ndim=2)
    x, baseline = torch.randn(2, 1, 2, 8, 8)
    rows = subsets(2)
    assert MixEncoder(found).between(baseline, x).start is None
    with found.running():
        whole = torch.cat([found.encode_tensor(mixed(baseline, x, row)) for row in rows])
        assert torch.equal(latents(found, baseline, x, rows), whole)
