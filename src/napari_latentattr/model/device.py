"""Where networks run, how much memory there is, and that a GPU rounds no more than a processor."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import torch

from napari_latentattr.core.errors import ModelError

VARIABLE = "NAPARI_LATENTATTR_DEVICE"

# Of main memory, for the activations of one image at a time: enough for a volume of 128 cubed.
_MOST_BYTES = 2**29
# Of a GPU's free memory: a batch has its inputs and outputs, and what lies between them.
_BATCHES = 64


def chosen_device() -> str:
    """Device for a model that is loaded: what the environment names, else a GPU if there is one.

    Raises
    ------
    ModelError
        When the environment names none, or one that is not there.
    """
    named = os.environ.get(VARIABLE, "")
    there = torch.cuda.is_available()
    if not named:
        return "cuda" if there else "cpu"
    kind, _, number = named.partition(":")
    if kind == "cuda" and not there:
        raise ModelError(f"{VARIABLE} is {named}, and torch finds no GPU; set it to cpu")
    numbered = number.isdecimal() and int(number) < torch.cuda.device_count()
    if named not in ("cpu", "cuda") and not (kind == "cuda" and numbered):
        raise ModelError(
            f"{VARIABLE} must be cpu, cuda or the number of a GPU such as cuda:0, got {named!r}"
        )
    return named


def on_gpu(device: str) -> bool:
    """Whether this is a device of CUDA."""
    return torch.device(device).type == "cuda"


def free_bytes(device: str) -> int:
    """Memory of a device that nobody uses."""
    if on_gpu(device):
        return torch.cuda.mem_get_info(device)[0]
    return int(psutil.virtual_memory().available)


def room(device: str) -> int:
    """Memory that the activations of one image may take before it is run in parts."""
    share = free_bytes(device) // 4
    return share if on_gpu(device) else min(_MOST_BYTES, share)


def block_bytes(device: str, on_processor: int) -> int:
    """Size of the largest block in a batch; a processor's is given, a GPU's goes by its memory."""
    return max(on_processor, free_bytes(device) // _BATCHES) if on_gpu(device) else on_processor


@contextmanager
def exact(device: str) -> Iterator[None]:
    """Let a GPU compute in full single precision, the same each time; nothing on a processor.

    By default it rounds what convolutions are given to 10 bits, an error of one in a thousand.
    """
    if not on_gpu(device):
        yield
        return
    matrices = torch.backends.cuda.matmul
    before, matrices.allow_tf32 = matrices.allow_tf32, False
    try:
        with torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=False
        ):
            yield
    finally:
        matrices.allow_tf32 = before
