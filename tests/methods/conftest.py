"""What several tests of methods watch."""

from __future__ import annotations

import pytest
import torch

from napari_latentattr.model.tiles import Canvas


@pytest.fixture
def tiles(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Voxels of the input of every tile that was run."""
    seen: list[int] = []
    for name in ("tile", "latents"):
        run = getattr(Canvas, name)

        def noted(self: Canvas, x: torch.Tensor, boxes: object, run: object = run) -> object:
            seen.append(x[0, 0].numel())
            return run(self, x, boxes)

        monkeypatch.setattr(Canvas, name, noted)
    return seen
