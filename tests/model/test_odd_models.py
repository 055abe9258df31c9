"""Unusual models and files: threads, pooled gates, attention by hand, hostile tensors."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from napari_latentattr.core.errors import ModelError
from napari_latentattr.model.architectures import ConvAutoencoder, build
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.weights import read_weights


class Gate(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.mix = nn.Conv2d(8, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.mix(self.pool(x)))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Conv2d(8, 8, 1) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (part(x).flatten(2) for part in (self.query, self.key, self.value))
        weight = torch.softmax(q.transpose(1, 2) @ k, -1)
        return x + (v @ weight.transpose(1, 2)).view_as(x)


class Noisy(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.randn_like(x)


class Around(nn.Module):
    def __init__(self, middle: nn.Module) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(2, 8, 3, 2, 1), middle, nn.ReLU(), nn.Conv2d(8, 4, 3, 2, 1)
        )
        self.decoder = nn.Sequential(nn.Upsample(scale_factor=4), nn.Conv2d(4, 2, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))


def test_threads_wait_for_each_other_and_get_the_same_latents() -> None:
    module = ConvAutoencoder(2, 4, 2, width=4).train()
    model = LatentModel.from_module(module, n_channels=2, ndim=2)
    x = np.random.default_rng(0).normal(size=(1, 2, 32, 32)).astype(np.float32)
    expected = model.encode(x)
    with ThreadPoolExecutor(3) as pool:
        for z in pool.map(lambda _: model.encode(x), range(120)):
            np.testing.assert_array_equal(z, expected)
    assert all(part.training and not part._forward_hooks for part in module.modules())


def test_a_gate_by_pooled_values_is_not_the_bottleneck() -> None:
    model = LatentModel.from_module(Around(Gate()), n_channels=2, ndim=2)
    assert model.spec.layer == "encoder"
    assert "encoder.1.pool" in model.spec.everywhere


def test_attention_written_by_hand_is_named_without_growing_the_input() -> None:
    model = LatentModel.from_module(Around(Attention()), n_channels=2, ndim=2)
    assert model.spec.everywhere == ("encoder.1",)
    assert max(model.spec.receptive_field) <= 128


def test_a_latent_that_is_drawn_at_random_is_refused() -> None:
    with pytest.raises(ModelError, match="another picture each time"):
        LatentModel.from_module(Around(Noisy()), n_channels=2, ndim=2)
    with pytest.raises(ModelError, match="another output each time"):
        LatentModel.from_module(Around(Noisy()), latent="encoder", n_channels=2, ndim=2)


class Sampling(nn.Module):
    """A variational autoencoder that draws its code in evaluation mode too."""

    def __init__(self) -> None:
        super().__init__()
        self.mean, self.spread = (nn.Conv2d(2, 3, 3, 2, 1) for _ in range(2))
        self.decoder = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(3, 2, 1))

    def forward(self, x: Tensor) -> Tensor:
        mean = self.mean(x)
        drawn: Tensor = self.decoder(mean + torch.randn_like(mean) * self.spread(x).exp())
        return drawn


def test_the_mean_of_a_code_that_is_drawn_must_be_named() -> None:
    with pytest.raises(ModelError, match="name the layer of the mean"):
        LatentModel.from_module(Sampling(), n_channels=2, ndim=2)
    model = LatentModel.from_module(Sampling(), latent="mean", n_channels=2, ndim=2)
    assert model.spec.n_maps == 3
    assert model.spec.skips, "the spread goes around the mean"


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(1).expand(10**13),
        torch.eye(3).to_sparse(),
        torch.zeros(3, dtype=torch.complex64),
        torch.zeros(3, device="meta"),
    ],
    ids=["claims more than it holds", "sparse", "complex", "meta"],
)
def test_tensors_that_are_no_ordinary_weights_are_refused(tmp_path: Path, tensor: Tensor) -> None:
    torch.save({"weight": tensor}, tmp_path / "odd.pt")
    with pytest.raises(ModelError, match="save ordinary weights"):
        read_weights(tmp_path / "odd.pt")


def test_a_file_that_nests_in_itself_is_refused(tmp_path: Path) -> None:
    state: dict[str, object] = {}
    state["state_dict"] = state
    torch.save(state, tmp_path / "loop.pt")
    with pytest.raises(ModelError, match="no state dict"):
        read_weights(tmp_path / "loop.pt")


def test_a_header_nested_without_end_is_refused(tmp_path: Path) -> None:
    text = b"[" * 200_000
    (tmp_path / "deep.safetensors").write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(ModelError, match="is no JSON"):
        read_weights(tmp_path / "deep.safetensors")


def test_an_architecture_too_large_for_memory_is_refused_before_it_is_built() -> None:
    arguments = {"n_channels": 1024, "n_maps": 8, "ndim": 3, "width": 512, "encoder": "grouped"}
    with pytest.raises(ModelError, match="check width and n_channels"):
        build("conv_autoencoder", arguments)
