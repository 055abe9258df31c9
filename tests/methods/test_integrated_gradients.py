"""Integrated gradients against the closed form of a linear encoder and the promise to add up."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients
from tests.toy import CHANNELS, LinearAutoencoder, linear_model, people, planes
from torch import nn

from napari_latentattr import Cohort, LatentModel, attribute
from napari_latentattr.core.errors import Cancelled, InputError
from napari_latentattr.core.latent_grid import latents_inside
from napari_latentattr.model.state import state_hash


def weights_of_the_mean(cohort: Cohort, case: int, which: int) -> np.ndarray:
    """Gradient (3, 8, 8) of the mean of a map over the latents of the body."""
    model = linear_model()
    inside = latents_inside(cohort[case].mask, model.spec, (4, 4))
    kernel = LinearAutoencoder().encoder.weight.detach().double().numpy()[which]
    return np.concatenate([np.kron(inside / inside.sum(), k)[None] for k in kernel])


@pytest.mark.parametrize("baseline", ["mean", "zero"])
def test_of_a_linear_encoder_they_are_weights_times_the_way_from_the_baseline(baseline) -> None:
    cohort = people()
    found = attribute(
        linear_model(),
        cohort[2],
        1,
        method="integrated_gradients",
        cohort=cohort,
        baseline=baseline,
        steps=8,
    )
    start = planes().mean(axis=0) if baseline == "mean" else 0.0
    expected = weights_of_the_mean(cohort, 2, 1) * (planes()[2] - start)
    np.testing.assert_allclose(found.volume, expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.score, expected.sum(axis=(1, 2)), rtol=0, atol=1e-5)
    assert abs(found.residual) < 1e-5


class Curved(nn.Module):
    """With kinks, so that a few steps do not follow it."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.encoder = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 4, 3, padding=1), nn.Tanh()
        )
        self.decoder = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(4, 3, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.encoder(x))


def curved_answer(steps: int):
    cohort = Cohort.from_arrays(3 * planes(), channels=CHANNELS)
    model = LatentModel.from_module(Curved(), latent="encoder", n_channels=3, ndim=2)
    found = attribute(
        model, cohort[0], 0, method="integrated_gradients", cohort=cohort, steps=steps
    )
    mean = (3 * planes()).mean(axis=0, keepdims=True)
    change = model.encode(cohort[0].data[None])[0, 0].mean() - model.encode(mean)[0, 0].mean()
    return found, change


def test_the_residual_is_what_the_scores_miss_and_falls_with_the_steps() -> None:
    (rough, change), (fine, _) = curved_answer(8), curved_answer(128)
    assert rough.residual == pytest.approx(rough.score.sum() - change, abs=1e-6)
    assert abs(fine.residual) < 0.05 * abs(change)
    assert abs(fine.residual) < 0.5 * abs(rough.residual)


def test_they_are_what_captum_gives() -> None:
    cohort = Cohort.from_arrays(3 * planes(), channels=CHANNELS)
    found, _ = curved_answer(16)
    x, base = torch.from_numpy(cohort[0].data[None].copy()), torch.from_numpy(3 * planes())
    peer = IntegratedGradients(lambda images: Curved().encoder(images)[:, 0].mean(dim=(1, 2)))
    expected = peer.attribute(x, base.mean(dim=0, keepdim=True), n_steps=16)[0].numpy()
    np.testing.assert_allclose(found.volume, expected, rtol=0, atol=1e-6)


def test_steps_in_batches_give_the_same_answer(monkeypatch) -> None:
    from napari_latentattr.methods import gradients

    whole, _ = curved_answer(16)
    monkeypatch.setattr(gradients, "BATCH_BYTES", 3 * 3 * 64 * 4)
    parts, _ = curved_answer(16)
    np.testing.assert_allclose(parts.volume, whole.volume, rtol=0, atol=1e-6)


def test_a_mean_baseline_without_a_cohort_is_refused_and_zero_needs_none() -> None:
    stack = people()[0]
    with pytest.raises(InputError, match="needs a cohort of at least 2 cases, got no cohort"):
        attribute(linear_model(), stack, 0, method="integrated_gradients")
    found = attribute(linear_model(), stack, 0, method="integrated_gradients", baseline="zero")
    assert abs(found.residual) < 1e-5


class StopsBetweenBatches:
    """Asks to stop when half of the steps were taken."""

    def __init__(self) -> None:
        self.steps: list[int] = []

    def report(self, done: int, total: int, text: str) -> None:
        if text == "following the gradient":
            self.steps.append(done)
            if done >= total / 2:
                raise Cancelled("stopped")


def test_it_stops_between_batches_and_leaves_the_model_as_it_was(monkeypatch) -> None:
    from napari_latentattr.methods import gradients

    monkeypatch.setattr(gradients, "BATCH_BYTES", 4 * 3 * 64 * 4)
    model, cohort, watch = linear_model(), people(), StopsBetweenBatches()
    before = state_hash(model.module.state_dict())
    with pytest.raises(Cancelled, match="stopped"):
        attribute(
            model,
            cohort[0],
            0,
            method="integrated_gradients",
            cohort=cohort,
            steps=16,
            progress=watch,
        )
    assert watch.steps == [0, 4, 8]
    assert model.module.training
    assert all(p.requires_grad and p.grad is None for p in model.module.parameters())
    assert state_hash(model.module.state_dict()) == before
