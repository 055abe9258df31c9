"""Weights open without running anything; what does not fit is told in one sentence."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import napari_latentattr
from napari_latentattr import load_model
from napari_latentattr.core.errors import ModelError, UntrustedModelError
from napari_latentattr.model.architectures import build

ARGUMENTS = {"n_channels": 2, "n_maps": 3, "ndim": 2, "width": 4}


def module() -> nn.Module:
    torch.manual_seed(0)
    return build("conv_autoencoder", ARGUMENTS)[0].eval()


class Hostile:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def load(path: Path, **more: object) -> napari_latentattr.LatentModel:
    given = {"architecture": "conv_autoencoder", "arguments": ARGUMENTS} | more
    return load_model(path, **given)


@pytest.mark.parametrize("kind", ["safetensors", "pt", "nested.ckpt", "lightning.ckpt"])
def test_every_kind_of_weights_file_gives_the_same_model(tmp_path: Path, kind: str) -> None:
    state = module().state_dict()
    path = tmp_path / f"w.{kind}"
    if kind == "safetensors":
        save_file(state, path)
    elif kind == "pt":
        torch.save(state, path)
    elif kind == "nested.ckpt":
        torch.save({"epoch": 3, "model_state_dict": state}, path)
    else:
        torch.save({"state_dict": {f"model.{k}": v for k, v in state.items()}}, path)
    x = np.random.default_rng(0).standard_normal((1, 2, 16, 16)).astype(np.float32)
    with torch.no_grad():
        expected = module().encoder(torch.from_numpy(x)).numpy()
    np.testing.assert_array_equal(load(path).encode(x), expected)


@pytest.mark.parametrize("force", ["", "1"])
def test_a_pickled_model_runs_no_code_and_is_told_how_to_be_saved(
    tmp_path: Path, force: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if force:
        monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", force)
    mark, path = tmp_path / "mark", tmp_path / "model.pt"
    torch.save({"weights": Hostile(mark)}, path)
    with pytest.raises(ModelError, match=r"model.pt can run code when opened .*save_file"):
        load(path)
    assert not mark.exists()


def test_torchscript_is_refused_as_code(tmp_path: Path) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(nn.Conv2d(2, 2, 1), torch.zeros(1, 2, 4, 4)).save(tmp_path / "m.pt")
    with pytest.raises(ModelError, match="m.pt is a TorchScript program, which is code"):
        load(tmp_path / "m.pt")


def test_a_factory_needs_trust_and_shows_its_hash(tmp_path: Path) -> None:
    save_file(module().state_dict(), tmp_path / "w.safetensors")
    (tmp_path / "own.py").write_text(
        "from pathlib import Path\n"
        "from napari_latentattr.model.architectures import build as make\n"
        "def build(**arguments):\n"
        "    Path(__file__ if False else '" + str(tmp_path / "ran") + "').touch()\n"
        "    return make('conv_autoencoder', arguments)[0]\n"
    )
    with pytest.raises(UntrustedModelError, match=r"own.py \(sha256 [0-9a-f]{16}\) is Python code"):
        load(tmp_path / "w.safetensors", architecture="code:own.py:build")
    assert not (tmp_path / "ran").exists()
    model = load(tmp_path / "w.safetensors", architecture="code:own.py:build", trust=True)
    assert (tmp_path / "ran").exists()
    assert model.spec.n_maps == 3


@pytest.mark.parametrize(
    ("architecture", "arguments", "words"),
    [
        ("conv_autoencodr", {}, "did you mean 'conv_autoencoder'"),
        ("conv_autoencoder", {"n_map": 3}, "did you mean 'n_maps'"),
        ("conv_autoencoder", {"n_channels": 2, "ndim": 2}, "needs the argument n_maps"),
        ("conv_autoencoder", ARGUMENTS | {"ndim": 4}, "ndim must be a whole number from 2 to 3"),
        ("conv_autoencoder", ARGUMENTS | {"width": 10**6}, "from 1 to 512, got 1000000"),
        ("conv_autoencoder", ARGUMENTS | {"n_maps": True}, "n_maps must be a whole number"),
        ("conv_autoencoder", ARGUMENTS | {"encoder": "sparse"}, "encoder must be dense or grouped"),
        (
            "conv_autoencoder",
            ARGUMENTS | {"n_maps": 4},
            r"decoder.0.weight has shape \(8, 3, 3, 3\), the architecture needs \(8, 4, ",
        ),
        ("conv_vae", ARGUMENTS, "does not fit the architecture: it lacks"),
        (None, {}, "holds weights only; name their architecture"),
    ],
)
def test_an_architecture_that_does_not_fit_is_told(
    tmp_path: Path, architecture: str | None, arguments: dict[str, object], words: str
) -> None:
    save_file(module().state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match=words) as told:
        load(tmp_path / "w.safetensors", architecture=architecture, arguments=arguments)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("kind", ["safetensors", "pt"])
def test_damaged_files_are_told_as_damaged(tmp_path: Path, kind: str) -> None:
    whole = tmp_path / f"w.{kind}"
    (save_file if kind == "safetensors" else torch.save)(module().state_dict(), whole)
    cut = tmp_path / f"cut.{kind}"
    cut.write_bytes(whole.read_bytes()[:-200])
    with pytest.raises(ModelError, match=f"cut.{kind} is damaged"):
        load(cut)
    with pytest.raises(ModelError, match="there is no weights file"):
        load(tmp_path / f"absent.{kind}")


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    state = module().state_dict()
    state["encoder.0.weight"][0] = float("nan")
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match="encoder.0.weight has values that are not finite"):
        load(tmp_path / "w.safetensors")


def test_a_header_that_lies_about_its_length_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes((2**40).to_bytes(8, "little") + b"{}")
    with pytest.raises(ModelError, match="its header claims"):
        load(path)


def test_every_torch_load_in_the_package_reads_weights_only() -> None:
    root = Path(napari_latentattr.__file__).parent
    calls = [
        call
        for file in root.rglob("*.py")
        for call in re.findall(r"torch\.load\([^)]*\)", file.read_text("utf-8"))
    ]
    assert calls
    assert all("weights_only=True" in call for call in calls)
