"""The independent unit that each case belongs to: what statistics may resample and no smaller.

Neighbouring slices of one person resemble each other, so they are taken in blocks.
"""

from __future__ import annotations

from collections.abc import Sequence

PATIENTS = "patients"
SLICES = "slices of one person"
IMAGES = "images of one person"

# Neighbouring slices to a block; on DTI this made intervals 1.5 to 1.9 times as wide.
BLOCK = 3


def name_blocks(sequences: Sequence[str]) -> tuple[str, ...]:
    """Block of three neighbours of each slice; no block reaches into another sequence."""
    names: list[str] = []
    block, filled = -1, 0
    for i, sequence in enumerate(sequences):
        if i == 0 or filled == BLOCK or sequence != sequences[i - 1]:
            block, filled = block + 1, 0
        filled += 1
        names.append(f"block-{block:02d}")
    return tuple(names)
