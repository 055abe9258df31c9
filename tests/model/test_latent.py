"""Latent models against plain passes, brute force, and the module they must not change."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from napari_latentattr import LatentModel
from napari_latentattr.core.errors import ModelError
from napari_latentattr.model.architectures import ARCHITECTURES, build
from napari_latentattr.model.self_test import self_test
from napari_latentattr.model.slicewise import SlicewiseModel
from napari_latentattr.model.state import state_hash


class Auto(nn.Module):
    """Any encoder with a decoder that fits."""

    def __init__(self, encoder: nn.Module, c: int, k: int, stride: int, ndim: int = 2) -> None:
        super().__init__()
        conv = nn.Conv2d if ndim == 2 else nn.Conv3d
        self.encoder = encoder
        self.decoder = nn.Sequential(nn.Upsample(scale_factor=stride), conv(k, c, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))


class Residual(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inner(x)


class Unet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 4, 3, padding=1)
        self.down = nn.Conv2d(4, 3, 3, 2, 1)
        self.up = nn.Upsample(scale_factor=2)
        self.last = nn.Conv2d(7, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        first = self.first(x)
        return self.last(torch.cat([first, self.up(self.down(first))], 1))


def c2(i: int, o: int, k: int = 3, **more: object) -> nn.Conv2d:
    return nn.Conv2d(i, o, k, **more)


ENCODERS = {
    "strided": lambda: (nn.Sequential(c2(2, 4, stride=2, padding=1), nn.GELU(), c2(4, 3)), 2, 2),
    "dilated": lambda: (nn.Sequential(c2(2, 4, dilation=2), nn.ReLU(), c2(4, 3, stride=2)), 2, 2),
    "groups": lambda: (nn.Sequential(c2(2, 4, groups=2), nn.SiLU(), c2(4, 3, stride=2)), 2, 2),
    "unequal padding": lambda: (nn.Sequential(c2(2, 3, padding=(0, 2), stride=2)), 2, 2),
    "stride 3": lambda: (nn.Sequential(c2(2, 3, 5, stride=3, padding=2)), 2, 3),
    "even kernel": lambda: (nn.Sequential(c2(2, 3, 4, stride=2, padding=1)), 2, 2),
    "max pooling": lambda: (nn.Sequential(c2(2, 3, padding=1), nn.MaxPool2d(2)), 2, 2),
    "average pooling": lambda: (nn.Sequential(c2(2, 3, padding=1), nn.AvgPool2d(2)), 2, 2),
    "residual": lambda: (nn.Sequential(c2(2, 3, stride=2), Residual(c2(3, 3, padding=1))), 2, 2),
    "batch norm": lambda: (nn.Sequential(c2(2, 3, stride=2), nn.BatchNorm2d(3)), 2, 2),
    "3D": lambda: (nn.Sequential(nn.Conv3d(2, 3, 3, 2, 1), nn.GELU()), 3, 2),
}


def brute_force(encoder: nn.Module, ndim: int, side: int) -> list[tuple[int, int, int, int]]:
    """First and last input voxel, along each axis, that move a latent in the middle."""
    torch.manual_seed(1)
    twin = encoder.double().eval()
    x = torch.randn(1, 2, *[side] * ndim, dtype=torch.float64)
    with torch.no_grad():
        base = twin(x)
        found = []
        for axis in range(ndim):
            at = base.shape[2 + axis] // 2
            seen = []
            for position in range(side):
                moved = x.clone()
                moved.select(2 + axis, position).add_(3 * torch.randn_like(x.select(2 + axis, 0)))
                change = (twin(moved) - base).select(2 + axis, at).abs().max()
                if change > 1e-9:
                    seen.append(position)
            found.append((at, seen[0], seen[-1]))
    return found


@pytest.mark.parametrize("name", ENCODERS)
def test_receptive_field_stride_and_offset_equal_brute_force(name: str) -> None:
    torch.manual_seed(0)
    encoder, ndim, stride = ENCODERS[name]()
    model = LatentModel.from_module(
        Auto(encoder, 2, 3, stride, ndim), latent="encoder", n_channels=2, ndim=ndim
    )
    assert model.spec.everywhere == ()
    for axis, (at, low, high) in enumerate(brute_force(encoder, ndim, 24)):
        assert model.spec.stride[axis] == stride
        assert model.spec.receptive_field[axis] == high - low + 1
        assert model.spec.offset[axis] + at * stride == pytest.approx((low + high) / 2)


@pytest.mark.parametrize("norm", [nn.InstanceNorm2d(4), nn.GroupNorm(2, 4)], ids=["in", "gn"])
def test_layers_that_make_latents_see_everything_are_named(norm: nn.Module) -> None:
    encoder = nn.Sequential(c2(2, 4, stride=2, padding=1), norm, nn.ReLU(), c2(4, 3, padding=1))
    model = LatentModel.from_module(Auto(encoder, 2, 3, 2), latent="encoder", n_channels=2, ndim=2)
    assert model.spec.everywhere == ("encoder.1",)
    assert model.spec.receptive_field == (7, 7)


def test_the_bottleneck_is_found_without_its_name() -> None:
    module, _ = build("conv_autoencoder", {"n_channels": 3, "n_maps": 5, "ndim": 2, "width": 8})
    model = LatentModel.from_module(module, n_channels=3, ndim=2)
    assert (model.spec.layer, model.spec.n_maps) == ("encoder", 5)
    assert model.spec.stride == (4, 4)


def test_a_skip_connection_is_named_and_a_clean_bottleneck_has_none() -> None:
    torch.manual_seed(0)
    model = LatentModel.from_module(Unet(), latent="down", n_channels=2, ndim=2)
    assert "first" in model.spec.skips
    module, _ = build("conv_autoencoder", {"n_channels": 2, "n_maps": 3, "ndim": 2})
    assert LatentModel.from_module(module, n_channels=2, ndim=2).spec.skips == ()


def test_encoding_and_decoding_equal_the_parts_of_the_module() -> None:
    module, _ = build("conv_autoencoder", {"n_channels": 2, "n_maps": 3, "ndim": 3, "width": 4})
    model = LatentModel.from_module(module, latent="encoder", n_channels=2, ndim=3)
    x = np.random.default_rng(0).standard_normal((3, 2, 16, 12, 8)).astype(np.float32)
    with torch.no_grad():
        z = module.encoder(torch.from_numpy(x)).numpy()
        picture = module(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(model.encode(x), z, rtol=0, atol=1e-6)
    np.testing.assert_allclose(model.decode(model.encode(x)), picture, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(model.encode(x)[1:2], model.encode(x[1:2]))


def test_a_decoder_without_a_name_runs_with_its_latent_replaced() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(c2(2, 3, stride=2, padding=1), nn.Upsample(scale_factor=2), c2(3, 2, 1))
    model = LatentModel.from_module(module, latent="0", n_channels=2, ndim=2)
    z = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        expected = module[2](module[1](z)).numpy()
    np.testing.assert_allclose(model.decode(z), expected, rtol=0, atol=1e-6)


def test_the_first_layer_can_be_given_instead_of_computed() -> None:
    torch.manual_seed(0)
    encoder = nn.Sequential(c2(2, 4, stride=2, padding=1), nn.ReLU(), c2(4, 3, padding=1))
    model = LatentModel.from_module(Auto(encoder, 2, 3, 2), latent="encoder", n_channels=2, ndim=2)
    assert model.first_layer == "encoder.0"
    x = torch.randn(2, 2, 16, 16)
    with torch.no_grad():
        given = encoder[0](x)
    assert torch.equal(model.latents_after(given), model.encode_tensor(x))


def test_an_input_that_also_travels_another_way_has_no_first_layer_to_share() -> None:
    model = LatentModel.from_module(
        Auto(nn.Sequential(Residual(c2(2, 2, padding=1)), c2(2, 3, stride=2)), 2, 3, 2),
        latent="encoder",
        n_channels=2,
        ndim=2,
    )
    assert model.first_layer is None


def test_the_users_module_stays_as_it_was() -> None:
    module, _ = build("conv_autoencoder", {"n_channels": 2, "n_maps": 3, "ndim": 2})
    module.train()
    module.encoder[0].weight.requires_grad_(False)
    before = state_hash(module.state_dict())
    model = LatentModel.from_module(module, latent="encoder", n_channels=2, ndim=2)
    with pytest.raises(ModelError, match="got 3"), model.running():
        model.encode(np.zeros((1, 3, 16, 16)))
    model.encode(np.zeros((1, 2, 16, 16)))
    assert state_hash(module.state_dict()) == before
    assert all(part.training for part in module.modules())
    assert [p.requires_grad for p in module.parameters()].count(False) == 1
    assert not any(p._forward_hooks or "forward" in p.__dict__ for p in module.modules())


def test_a_layer_used_twice_is_ambiguous_and_a_missing_one_is_told() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = c2(2, 2, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(self.conv(x))

    with pytest.raises(ModelError, match="conv is used 2 times in one pass"):
        LatentModel.from_module(Twice(), latent="conv", n_channels=2, ndim=2)
    with pytest.raises(ModelError, match="no submodule 'encodr'; its parts are conv"):
        LatentModel.from_module(Twice(), latent="encodr", n_channels=2, ndim=2)


def test_images_that_do_not_fit_are_refused_with_numbers() -> None:
    module, _ = build("conv_autoencoder", {"n_channels": 4, "n_maps": 3, "ndim": 2})
    model = LatentModel.from_module(module, n_channels=4, ndim=2)
    with pytest.raises(ModelError, match="the model expects 4 images, got 6"):
        model.encode(np.zeros((1, 6, 16, 16)))
    with pytest.raises(ModelError, match=r"2 spatial axes .* shape \(1, 4, 8, 8, 8\)"):
        model.encode(np.zeros((1, 4, 8, 8, 8)))


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.filterwarnings("ignore")
def test_every_built_in_architecture_loads_and_decodes_its_own_code(name: str, ndim: int) -> None:
    module, latent = build(name, {"n_channels": 2, "ndim": ndim} | _maps(name))
    model = LatentModel.from_module(module.eval(), latent=latent, n_channels=2, ndim=ndim)
    tried = self_test(model)
    assert tried.repeats
    assert tried.gap < 1e-5
    assert model.spec.skips == ()


def _maps(name: str) -> dict[str, object]:
    if name == "monai_var_autoencoder":
        return {"n_maps": 4, "side": 16}
    return {} if name == "monai_autoencoder" else {"n_maps": 3, "width": 4}


def test_a_2d_model_over_slices_equals_its_slices_one_by_one() -> None:
    module, _ = build("conv_autoencoder", {"n_channels": 2, "n_maps": 3, "ndim": 2, "width": 4})
    model = LatentModel.from_module(module, n_channels=2, ndim=2)
    x = np.random.default_rng(0).standard_normal((2, 2, 3, 8, 12)).astype(np.float32)
    axial = SlicewiseModel(model, "axial")
    assert axial.spec.stride == (1, 4, 4)
    z = axial.encode(x)
    for s in range(3):
        np.testing.assert_array_equal(z[:, :, s], model.encode(x[:, :, s]))
    assert SlicewiseModel(model, "sagittal").spec.stride == (4, 4, 1)
    y = np.random.default_rng(1).standard_normal((1, 2, 8, 3, 12)).astype(np.float32)
    z = SlicewiseModel(model, "coronal").encode(y)
    np.testing.assert_array_equal(z[:, :, :, 1], model.encode(y[:, :, :, 1]))


class _ReadsTwice(nn.Module):
    """The input of the activation is needed again after it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.act = nn.Conv2d(2, 4, 3, padding=1), nn.ReLU()
        self.encoder = nn.Conv2d(8, 3, 3, stride=2, padding=1)
        self.decoder = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(3, 2, 3, padding=1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.first(x)
        positive = self.act(y)
        drawn: torch.Tensor = self.decoder(self.encoder(torch.cat([positive, y], 1)))
        return drawn


def test_an_activation_whose_input_is_read_again_never_works_in_place() -> None:
    torch.manual_seed(0)
    module = _ReadsTwice().eval()
    model = LatentModel.from_module(module, latent="encoder", n_channels=2, ndim=2)
    x = torch.randn(1, 2, 16, 16)
    with model.running():
        given = module.first(x)
        assert torch.equal(model.latents_after(given.clone()), model.encode_tensor(x))
    assert module.act.inplace is False


def test_activations_are_given_back_as_they_were() -> None:
    module = nn.Sequential(
        OrderedDict(
            encoder=nn.Sequential(nn.Conv2d(2, 4, 3, 2, 1), nn.ReLU(), nn.Conv2d(4, 3, 3, 2, 1)),
            decoder=nn.Sequential(nn.Upsample(scale_factor=4), nn.Conv2d(3, 2, 3, padding=1)),
        )
    )
    model = LatentModel.from_module(module, latent="encoder", n_channels=2, ndim=2)
    x = torch.randn(1, 2, 16, 16)
    with model.running():
        given = module.encoder[0](x)
        kept = given.clone()
        z = model.latents_after(given)
        assert torch.equal(z, model.encode_tensor(x))
    assert not torch.equal(given, kept), "the activation should have worked in place"
    assert module.encoder[1].inplace is False
