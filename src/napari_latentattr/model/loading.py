"""From a weights file to a model, by how far the file is trusted.

Weights and a built-in architecture open without asking. A factory in Python runs only with trust.
Pickled models never open.
"""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Mapping
from hashlib import sha256
from os import PathLike
from pathlib import Path

from torch import Tensor, nn

from napari_latentattr.core.errors import ModelError, UntrustedModelError
from napari_latentattr.model.architectures import build
from napari_latentattr.model.device import chosen_device
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.self_test import self_test
from napari_latentattr.model.weights import read_weights

_PREFIXES = ("model.", "net.", "module.", "autoencoder.", "_orig_mod.")
_CLOSE = 1e-5  # of the largest value of the picture


def load_model(
    weights: str | PathLike[str],
    *,
    architecture: str | None = None,
    arguments: Mapping[str, object] | None = None,
    latent: str | None = None,
    trust: bool = False,
) -> LatentModel:
    """Load a trained autoencoder, onto a GPU of CUDA if there is one.

    The environment variable NAPARI_LATENTATTR_DEVICE names another device: cpu, cuda or cuda:1.

    Parameters
    ----------
    weights : path
        .safetensors, or .pt, .pth, .ckpt with weights alone.
    architecture : str
        A built-in name, or ``"code:file.py:function"`` for a factory of your own, relative to
        the folder of the weights; a factory needs `trust`.
    arguments : mapping, optional
        Of the architecture; ``n_channels`` and ``ndim`` at least.
    latent : str, optional
        Submodule whose output is the latent; found by probing when None.
    trust : bool
        Allow the factory's code to run.

    Raises
    ------
    UntrustedModelError
        When code would have to run and trust was not given.
    ModelError
        When the file or the architecture does not fit.
    """
    path, given = Path(weights), dict(arguments or {})
    if architecture is None:
        raise ModelError(
            f"{path.name} holds weights only; name their architecture, for example "
            "architecture: conv_autoencoder with its arguments"
        )
    if ".py:" in architecture:
        module, default_latent = _from_factory(path, architecture, given, trust=trust), None
    else:
        module, default_latent = build(architecture, given)
    _fill(module, read_weights(path), path)
    module.eval().to(chosen_device())
    sizes = {name: _whole_number(given, name) for name in ("n_channels", "ndim")}
    model = LatentModel.from_module(
        module, latent=latent or default_latent, n_channels=sizes["n_channels"], ndim=sizes["ndim"]
    )
    _check(model, path)
    return model


def _whole_number(arguments: Mapping[str, object], name: str) -> int:
    value = arguments.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ModelError(f"arguments need {name} as a whole number, got {value!r}")
    return value


def _fill(module: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    """Load weights strictly, after taking off a training framework's prefix."""
    wanted = module.state_dict()
    state = next(
        (named for named in _without_prefix(state) if named.keys() == wanted.keys()), state
    )
    lacking, unknown = wanted.keys() - state.keys(), state.keys() - wanted.keys()
    if lacking or unknown:
        what = f"lacks {_some(lacking)}" if lacking else f"also holds {_some(unknown)}"
        raise ModelError(
            f"{path.name} does not fit the architecture: it {what}; check the architecture and "
            "its arguments"
        )
    for name, tensor in state.items():
        if tensor.shape != wanted[name].shape:
            raise ModelError(
                f"{path.name} does not fit the architecture: {name} has shape "
                f"{tuple(tensor.shape)}, the architecture needs {tuple(wanted[name].shape)}; check "
                "its arguments"
            )
    module.load_state_dict(state, strict=True)


def _without_prefix(state: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    named = [state]
    for prefix in _PREFIXES:
        inner = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
        if inner:
            named.append(inner)
    return named


def _some(names: set[str]) -> str:
    first = sorted(names)[0]
    return first if len(names) == 1 else f"{first} and {len(names) - 1} more weights"


def _check(model: LatentModel, path: Path) -> None:
    tried = self_test(model)
    if not tried.repeats:
        raise ModelError(
            f"{path.name}: the same image gives another latent each time, so nothing can be "
            "measured; make the model deterministic in evaluation mode"
        )
    if not math.isnan(tried.gap) and tried.gap > _CLOSE:
        raise ModelError(
            f"{path.name}: decoding the output of {model.spec.layer} misses the model's own "
            f"picture by {tried.gap:.0e}, so it is not all of the latent; name another layer"
        )


def _from_factory(
    weights: Path, architecture: str, arguments: dict[str, object], *, trust: bool
) -> nn.Module:
    """Build a module with the user's own Python; runs code."""
    file, _, function = architecture.removeprefix("code:").rpartition(":")
    path = weights.parent / file
    if not path.is_file():
        raise ModelError(f"there is no file {path} to build the model with; check `code`")
    source = path.read_bytes()
    if not trust:
        raise UntrustedModelError(
            f"{path} (sha256 {sha256(source).hexdigest()[:16]}) is Python code that would run on "
            "this computer; if you trust it, give trust=True or --trust"
        )
    name = f"latentattr_factory_{sha256(source).hexdigest()[:16]}"
    spec = importlib.util.spec_from_loader(name, loader=None)
    if spec is None:
        raise ModelError(f"{path.name} cannot be read as Python")
    namespace = importlib.util.module_from_spec(spec)
    sys.modules[name] = namespace  # dataclasses look up the module that they are defined in
    try:
        exec(compile(source, str(path), "exec"), namespace.__dict__)
        module = getattr(namespace, function)(**arguments)
    except Exception as error:  # the user's code may raise anything
        raise ModelError(
            f"{path.name}: {function} failed with {type(error).__name__}: "
            f"{str(error).splitlines()[0] if str(error) else ''}; run it on its own to see why"
        ) from error
    if not isinstance(module, nn.Module):
        raise ModelError(
            f"{path.name}: {function} returned a {type(module).__name__}, it must return a "
            "torch.nn.Module"
        )
    return module
