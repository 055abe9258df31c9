"""How many threads work may use while somebody looks at a window."""

from __future__ import annotations

import os

import torch


def free_cores() -> int:
    """Count all cores but the one that the window needs."""
    return max(1, (os.cpu_count() or 2) - 1)


def leave_one_core() -> None:
    """Let torch compute on all cores but one, in the thread that calls."""
    torch.set_num_threads(free_cores())
