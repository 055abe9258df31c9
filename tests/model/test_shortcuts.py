from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import nn

from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.shortcuts import Shortcuts, find_shortcuts


def flat_model(*tail: nn.Module) -> LatentModel:
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Conv2d(2, 4, 3, 2, 1), *tail)
    decoder = nn.Sequential(nn.Upsample(scale_factor=4), nn.Conv2d(3, 2, 3, padding=1))
    module = nn.Sequential(OrderedDict(encoder=encoder, decoder=decoder))
    return LatentModel.from_module(module, latent="encoder", n_channels=2, ndim=2)


class Viewed(nn.Module):
    """Needs the features one after the other in memory."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.view(len(x), -1).view(x.shape)


def test_images_are_handed_on_with_channels_last_in_2d() -> None:
    model = flat_model(nn.ReLU(), nn.Conv2d(4, 3, 3, 2, 1))
    assert model.layout is torch.channels_last
    x = torch.randn(2, 2, 16, 16)
    with model.running():
        first = model.module.encoder[0](x)
        turned = model.latents_after(first.contiguous(memory_format=model.layout))
        torch.testing.assert_close(turned, model.encode_tensor(x), rtol=1e-6, atol=1e-6)


def test_a_module_that_views_its_input_keeps_the_plain_layout() -> None:
    model = flat_model(nn.ReLU(), Viewed(), nn.Conv2d(4, 3, 3, 2, 1))
    assert model.layout is torch.contiguous_format


@pytest.mark.parametrize("spoil", ["in place", "layout"])
def test_a_shortcut_that_changes_the_latents_is_not_taken(spoil: str) -> None:
    def run(response: torch.Tensor, shortcuts: Shortcuts) -> torch.Tensor:
        taken = {
            "in place": bool(shortcuts.overwriting),
            "layout": shortcuts.layout is torch.channels_last,
        }
        return response + taken[spoil]

    found = find_shortcuts(nn.Sequential(nn.ReLU()), torch.ones(1, 4, 8, 8), run)
    assert bool(found.overwriting) == (spoil != "in place")
    assert (found.layout is torch.channels_last) == (spoil != "layout")
