"""The averaged gradient against closed forms and against captum's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import NoiseTunnel, Saliency
from tests.methods.test_integrated_gradients import Curved, weights_of_the_mean
from tests.toy import CHANNELS, linear_model, people, planes

from napari_latentattr import Cohort, LatentModel, attribute
from napari_latentattr.core.errors import InputError
from napari_latentattr.methods.voxel_noise import VoxelNoise


def curved() -> tuple[LatentModel, Cohort]:
    cohort = Cohort.from_arrays(3 * planes(), channels=CHANNELS)
    return LatentModel.from_module(Curved(), latent="encoder", n_channels=3, ndim=2), cohort


def mean_of_map(model: LatentModel, which: int):
    return lambda x: model.module.encoder(x)[:, which].mean(dim=(1, 2))


@pytest.mark.parametrize("noise", [0.0, 1.5])
def test_of_a_linear_encoder_it_is_its_weights_whatever_the_noise(noise) -> None:
    cohort = people()
    found = attribute(linear_model(), cohort[2], 1, method="smooth_gradient", noise=noise)
    expected = weights_of_the_mean(cohort, 2, 1)
    np.testing.assert_allclose(found.volume, expected, rtol=0, atol=1e-6)
    inside = expected[:, cohort[2].mask]
    np.testing.assert_allclose(found.score, np.sqrt((inside**2).mean(axis=1)), rtol=1e-5)


def test_without_noise_it_is_the_gradient_that_captum_gives() -> None:
    model, cohort = curved()
    found = attribute(model, cohort[0], 2, method="smooth_gradient", noise=0.0, samples=1)
    x = torch.from_numpy(cohort[0].data[None].copy()).requires_grad_()
    expected = Saliency(mean_of_map(model, 2)).attribute(x, abs=False)[0].numpy()
    np.testing.assert_allclose(found.volume, expected, rtol=0, atol=1e-5)


class SameNoise(NoiseTunnel):
    """Captum's own average, over the noise that the method draws from its seed."""

    drawn: torch.Tensor

    def _add_noise_to_input(self, given, stdev, samples):
        return given + self.drawn


def test_it_is_what_captum_gives_for_noise_as_wide_as_the_images_inside_the_mask() -> None:
    model, _ = curved()
    mask = np.zeros((6, 8, 8), dtype=bool)
    mask[:, :6, 2:] = True
    loud = np.where(mask[:, None], planes(), 100 * planes())
    stack, samples = Cohort.from_arrays(loud, channels=CHANNELS, masks=mask)[0], 7
    options = {"method": "smooth_gradient", "voxel": (1, 2)}
    found = attribute(model, stack, 2, noise=0.5, samples=samples, seed=4, **options)
    spread = planes()[0][:, mask[0]].std(axis=1)
    drawn = VoxelNoise((8, 8), np.ones((3, 1, 1), np.float32), 4)
    noise = np.stack(
        [drawn.at([slice(0, 3), slice(0, 8), slice(0, 8)], sample) for sample in range(samples)]
    )
    tunnel = SameNoise(Saliency(lambda x: model.module.encoder(x)[:, 2, 1, 2]))
    tunnel.drawn = torch.from_numpy(0.5 * spread[:, None, None] * noise)
    x = torch.from_numpy(stack.data[None].copy())
    expected = tunnel.attribute(x, nt_samples=samples, abs=False)[0].numpy()
    np.testing.assert_allclose(found.volume, expected, rtol=0, atol=1e-5)
    plain = attribute(model, stack, 2, noise=0.0, samples=1, **options)
    assert np.abs(found.volume - plain.volume).max() > 1e-3


def test_batches_give_the_same_answer(monkeypatch) -> None:
    from napari_latentattr.methods import gradients

    model, cohort = curved()
    whole = attribute(model, cohort[0], 0, method="smooth_gradient", seed=1)
    monkeypatch.setattr(gradients, "BATCH_BYTES", 4 * 3 * 64 * 4)
    parts = attribute(model, cohort[0], 0, method="smooth_gradient", seed=1)
    np.testing.assert_allclose(parts.volume, whole.volume, rtol=0, atol=1e-6)


def test_more_noise_than_the_images_are_wide_is_refused() -> None:
    with pytest.raises(InputError, match="noise must be a number from 0 to 2 standard deviations"):
        attribute(linear_model(), people()[0], 0, method="smooth_gradient", noise=3.0)
