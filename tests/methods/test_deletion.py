"""Deletion and insertion against closed forms of linear encoders."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.toy import encoded, linear_model, people, planes
from torch import nn

from napari_latentattr import Cohort, LatentModel
from napari_latentattr.core.errors import Cancelled
from napari_latentattr.core.latent_grid import latents_inside
from napari_latentattr.core.progress import SILENT
from napari_latentattr.core.types import ImageStack
from napari_latentattr.methods.deletion import ORDERS, SHARES, exchange_curve


class Pointwise(nn.Module):
    """Every latent is one voxel of one image times 3."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Conv2d(1, 2, 1)
        self.decoder = nn.Conv2d(2, 1, 1)
        with torch.no_grad():
            self.encoder.weight.fill_(3.0)
            self.encoder.bias.fill_(1.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.encoder(x))


def pointwise() -> LatentModel:
    return LatentModel.from_module(Pointwise(), latent="encoder", n_channels=1, ndim=2)


def one_image(side: int = 8) -> ImageStack:
    x = np.random.default_rng(2).normal(size=(1, 1, side, side)).astype(np.float32)
    return Cohort.from_arrays(x, channels=["A"])[0]


def curve_of(model, stack, picture, start, end, *, which=0, latents=None, seed=0):
    return exchange_curve(
        model,
        stack,
        which,
        picture,
        start=start,
        end=end,
        latents=latents,
        seed=seed,
        progress=SILENT,
    )


def test_of_a_pointwise_encoder_the_move_is_the_root_of_the_largest_squares_so_far() -> None:
    stack = one_image()
    gone = np.zeros_like(stack.data)
    found = curve_of(pointwise(), stack, stack.data, stack.data, gone)
    by_size = stack.data.ravel()[np.argsort(-np.abs(stack.data.ravel()))].astype(np.float64)
    n = (64 * SHARES).astype(int)
    squares = np.array([(9 * by_size[:k] ** 2).sum() for k in n])
    np.testing.assert_allclose(found.moved, np.sqrt(squares / 64), rtol=1e-5)
    rest = np.array([3 * by_size[k:].sum() / 64 + 1 for k in n])
    np.testing.assert_allclose(found.values, rest, rtol=0, atol=1e-5)
    assert found.p == pytest.approx(1 / (1 + ORDERS))
    # No order can do better, and its reverse does worse than every random one.
    worst = curve_of(pointwise(), stack, 1 / stack.data, stack.data, gone)
    assert worst.area < found.null.min() < 0 < found.null.max() < found.area
    assert worst.p == 1


def test_of_equal_moves_every_order_is_the_same_root_of_the_share() -> None:
    stack = one_image()
    ones = np.ones_like(stack.data)
    found = curve_of(pointwise(), stack, stack.data, ones, np.zeros_like(ones))
    np.testing.assert_allclose(found.moved, 3 * np.sqrt(SHARES), rtol=1e-6)
    np.testing.assert_allclose(found.random, np.tile(found.moved, (ORDERS, 1)), rtol=1e-6)
    assert found.area == pytest.approx(0, abs=1e-6)


def linear_case() -> tuple[ImageStack, np.ndarray, np.ndarray]:
    stack = people()[2]
    picture = np.random.default_rng(0).normal(size=stack.data.shape).astype(np.float32)
    return stack, planes().mean(axis=0), picture


def test_insertion_into_a_linear_encoder_moves_the_map_as_deletion_does() -> None:
    stack, mean, picture = linear_case()
    deletion = curve_of(linear_model(), stack, picture, stack.data, mean)
    insertion = curve_of(linear_model(), stack, picture, mean, stack.data)
    np.testing.assert_allclose(insertion.moved, deletion.moved, rtol=0, atol=1e-5)
    np.testing.assert_allclose(insertion.random, deletion.random, rtol=0, atol=1e-5)
    # The means of the two add up to those of both ends, at every share.
    ends = deletion.values[0] + deletion.values[-1]
    np.testing.assert_allclose(insertion.values + deletion.values, ends, rtol=0, atol=1e-5)


@pytest.mark.parametrize("voxel", [None, (1, 2)])
def test_voxels_inside_the_mask_are_exchanged_and_latents_that_count_are_read(voxel) -> None:
    stack, mean, picture = linear_case()
    model = linear_model()
    counted = latents_inside(stack.mask, model.spec, (4, 4))
    latents = None
    if voxel is not None:
        latents = np.zeros((4, 4), dtype=bool)
        latents[voxel] = True
        counted = latents
    found = curve_of(model, stack, picture, stack.data, mean, which=1, latents=latents)
    order = np.argsort(-np.abs(np.where(stack.mask, picture, 0)).ravel(), kind="stable")
    n_inside = 3 * int(stack.mask.sum())
    before = encoded(stack.data[None])[0, 1][counted]
    for share, value, moved in zip(SHARES, found.values, found.moved, strict=True):
        images = stack.data.astype(np.float64).ravel()
        first = order[: round(share * n_inside)]
        images[first] = mean.ravel()[first]
        after = encoded(images.reshape(1, 3, 8, 8))[0, 1][counted]
        assert value == pytest.approx(after.mean(), abs=1e-5)
        assert moved == pytest.approx(np.sqrt(((after - before) ** 2).mean()), abs=1e-5)


def test_one_picture_for_all_images_ranks_the_same_voxel_of_each_alike() -> None:
    stack, mean, picture = linear_case()
    single = curve_of(linear_model(), stack, picture[:1], stack.data, mean)
    spread = curve_of(
        linear_model(), stack, np.broadcast_to(picture[:1], picture.shape), stack.data, mean
    )
    np.testing.assert_array_equal(single.moved, spread.moved)


def test_a_flat_picture_is_one_more_random_order() -> None:
    stack, mean, picture = linear_case()
    flat = np.ones_like(picture)
    curves = [curve_of(linear_model(), stack, flat, stack.data, mean, seed=s) for s in range(20)]
    ps = [curve.p for curve in curves]
    assert 0.3 < np.mean(ps) < 0.75
    assert not np.array_equal(curves[0].moved, curves[1].moved)


def test_it_can_be_stopped_and_changes_nothing() -> None:
    stack, mean, picture = linear_case()
    model = linear_model()
    data, drawn = stack.data.copy(), picture.copy()

    class Stops:
        def report(self, done: int, total: int, text: str) -> None:
            if done == 3:
                raise Cancelled("stopped")

    with pytest.raises(Cancelled, match="stopped"):
        exchange_curve(
            model,
            stack,
            0,
            picture,
            start=stack.data,
            end=mean,
            latents=None,
            seed=0,
            progress=Stops(),
        )
    assert model.module.training
    np.testing.assert_array_equal(stack.data, data)
    np.testing.assert_array_equal(picture, drawn)


def test_shares_and_orders_are_those_that_were_promised() -> None:
    stack, mean, picture = linear_case()
    found = curve_of(linear_model(), stack, picture, stack.data, mean)
    assert found.random.shape == (ORDERS, len(SHARES)) == (19, 8)
    assert (found.shares[0], found.shares[-1]) == (0, 1)
    assert found.moved[0] == 0
    np.testing.assert_array_equal(found.random[:, -1], found.moved[-1])
