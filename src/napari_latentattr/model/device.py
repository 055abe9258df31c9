"""Where networks run, and how much memory there is."""

from __future__ import annotations

import psutil
import torch

# Of main memory, for the activations of one image at a time: enough for a volume of 128 cubed.
_MOST_BYTES = 2**29


def free_bytes(device: str) -> int:
    """Memory of a device that nobody uses."""
    if torch.device(device).type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return int(psutil.virtual_memory().available)


def room(device: str) -> int:
    """Memory that the activations of one image may take before it is run in parts."""
    share = free_bytes(device) // 4
    return share if torch.device(device).type == "cuda" else min(_MOST_BYTES, share)
