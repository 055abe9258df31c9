"""Gradients of large images: parts must give what the whole gives, and stop on their way back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.large import model_of, rectified, residual, stack_of
from torch import nn

from napari_latentattr import attribute
from napari_latentattr.core.errors import Cancelled, ModelError
from napari_latentattr.core.stopping import stoppable

FEW = {
    "integrated_gradients": {"baseline": "zero", "steps": 8},
    "smooth_gradient": {"samples": 4},
    "guided_backprop": {},
}

every_gradient = pytest.mark.parametrize("key", FEW)


def test_gradients_go_through_tiles() -> None:
    torch.manual_seed(0)
    model, stack = model_of(residual(2), 2, 2), stack_of((61, 50))
    x = torch.from_numpy(stack.data[None].copy())

    def slope() -> torch.Tensor:
        with model.differentiable():
            given = x.clone().requires_grad_()
            return torch.autograd.grad(model.encode_tensor(given)[:, 2].square().sum(), given)[0]

    whole = slope()
    model.most_bytes = stack.data.nbytes * 2
    torch.testing.assert_close(slope(), whole, rtol=0, atol=1e-5 * float(whole.abs().max()))


@pytest.mark.parametrize("ndim", [2, 3])
@every_gradient
def test_gradients_in_tiles_are_those_of_the_whole(key: str, ndim: int, tiles: list[int]) -> None:
    torch.manual_seed(0)
    last = (nn.Conv2d, nn.Conv3d)[ndim - 2](5, 4, 1)
    layers = nn.Sequential(rectified(ndim), nn.SiLU(), last)
    model, stack = model_of(layers, 2, ndim), stack_of((61, 64, 32)[:ndim])
    whole = attribute(model, stack, 3, method=key, **FEW[key])
    assert not tiles
    model.most_bytes = stack.data.nbytes
    parts = attribute(model, stack, 3, method=key, **FEW[key])
    assert len(tiles) > 3
    assert max(tiles) < stack.data[0].size / 2
    largest = np.abs(whole.volume).max()
    assert largest > 0
    np.testing.assert_allclose(parts.volume, whole.volume, rtol=0, atol=1e-5 * largest)
    np.testing.assert_allclose(parts.score, whole.score, rtol=1e-4)


def test_a_gradient_of_a_network_that_sees_far_goes_through_the_whole(
    tiles: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = nn.Sequential(residual(2), nn.ReLU())
    model, stack = model_of(layers, 2, 2), stack_of((61, 50))
    model.most_bytes = stack.data.nbytes
    attribute(model, stack, 3, method="guided_backprop")
    assert not tiles
    monkeypatch.setattr("napari_latentattr.model.parts.free_bytes", lambda device: 2000)
    with pytest.raises(ModelError, match=r"2x61x50 take .* seen from afar, so that parts gain"):
        attribute(model, stack, 3, method="guided_backprop")


@every_gradient
@pytest.mark.parametrize("tiled", [False, True])
def test_a_gradient_stops_before_the_next_layer_on_its_way_back(key: str, tiled: bool) -> None:
    conv = [nn.Conv2d(2, 2, 3, padding=1) for _ in range(5)]
    model = model_of(nn.Sequential(*(p for c in conv for p in (c, nn.ReLU()))), 2, 2)
    back: list[nn.Module] = []

    def watched(layer: nn.Module, _given: object, made: torch.Tensor) -> None:
        if made.requires_grad:
            made.register_hook(lambda _slope: back.append(layer))

    for part in model.module.encoder[1::2]:
        part.register_forward_hook(watched)
    stack = stack_of((61, 50))
    if tiled:
        model.most_bytes = model.footprint(torch.from_numpy(stack.data[None].copy())) - 1

    def check() -> None:
        if len(back) == 2:
            raise Cancelled("stopped")

    with stoppable(check), pytest.raises(Cancelled):
        attribute(model, stack, 0, method=key, **FEW[key])
    assert len(back) == 2
    attribute(model, stack, 0, method=key, **FEW[key])
    assert len(back) >= 2 + 5


@every_gradient
def test_a_gradient_that_can_neither_be_tiled_nor_held_is_refused(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = nn.Sequential(nn.Conv2d(2, 4, 3, 2, 1), nn.InstanceNorm2d(4), nn.ReLU())
    model, stack = model_of(encoder, 2, 2), stack_of((40, 44))
    monkeypatch.setattr("napari_latentattr.model.parts.free_bytes", lambda device: 2000)
    with pytest.raises(ModelError, match=r"2x40x44 take .* cannot be run in parts: InstanceNorm2d"):
        attribute(model, stack, 0, method=key, **FEW[key])
