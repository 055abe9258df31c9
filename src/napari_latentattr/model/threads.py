"""How many threads torch may use while somebody looks at a window."""

from __future__ import annotations

import os

import torch


def leave_one_core() -> None:
    """Let torch compute on all cores but one, in the thread that calls; the window needs one."""
    torch.set_num_threads(max(1, (os.cpu_count() or 2) - 1))
