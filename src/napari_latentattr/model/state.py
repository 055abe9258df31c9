"""The state of somebody else's module: its fingerprint, and a promise to give it back unchanged.

Refuses to know what the module computes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

_HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_pre_hooks_with_kwargs",
    "_forward_hooks_always_called",
)


def state_hash(state: Mapping[str, Tensor]) -> str:
    """Sha256 over the sorted names, dtypes, shapes and bytes of a state dict."""
    digest = hashlib.sha256()
    for name in sorted(state):
        value = state[name].detach().cpu().contiguous()
        digest.update(f"{name}|{value.dtype}|{tuple(value.shape)}|".encode())
        digest.update(value.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


@contextmanager
def undisturbed(module: nn.Module) -> Iterator[None]:
    """Put `module` into evaluation mode without gradients; give everything back on leaving.

    Training flags of every submodule, hooks, instance-level ``forward`` functions,
    ``requires_grad`` and buffers are as before, also after an exception.
    """
    parts = list(module.modules())
    flags = [part.training for part in parts]
    hooks = [[dict(getattr(part, name)) for name in _HOOKS] for part in parts]
    forwards = [part.__dict__.get("forward") for part in parts]
    buffers = [(part, dict(part._buffers)) for part in parts if part._buffers]
    copies = [
        (b, b._version, b.detach().clone())
        for _, own in buffers
        for b in own.values()
        if b is not None
    ]
    wants = [(p, p.requires_grad) for p in module.parameters()]
    try:
        for part in parts:
            part.training = False
        with torch.no_grad():
            yield
    finally:
        for part, flag, saved, forward in zip(parts, flags, hooks, forwards, strict=True):
            part.training = flag
            _restore_hooks(part, saved)
            if forward is None:
                part.__dict__.pop("forward", None)
            else:
                part.__dict__["forward"] = forward
        for part, own in buffers:
            part._buffers.clear()
            part._buffers.update(own)
        with torch.no_grad():
            for buffer, version, copy in copies:
                if buffer._version != version:
                    buffer.copy_(copy)
        for parameter, wanted in wants:
            parameter.requires_grad_(wanted)


def _restore_hooks(part: nn.Module, saved: list[dict[int, object]]) -> None:
    for name, entries in zip(_HOOKS, saved, strict=True):
        present = getattr(part, name)
        if present != entries:
            present.clear()
            present.update(entries)
