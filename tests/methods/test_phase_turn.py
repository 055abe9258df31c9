"""What a push is expected to do: the closed form against drawing the pictures themselves."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_latentattr.core.types import Grid, ImageStack
from napari_latentattr.methods.cohort_spectrum import CohortSpectrum, SpectrumSums
from napari_latentattr.methods.phase_picture import PhasePictures


def spectrum(side: int) -> CohortSpectrum:
    rng = np.random.default_rng(5)
    sums, grid = SpectrumSums(), Grid.from_spacing((8, side), (1, 1))
    for i in range(5):
        x = rng.normal(1, 1, size=(2, 8, side)).astype(np.float32)
        sums.add(ImageStack(f"c{i}", ("A", "B"), x, grid))
    return sums.spectrum()


@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize("side", [8, 9])
def test_the_expected_change_is_that_of_the_pictures(side: int, free: bool) -> None:
    found = spectrum(side)
    pictures = PhasePictures(found, found.phase, spread=0.1, seed=0, device="cpu")
    slope = torch.randn(2, 8, side, generator=torch.Generator().manual_seed(1))
    before = pictures.start()
    confined = pictures.transform(pictures.confine(pictures.draw(before)))
    before = pictures.made_up(before, confined)
    push = pictures.magnitude * pictures.transform(slope)
    turn = pictures.turn(before, push / push.abs().amax(), free=free)
    change = turn.change(pictures.weigh(pictures.transform(slope)), before)
    for strength in (-50.0, 0.0, 0.3, 4.0, 1e5):
        drawn = pictures.draw(turn.waves(strength)) - pictures.draw(before)
        assert change(strength) == pytest.approx(float((slope * drawn).sum()), abs=2e-3)
    assert change(4.0) > change(0.3) + 1
