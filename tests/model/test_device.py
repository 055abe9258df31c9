"""Where models run. Without a GPU, only what can be asked of torch without one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from napari_latentattr import (
    Cohort,
    LatentModel,
    attribute,
    channel_dependence,
    channel_shapley,
    decompose,
    load_model,
)
from napari_latentattr.core.errors import ModelError
from napari_latentattr.model.architectures import ConvAutoencoder
from napari_latentattr.model.device import VARIABLE, block_bytes, chosen_device, exact, room

ARGUMENTS = {"n_channels": 3, "n_maps": 4, "ndim": 3, "width": 4}
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU of CUDA")


def test_without_a_gpu_and_a_wish_models_run_on_the_processor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert chosen_device() == "cpu"


def test_a_gpu_is_taken_where_there_is_one_unless_the_environment_names_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert chosen_device() == "cuda"
    for name in ("cpu", "cuda", "cuda:1"):
        monkeypatch.setenv(VARIABLE, name)
        assert chosen_device() == name
    for name in ("cuda:2", "gpu", "cuda:", "cpu:0"):
        monkeypatch.setenv(VARIABLE, name)
        with pytest.raises(ModelError, match=f"must be cpu, cuda or .* got '{name}'"):
            chosen_device()


def test_a_gpu_that_is_not_there_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv(VARIABLE, "cuda:0")
    with pytest.raises(ModelError, match="is cuda:0, and torch finds no GPU; set it to cpu"):
        chosen_device()


def test_on_a_gpu_a_quarter_of_its_free_memory_holds_an_image(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (64 * 2**30, 80 * 2**30))
    assert room("cuda:0") == 16 * 2**30
    assert block_bytes("cuda:0", 5) == 2**30
    assert block_bytes("cpu", 5) == 5


def test_full_precision_lasts_as_long_as_the_work() -> None:
    def settings() -> tuple[bool, bool, bool]:
        cudnn = torch.backends.cudnn
        return torch.backends.cuda.matmul.allow_tf32, cudnn.allow_tf32, cudnn.deterministic

    before = settings()
    with exact("cpu"):
        assert settings() == before
    with exact("cuda:0"):
        assert settings() == (False, False, True)
    assert settings() == before


def test_a_loaded_model_goes_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "w.safetensors"
    save_file(ConvAutoencoder(**ARGUMENTS).state_dict(), path)
    monkeypatch.setenv(VARIABLE, "cpu")
    model = load_model(path, architecture="conv_autoencoder", arguments=ARGUMENTS)
    assert model.spec.device == "cpu"
    monkeypatch.setenv(VARIABLE, "tpu")
    with pytest.raises(ModelError, match="got 'tpu'"):
        load_model(path, architecture="conv_autoencoder", arguments=ARGUMENTS)


def people() -> Cohort:
    x = np.random.default_rng(0).normal(size=(8, 3, 16, 16, 16)).astype(np.float32)
    return Cohort.from_arrays(x, channels=("a", "b", "c"))


def test_a_result_says_on_which_device_it_was_made() -> None:
    model = LatentModel.from_module(
        ConvAutoencoder(**ARGUMENTS), latent="encoder", n_channels=3, ndim=3
    )
    found = attribute(model, people()[0], 0, patch=8.0, stride=8.0)
    assert found.provenance.versions["device"] == "cpu"


@needs_gpu
def test_a_gpu_gives_what_the_processor_gives() -> None:
    torch.manual_seed(0)
    module, cohort = ConvAutoencoder(**ARGUMENTS), people()

    def answers(device: str) -> list[np.ndarray]:
        model = LatentModel.from_module(module.to(device), latent="encoder", n_channels=3, ndim=3)
        stack = cohort[0]
        shares = channel_shapley(model, stack, baseline=np.zeros_like(stack.data))
        drawn = decompose(model, stack, reference=cohort, method="shapley")
        return [
            model.encode(stack.data[None]),
            attribute(model, stack, 1, cohort=cohort, patch=8.0, stride=4.0).volume,
            attribute(model, stack, 1, cohort=cohort, method="channel_rescale").volume,
            attribute(model, stack, 1, cohort=cohort, method="integrated_gradients").volume,
            shares.volume,
            drawn.image(2),
            channel_dependence(model, cohort).ratio,
        ]

    for ours, theirs in zip(answers("cpu"), answers("cuda"), strict=True):
        np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-4 * np.abs(ours).max())
