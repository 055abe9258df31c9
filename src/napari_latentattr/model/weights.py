"""Tensors out of a weights file, without running anything that the file brings.

Sizes are checked before a tensor is read. Knows nothing of architectures.
"""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from napari_latentattr.core.errors import ModelError

_MOST_TENSORS = 20_000
_LONGEST_HEADER = 100 * 2**20
_MOST_BYTES = 8 * 2**30
_SAFE_AGAIN = (
    "save the weights alone: safetensors.torch.save_file(model.state_dict(), 'model.safetensors')"
)
_NESTED = ("state_dict", "model_state_dict")


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a state dict from .safetensors, .pt, .pth or .ckpt.

    Raises
    ------
    ModelError
        When the file is missing, damaged, too large, holds code or anything but finite tensors.
    """
    if not path.is_file():
        raise ModelError(f"there is no weights file {path}; check the path")
    if path.suffix == ".safetensors":
        state = _read_safetensors(path)
    elif path.suffix in (".pt", ".pth", ".ckpt"):
        state = _read_torch(path)
    else:
        raise ModelError(
            f"{path.name} is no weights file; weights are read from .safetensors, .pt, .pth or "
            f".ckpt, so {_SAFE_AGAIN}"
        )
    for name, tensor in state.items():
        if not _is_plain(tensor):
            raise ModelError(
                f"{path.name}: the weight {name} is sparse, quantised, complex or has no values "
                "of its own; save ordinary weights"
            )
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise ModelError(
                f"{path.name}: the weight {name} has values that are not finite; train or export "
                "the model again"
            )
    return state


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    _check_header(path)
    try:
        return dict(load_file(path))
    except (SafetensorError, ValueError, OSError) as error:
        raise ModelError(
            f"{path.name} is damaged ({_line(error)}); copy or export it again"
        ) from error


def _check_header(path: Path) -> None:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(_LONGEST_HEADER, path.stat().st_size):
            raise ModelError(
                f"{path.name} is damaged: its header claims {length} bytes, the file has "
                f"{path.stat().st_size}; copy or export it again"
            )
        # Every tensor takes at least 40 bytes of header, so this is checked before parsing.
        text = file.read(length)
    if text.count(b'"dtype"') > _MOST_TENSORS:
        raise ModelError(f"{path.name} holds more than {_MOST_TENSORS} tensors; that is no model")
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(
            f"{path.name} is damaged: its header is no JSON; export it again"
        ) from error


def _read_torch(path: Path) -> dict[str, Tensor]:
    _check_archive(path)
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path.name} can run code when opened (it is a pickled model, not weights); ask its "
            f"author to {_SAFE_AGAIN}"
        ) from error
    except Exception as error:  # a damaged file raises almost anything
        raise ModelError(
            f"{path.name} is damaged or no torch file ({_line(error)}); copy or export it again"
        ) from error
    return _state_of(loaded, path)


def _check_archive(path: Path) -> None:
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except zipfile.BadZipFile as error:
        raise ModelError(f"{path.name} is damaged ({error}); copy or export it again") from error
    names = [m.filename for m in members]
    if any("/code/" in n or n.endswith("constants.pkl") for n in names):
        raise ModelError(
            f"{path.name} is a TorchScript program, which is code; {_SAFE_AGAIN} and name the "
            "architecture"
        )
    if any(m.compress_type != zipfile.ZIP_STORED for m in members):
        raise ModelError(
            f"{path.name} holds compressed records, which torch never writes; {_SAFE_AGAIN}"
        )
    if sum(m.file_size for m in members) > _MOST_BYTES or len(members) > _MOST_TENSORS + 100:
        raise ModelError(
            f"{path.name} is larger than {_MOST_BYTES // 2**30} GiB or holds more than "
            f"{_MOST_TENSORS} tensors; that is no model"
        )


def _state_of(loaded: object, path: Path) -> dict[str, Tensor]:
    """Find the state dict in what a training script saved."""
    for key in _NESTED:  # once each: a file may nest for ever
        if isinstance(loaded, Mapping) and isinstance(loaded.get(key), Mapping):
            loaded = loaded[key]
    if isinstance(loaded, Mapping):
        state = {str(name): value for name, value in loaded.items() if isinstance(value, Tensor)}
        if state and len(state) == len(loaded):
            return state
    raise ModelError(f"{path.name} holds no state dict of tensors; {_SAFE_AGAIN}")


def _is_plain(tensor: Tensor) -> bool:
    """Whether every number of the tensor lies in the file; a shape may claim more than that."""
    return (
        tensor.layout == torch.strided
        and not tensor.is_quantized
        and not tensor.is_complex()
        and tensor.device.type == "cpu"
        and tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()
    )


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:120].rstrip(".") if lines else type(error).__name__
