"""A small limit of memory stands for a large image: parts must give what the whole gives."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from tests.large import SHAPES, model_of, plain, rectified, residual, stack_of
from torch import nn

from napari_latentattr import (
    Cohort,
    ImageStack,
    attribute,
    channel_dependence,
    methods,
)
from napari_latentattr.core.errors import Cancelled, ModelError
from napari_latentattr.core.stopping import stoppable
from napari_latentattr.model.covered import CoveredCase


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("network", [plain, residual])
def test_encoding_in_tiles_gives_what_the_whole_gives(
    network: Callable[[int], nn.Module], ndim: int, tiles: list[int]
) -> None:
    torch.manual_seed(0)
    model, stack = model_of(network(ndim), 2, ndim), stack_of(SHAPES[ndim])
    whole = model.encode(stack.data[None])
    assert not tiles
    model.most_bytes = stack.data.nbytes // 4
    parts = model.encode(np.stack([stack.data, stack.data]))
    assert len(tiles) > 8
    assert max(tiles) < np.prod(SHAPES[ndim])
    np.testing.assert_allclose(parts[0], whole[0], rtol=0, atol=1e-6 * np.abs(whole).max())
    np.testing.assert_array_equal(parts[0], parts[1])


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("network", [plain, residual])
@pytest.mark.parametrize(
    "asked", [{}, {"masked": True}, {"voxel": True}, {"region": True}, {"together": True}]
)
def test_attributing_in_tiles_gives_what_the_whole_gives(
    network: Callable[[int], nn.Module], ndim: int, asked: dict[str, bool], tiles: list[int]
) -> None:
    torch.manual_seed(0)
    model = model_of(network(ndim), 2, ndim)
    shape = SHAPES[ndim]
    stack = stack_of(shape, masked="masked" in asked)
    given: dict[str, object] = {"patch": 7.0, "stride": 5.0}
    if "voxel" in asked:
        given["voxel"] = (2,) * ndim
    if "region" in asked:
        given["region"] = np.indices(shape).sum(axis=0) < sum(shape) // 2
    if "together" in asked:
        given["together"] = True
    whole = attribute(model, stack, 3, **given)
    assert tiles == [np.prod(shape)]
    tiles.clear()
    model.most_bytes = stack.data.nbytes // 2
    parts = attribute(model, stack, 3, **given)
    assert len(tiles) > 3 or "voxel" in asked
    assert min(tiles) < np.prod(shape)
    largest = np.abs(whole.volume).max()
    assert largest > 0
    np.testing.assert_allclose(parts.volume, whole.volume, rtol=0, atol=1e-5 * largest)
    np.testing.assert_allclose(parts.score, whole.score, rtol=1e-5)


def test_slices_of_a_volume_are_tiled_one_by_one(tiles: list[int]) -> None:
    torch.manual_seed(0)
    model, stack = model_of(plain(2), 2, 2), stack_of((5, 60, 52))
    whole = attribute(model, stack, 1, patch=9.0, stride=9.0)
    tiles.clear()
    model.most_bytes = 10_000
    parts = attribute(model, stack, 1, patch=9.0, stride=9.0)
    assert len(tiles) > 3 * 5
    largest = np.abs(whole.volume).max()
    np.testing.assert_allclose(parts.volume, whole.volume, rtol=0, atol=1e-5 * largest)


WHERE = [key for key, method in methods().items() if method.view == "where"]


@pytest.mark.parametrize("sliced", [False, True])
@pytest.mark.parametrize("key", WHERE)
def test_every_method_gives_the_same_however_little_memory_there_is(key: str, sliced: bool) -> None:
    torch.manual_seed(0)
    model = model_of(rectified(2), 2, 2)
    shape = (2, 41, 30) if sliced else (41, 30)
    images = np.random.default_rng(2).normal(size=(3, 2, *shape)).astype(np.float32)
    cohort = Cohort.from_arrays(images, channels=["a", "b"])
    few = {"integrated_gradients": {"steps": 8}, "smooth_gradient": {"samples": 4}}.get(key, {})
    whole = attribute(model, cohort[0], 2, method=key, cohort=cohort, **few)
    plane = images[:1, :, 0] if sliced else images[:1]
    model.most_bytes = model.footprint(torch.from_numpy(plane)) - 1
    parts = attribute(model, cohort[0], 2, method=key, cohort=cohort, **few)
    largest = np.abs(whole.volume).max()
    assert largest > 0
    np.testing.assert_allclose(parts.volume, whole.volume, rtol=0, atol=1e-5 * largest)


@pytest.mark.parametrize("ndim", [2, 3])
def test_dependence_is_the_same_however_little_memory_there_is(ndim: int, tiles: list[int]) -> None:
    torch.manual_seed(0)
    encoder = plain(ndim)
    with torch.no_grad():
        encoder[0].weight[:, 1] = 0
    model = model_of(encoder, 2, ndim)
    images = np.random.default_rng(2).normal(size=(4, 2, *[30] * ndim)).astype(np.float32)
    cohort = Cohort.from_arrays(images, channels=["a", "b"])
    whole = channel_dependence(model, cohort)
    assert not tiles
    model.most_bytes = model.footprint(torch.from_numpy(images[:1])) - 1
    parts = channel_dependence(model, cohort)
    assert tiles
    np.testing.assert_allclose(parts.ratio, whole.ratio, rtol=1e-5)
    assert set(parts.verdict[:, 1]) == {"no dependence found"}


@pytest.mark.parametrize("key", ["grad_cam", "channel_rescale"])
def test_where_all_activations_are_kept_an_image_that_does_not_fit_is_refused(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, stack = model_of(rectified(2), 2, 2), stack_of((40, 44))
    zero = {"baseline": "zero"} if key == "channel_rescale" else {}
    monkeypatch.setattr("napari_latentattr.model.parts.free_bytes", lambda device: 2000)
    with pytest.raises(
        ModelError, match=r"2x40x44 take .* cannot be run in parts by this method; crop.* fewer"
    ):
        attribute(model, stack, 0, method=key, **zero)


@pytest.mark.parametrize("key", ["occlusion", "integrated_gradients", "guided_backprop"])
@pytest.mark.parametrize("tiled", [False, True])
def test_work_can_be_stopped_between_layers(key: str, tiled: bool) -> None:
    asked = 0

    def check() -> None:
        nonlocal asked
        asked += 1
        if asked == 7:
            raise Cancelled("stopped")

    model, stack = model_of(rectified(2), 2, 2), stack_of((61, 50))
    if tiled:
        model.most_bytes = model.footprint(torch.from_numpy(stack.data[None].copy())) - 1
    cohort = Cohort.from_arrays(np.stack([stack.data] * 2), channels=["a", "b"])
    before = model.module.state_dict().keys()
    with stoppable(check), pytest.raises(Cancelled):
        attribute(model, stack, 0, method=key, cohort=cohort)
    assert asked == 7
    assert model.module.state_dict().keys() == before
    assert not any(part._forward_pre_hooks for part in model.module.modules())
    attribute(model, stack, 0, method=key, cohort=cohort)
    assert asked == 7


def test_what_mixes_all_of_space_is_run_whole_while_it_fits() -> None:
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Conv2d(2, 4, 3, 2, 1), nn.InstanceNorm2d(4), nn.Conv2d(4, 3, 3))
    model, stack = model_of(encoder, 2, 2), stack_of((40, 44))
    whole = model.encode(stack.data[None])
    model.most_bytes = 1000
    np.testing.assert_array_equal(model.encode(stack.data[None]), whole)
    found = attribute(model, stack, 0, patch=20.0, stride=20.0)
    assert "InstanceNorm2d at encoder.1 makes every voxel" in found.provenance.params["engine"]


def test_what_can_neither_be_tiled_nor_held_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = nn.Sequential(nn.Conv2d(2, 4, 3, 2, 1), nn.InstanceNorm2d(4), nn.Conv2d(4, 3, 3))
    model, stack = model_of(encoder, 2, 2), stack_of((40, 44))
    model.most_bytes = 1000
    monkeypatch.setattr("napari_latentattr.model.parts.free_bytes", lambda device: 2000)
    with pytest.raises(ModelError, match=r"2x40x44 take .* cannot be run in parts: InstanceNorm2d"):
        model.encode(stack.data[None])


def test_the_edge_of_free_memory_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of(plain(2), 2, 2)
    monkeypatch.setattr("napari_latentattr.model.device.free_bytes", lambda device: 4000)
    assert model.room == 1000
    monkeypatch.setattr("napari_latentattr.model.device.free_bytes", lambda device: 2**40)
    assert model.room == 2**29
    twin = model_of(plain(2), 2, 2)
    twin.most_bytes = 5
    assert twin.twin(lambda module: None).room == 5


def test_work_can_be_stopped_between_tiles(tiles: list[int]) -> None:
    class Stopping:
        def __init__(self) -> None:
            self.done: list[int] = []

        def report(self, done: int, total: int, text: str) -> None:
            self.done.append(done)
            if len(tiles) == 2:
                raise Cancelled("stopped")

    model, stack = model_of(plain(2), 2, 2), stack_of((61, 50))
    model.most_bytes = 10_000
    heard = Stopping()
    with pytest.raises(Cancelled):
        attribute(model, stack, 0, patch=5.0, stride=5.0, progress=heard)
    assert len(tiles) == 2
    assert all(a <= b for a, b in pairwise(heard.done))


def test_covering_with_nothing_new_visits_no_window(monkeypatch: pytest.MonkeyPatch) -> None:
    model, stack = model_of(plain(2), 2, 2), stack_of((61, 50))
    monkeypatch.setattr(CoveredCase, "_run", None)
    zero = ImageStack("c", stack.channels, stack.data * 0, stack.grid)
    found = attribute(model, zero, 0, patch=5.0, stride=5.0, fill="zero")
    assert not found.volume.any()
