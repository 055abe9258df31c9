"""Swapping through the shared first convolution equals encoding the exchanged images whole."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from napari_latentattr import LatentModel
from napari_latentattr.model.engine import SwapEncoder
from napari_latentattr.model.slicewise import SlicewiseModel


def model(
    groups: int = 1, *, norm: bool = False, inplace: bool = False, ndim: int = 2
) -> LatentModel:
    torch.manual_seed(0)
    module = nn.Sequential()
    conv = nn.Conv2d if ndim == 2 else nn.Conv3d
    middle = [nn.InstanceNorm2d(8) if ndim == 2 else nn.InstanceNorm3d(8)] if norm else []
    module.encoder = nn.Sequential(
        conv(4, 8, 3, 2, 1, groups=groups),
        *middle,
        nn.ReLU(inplace=inplace),
        conv(8, 3, 3, 2, 1),
    )
    module.decoder = nn.Sequential(nn.Upsample(scale_factor=4), conv(3, 4, 1))
    return LatentModel.from_module(module, latent="encoder", n_channels=4, ndim=ndim)


def exchanged(x: Tensor, donors: list[Tensor], channels: list[int]) -> Tensor:
    mixed = x.repeat(len(donors), *[1] * (x.ndim - 1))
    for row, donor in enumerate(donors):
        mixed[row, channels] = donor[0, channels]
    return mixed


@pytest.mark.parametrize("channels", [[0], [3], [1, 2], [0, 1, 2, 3]])
@pytest.mark.parametrize(
    "made",
    [
        {},
        {"groups": 2},
        {"groups": 4},
        {"norm": True},
        {"inplace": True},
        {"ndim": 3},
        {"ndim": 3, "groups": 2},
        {"ndim": 3, "groups": 4, "inplace": True},
        {"ndim": 3, "norm": True},
    ],
    ids=str,
)
def test_a_swap_equals_encoding_the_exchanged_images(
    channels: list[int], made: dict[str, object]
) -> None:
    found = model(**made)
    shape = (1, 4, 16, 12) if found.spec.ndim == 2 else (1, 4, 8, 12, 16)
    x, *donors = (torch.randn(shape) for _ in range(6))
    encoder = SwapEncoder(found)
    assert encoder.shared
    with found.running():
        case, *others = (encoder.prepare(image) for image in (x, *donors))
        for _ in range(2):  # what a case shares must survive being used
            got = encoder.swap(case, others, channels)
            torch.testing.assert_close(
                got, found.encode_tensor(exchanged(x, donors, channels)), rtol=0, atol=2e-6
            )


def test_a_swap_of_slices_equals_encoding_whole_volumes() -> None:
    volumes = SlicewiseModel(model(), "coronal")
    x, *donors = (torch.randn(1, 4, 8, 3, 12) for _ in range(4))
    encoder = SwapEncoder(volumes)
    got = encoder.swap(encoder.prepare(x), [encoder.prepare(d) for d in donors], [2])
    whole = volumes.encode_tensor(exchanged(x, donors, [2]))
    torch.testing.assert_close(got, whole, rtol=0, atol=2e-6)


@pytest.mark.parametrize("ndim", [2, 3])
def test_an_image_without_weights_moves_nothing_at_all(ndim: int) -> None:
    found = model(ndim=ndim)
    with torch.no_grad():
        found.module.encoder[0].weight[:, 1] = 0
    x, donor = torch.randn(2, 1, 4, *[16] * ndim)
    encoder = SwapEncoder(found)
    case = encoder.prepare(x)
    got = encoder.swap(case, [encoder.prepare(donor)], [1])
    assert torch.equal(got, encoder.latents(case))


def test_a_model_without_a_first_layer_to_share_is_encoded_whole() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = nn.Conv2d(2, 3, 3, 2, 1)
            self.decoder = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(3, 2, 1))

        def forward(self, x: Tensor) -> Tensor:
            return self.decoder(self.encoder(2 * x))

    found = LatentModel.from_module(Scaled(), latent="encoder", n_channels=2, ndim=2)
    x, donor = torch.randn(1, 2, 8, 8), torch.randn(1, 2, 8, 8)
    encoder = SwapEncoder(found)
    assert not encoder.shared
    got = encoder.swap(encoder.prepare(x), [encoder.prepare(donor)], [1])
    assert torch.equal(got, found.encode_tensor(exchanged(x, [donor], [1])))


def test_a_first_layer_that_uses_other_weights_than_it_holds_is_not_shared() -> None:
    class Standardised(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            return self._conv_forward(x, self.weight / self.weight.std(), self.bias)

    module = nn.Sequential()
    module.encoder = nn.Sequential(Standardised(2, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 3, 3))
    module.decoder = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(3, 2, 1))
    found = LatentModel.from_module(module, latent="encoder", n_channels=2, ndim=2)
    x, donor = torch.randn(1, 2, 8, 8), torch.randn(1, 2, 8, 8)
    encoder = SwapEncoder(found)
    assert not encoder.shared
    got = encoder.swap(encoder.prepare(x), [encoder.prepare(donor)], [1])
    assert torch.equal(got, found.encode_tensor(exchanged(x, [donor], [1])))


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_a_case_whose_responses_are_too_large_to_keep_is_swapped_alike(
    groups: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = model(groups, ndim=3)
    x, *donors = (torch.randn(1, 4, 8, 12, 16) for _ in range(3))
    kept = SwapEncoder(found)
    case, *others = (kept.prepare(image) for image in (x, *donors))
    assert len(case.responses) == 4
    want = kept.swap(case, others, [1, 3])
    monkeypatch.setattr("napari_latentattr.model.engine.KEPT_BYTES", 0)
    encoder = SwapEncoder(found)
    case, *others = (encoder.prepare(image) for image in (x, *donors))
    assert not case.responses
    torch.testing.assert_close(encoder.swap(case, others, [1, 3]), want, rtol=0, atol=2e-6)
