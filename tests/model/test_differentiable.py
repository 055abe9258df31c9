"""Gradients of a latent model: right, and without a trace in the user's module."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.toy import linear_model

from napari_latentattr.model.slicewise import SlicewiseModel
from napari_latentattr.model.state import state_hash


def gradient(model, x: np.ndarray) -> torch.Tensor:
    """Of the sum of map 1."""
    given = torch.from_numpy(x).requires_grad_()
    (found,) = torch.autograd.grad(model.encode_tensor(given)[:, 1].sum(), given)
    return found


@pytest.mark.parametrize("running", [False, True], ids=["alone", "while running"])
def test_the_gradient_of_a_linear_map_is_its_weights(running) -> None:
    model = linear_model()
    x = np.ones((1, 3, 8, 8), dtype=np.float32)
    if running:
        with model.running(), model.differentiable():
            found = gradient(model, x)
    else:
        with model.differentiable():
            found = gradient(model, x)
    kernel = model.module.encoder.weight[1].detach()
    torch.testing.assert_close(found[0], kernel.tile(1, 4, 4))


def test_slices_have_the_gradient_of_the_2d_model() -> None:
    model = SlicewiseModel(linear_model(), "sagittal")
    with model.differentiable():
        found = gradient(model, np.ones((1, 3, 8, 8, 2), dtype=np.float32))
    kernel = model.model.module.encoder.weight[1].detach().tile(1, 4, 4)
    torch.testing.assert_close(found[0], kernel[..., None].tile(1, 1, 1, 2))


def test_runs_outside_have_no_gradient_again() -> None:
    model = linear_model()
    x = torch.ones(1, 3, 8, 8, requires_grad=True)
    with model.running():
        with model.differentiable():
            assert model.encode_tensor(x).requires_grad
        assert model.encode_tensor(x).is_inference()
    assert model.encode_tensor(x).is_inference()


def test_weights_get_no_gradient_and_the_module_stays_as_it_was() -> None:
    model = linear_model()
    module = model.module
    module.encoder.bias.requires_grad_(False)
    module.decoder.weight.grad = torch.ones_like(module.decoder.weight)
    before = state_hash(module.state_dict())
    x = torch.ones(1, 3, 8, 8, requires_grad=True)

    def fails_on_the_way() -> None:
        with model.differentiable():
            model.decode_tensor(model.encode_tensor(x)).sum().backward()
            raise RuntimeError("stop here")

    with pytest.raises(RuntimeError, match="stop here"):
        fails_on_the_way()
    assert x.grad.abs().sum() > 0
    assert [p.requires_grad for p in module.parameters()] == [True, False, True, True]
    assert module.encoder.weight.grad is None
    assert torch.equal(module.decoder.weight.grad, torch.ones_like(module.decoder.weight))
    assert state_hash(module.state_dict()) == before
    assert module.training
    assert not any("forward" in part.__dict__ for part in module.modules())
