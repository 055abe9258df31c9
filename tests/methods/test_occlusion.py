from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pytest
import torch
from captum.attr import Occlusion
from scipy import ndimage
from tests.toy import encoded, linear_model, people, planes, volumes
from torch import nn

from napari_latentattr import Attribution, Cohort, LatentModel, attribute
from napari_latentattr.core.errors import InputError
from napari_latentattr.core.progress import SILENT
from napari_latentattr.core.types import Grid, ImageStack
from napari_latentattr.methods.cases import body_latents
from napari_latentattr.methods.occlusion import occlude
from napari_latentattr.model.slicewise import SlicewiseModel

Encode = Callable[[np.ndarray], np.ndarray]


def slowly(
    encode: Encode,
    stack: ImageStack,
    filled: np.ndarray,
    counted: np.ndarray,
    groups: Sequence[Sequence[int]],
    *,
    size: Sequence[int],
    step: Sequence[int],
) -> np.ndarray:
    """Volumes (G, K, *S): every window of every group by whole passes, every voxel by a mean."""
    shape = stack.grid.shape
    steps = [
        sorted({*range(0, n - w, s), n - w}) for n, w, s in zip(shape, size, step, strict=True)
    ]
    plain = encode(stack.data)[:, counted].mean(axis=1, dtype=np.float64)
    total = np.zeros((len(groups), len(plain), *shape))
    times = np.zeros(shape)
    for start in product(*steps):
        box = tuple(slice(a, a + w) for a, w in zip(start, size, strict=True))
        times[box] += 1
        for g, channels in enumerate(groups):
            covered = stack.data.copy()
            for c in channels:
                covered[(c, *box)] = filled[(c, *box)]
            move = plain - encode(covered)[:, counted].mean(axis=1, dtype=np.float64)
            total[(g, slice(None), *box)] += move.reshape(-1, *[1] * len(shape))
    mask = np.ones(shape, bool) if stack.mask is None else stack.mask
    return total / times * mask


def alone(n: int) -> list[list[int]]:
    return [[c] for c in range(n)]


def cover(model: LatentModel, stack: ImageStack, which: int = 0, **options: object) -> Attribution:
    return attribute(model, stack, which, method="occlusion", **options)


def network(*middle: nn.Module, n_channels: int = 3, groups: int = 1) -> LatentModel:
    torch.manual_seed(1)
    encoder = nn.Sequential(
        nn.Conv2d(n_channels, 6, 3, 2, 1, groups=groups),
        nn.GELU(),
        *middle,
        nn.Conv2d(6, 6, 3, 1, 1, groups=groups),
        nn.MaxPool2d(3, 2, 1),
        nn.SiLU(),
    )
    decoder = nn.Sequential(nn.Upsample(scale_factor=4), nn.Conv2d(6, n_channels, 1))
    module = nn.Sequential(OrderedDict(encoder=encoder, decoder=decoder))
    return LatentModel.from_module(module, latent="encoder", n_channels=n_channels, ndim=2)


def picture(n_channels: int = 3, side: int = 24, *, seed: int = 0, case: str = "c") -> ImageStack:
    data = np.random.default_rng(seed).normal(size=(n_channels, side, side)).astype(np.float32)
    grid = Grid.from_spacing((side, side), (1.0, 1.0))
    return ImageStack(case, tuple(f"image {c}" for c in range(n_channels)), data, grid)


def encoder_of(model: LatentModel) -> Encode:
    return lambda x: model.encode(x[None])[0]


@pytest.mark.parametrize("which", range(4))
def test_on_a_linear_model_the_volume_is_a_plain_sum(which: int) -> None:
    cohort = people()
    stack, model = cohort[2], linear_model()
    found = cover(model, stack, which, cohort=cohort, patch=3.0, stride=2.0)
    mean = np.mean([cohort[i].data for i in range(len(cohort))], axis=0, dtype=np.float64)
    counted = body_latents(stack, model.spec, (4, 4))
    truth = slowly(
        lambda x: encoded(x[None])[0], stack, mean, counted, alone(3), size=(3, 3), step=(2, 2)
    )
    np.testing.assert_allclose(found.volume, truth[:, which], rtol=0, atol=1e-6)
    inside = truth[:, which][:, stack.mask]
    np.testing.assert_allclose(found.score, np.sqrt((inside**2).mean(axis=1)), rtol=1e-5)
    assert not found.volume[:, ~stack.mask].any()


def test_captum_gives_the_same_where_its_definition_is_ours() -> None:
    model, stack = network(), picture()
    model.module.eval()
    x = torch.from_numpy(stack.data[None].copy())

    def mean(images: torch.Tensor) -> torch.Tensor:
        return model.encode_tensor(images)[:, 4].flatten(1).mean(dim=1)

    with torch.no_grad():
        theirs = Occlusion(mean).attribute(x, (1, 6, 6), strides=(1, 3, 3), baselines=0.0)[0]
        joint = Occlusion(mean).attribute(x, (3, 6, 6), strides=(3, 3, 3), baselines=0.0)[0, :1]
    options = {"patch": 6.0, "stride": 3.0, "fill": "zero"}
    ours = cover(model, stack, 4, **options).volume
    together = cover(model, stack, 4, together=True, **options)
    largest = float(theirs.abs().max())
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=0, atol=1e-5 * largest)
    assert together.volume.shape == (1, 24, 24)
    assert together.score.shape == (1,)
    np.testing.assert_allclose(together.volume, joint.numpy(), rtol=0, atol=1e-5 * largest)


def test_millimetres_become_voxels_axis_by_axis_and_the_last_patch_moves_inward() -> None:
    model, plain = network(), picture()
    grid = Grid.from_spacing((24, 24), (2.0, 0.7))
    stack = ImageStack("c", plain.channels, plain.data, grid)
    found = cover(model, stack, 3, patch=7.0, stride=5.0, fill="zero")
    counted = np.ones((6, 6), bool)
    blank = np.zeros_like(stack.data)
    truth = slowly(encoder_of(model), stack, blank, counted, alone(3), size=(4, 10), step=(2, 7))[
        :, 3
    ]
    np.testing.assert_allclose(found.volume, truth, rtol=0, atol=1e-6 * np.abs(truth).max() + 1e-7)


@pytest.mark.parametrize("fill", ["mean", "blur", "donor", "zero"])
def test_a_patch_is_filled_with_what_was_asked(fill: str) -> None:
    data = np.stack([picture(seed=s).data for s in range(2)])
    cohort = Cohort.from_arrays(data, channels=("a", "b", "c"))
    model, stack = network(), cohort[0]
    found = cover(model, stack, 1, cohort=cohort, patch=8.0, stride=4.0, fill=fill)
    filled = {
        "mean": data.mean(axis=0),
        "blur": np.stack([ndimage.gaussian_filter(i, 4.0, mode="nearest") for i in data[0]]),
        "donor": data[1],
        "zero": np.zeros_like(data[0]),
    }[fill]
    truth = slowly(
        encoder_of(model), stack, filled, np.ones((6, 6), bool), alone(3), size=(8, 8), step=(4, 4)
    )[:, 1]
    np.testing.assert_allclose(found.volume, truth, rtol=0, atol=1e-5 * np.abs(truth).max())
    assert found.provenance.params["donor"] == (cohort.cases[1] if fill == "donor" else "")


def test_slices_together_do_what_a_patch_over_them_does() -> None:
    cohort = volumes(patients=True)
    stack, model = cohort[1], linear_model()
    found = cover(model, stack, 1, cohort=cohort, patch=3.0, stride=2.0)
    mean = np.mean([cohort[i].data for i in range(3)], axis=0, dtype=np.float64)
    whole = cover(model, stack, 1, cohort=cohort, patch=3.0, stride=2.0, together=True)

    def encode(x: np.ndarray) -> np.ndarray:
        return encoded(x.swapaxes(0, 1)).swapaxes(0, 1)

    counted = body_latents(stack, SlicewiseModel(model, "axial").spec, (5, 4, 4))
    size, step = (3, 3, 3), (2, 2, 2)
    for groups, volume in ((alone(3), found.volume), ([[0, 1, 2]], whole.volume)):
        truth = slowly(encode, stack, mean, counted, groups, size=size, step=step)[:, 1]
        np.testing.assert_allclose(volume, truth, rtol=0, atol=1e-6)


@pytest.mark.parametrize("axis", ["coronal", "sagittal"])
def test_slices_of_other_axes_lie_where_they_were_cut(axis: str) -> None:
    rng = np.random.default_rng(3)
    data = rng.normal(size=(2, 3, 8, 8, 8)).astype(np.float32)
    cohort = Cohort.from_arrays(data, channels=("a", "b", "c")).by_slice(axis)
    stack, model = cohort.cut.whole[0], linear_model()
    found = cover(model, stack, 2, cohort=cohort, patch=2.0, stride=2.0, fill="zero")
    at = {"coronal": 2, "sagittal": 3}[axis]

    def encode(x: np.ndarray) -> np.ndarray:
        return encoded(np.moveaxis(x, at, 0)).swapaxes(0, 1)

    truth = slowly(
        encode, stack, np.zeros_like(stack.data), np.ones((8, 4, 4), bool), alone(3),
        size=(2, 2, 2), step=(2, 2, 2),
    )[:, 2]  # fmt: skip
    np.testing.assert_allclose(found.volume, truth, rtol=0, atol=1e-6)


def test_a_model_that_mixes_all_of_space_is_recomputed_and_says_so() -> None:
    model, stack = network(nn.InstanceNorm2d(6)), picture(side=16)
    found = cover(model, stack, 2, patch=8.0, stride=8.0, fill="zero")
    assert found.provenance.params["engine"] == (
        "plain recomputation: InstanceNorm2d at encoder.2 makes every voxel depend on every other"
    )
    blank, counted = np.zeros_like(stack.data), np.ones((4, 4), bool)
    truth = slowly(encoder_of(model), stack, blank, counted, alone(3), size=(8, 8), step=(8, 8))[
        :, 2
    ]
    np.testing.assert_allclose(found.volume, truth, rtol=0, atol=1e-6)


def test_a_map_of_one_group_of_images_gets_exactly_nothing_from_the_others() -> None:
    model, stack = network(groups=3), picture()
    found, _ = occlude(
        model, stack, cohort=None, latents=None, patch=8.0, stride=4.0, fill="zero", together=False,
        seed=0, progress=SILENT,
    )  # fmt: skip
    own = np.arange(6) // 2
    for c, k in product(range(3), range(6)):
        assert bool(found.effects[c, k].any()) == (own[k] == c)


def test_one_walk_over_the_windows_serves_every_map() -> None:
    model, stack = network(), picture()
    found, _ = occlude(
        model, stack, cohort=None, latents=None, patch=6.0, stride=3.0, fill="zero", together=False,
        seed=0, progress=SILENT,
    )  # fmt: skip
    assert found.effects.shape == (3, 6, 7, 7)
    for k in range(6):
        one = cover(model, stack, k, patch=6.0, stride=3.0, fill="zero")
        np.testing.assert_array_equal(found.volume(k), one.volume)


def test_a_patch_larger_than_the_image_covers_all_of_it() -> None:
    model, stack = network(), picture(side=16)
    found = cover(model, stack, 0, patch=99.0, stride=99.0, fill="zero")
    blank = stack.data.copy()
    blank[1] = 0
    move = (model.encode(stack.data[None])[0, 0] - model.encode(blank[None])[0, 0]).mean()
    np.testing.assert_allclose(found.volume[1], np.full((16, 16), move), rtol=1e-5)


def test_gaps_between_patches_are_refused() -> None:
    with pytest.raises(InputError, match="a stride of 9 mm leaves gaps between patches of 8 mm"):
        cover(network(), picture(), patch=8.0, stride=9.0, fill="zero")


def test_a_donor_needs_a_cohort() -> None:
    with pytest.raises(InputError, match="no cohort"):
        cover(network(), picture(), fill="donor")


def test_a_donor_of_another_size_is_refused() -> None:
    class Mixed:
        channels, cases, patients = ("image 0", "image 1", "image 2"), ("c", "d"), ("c", "d")
        units, unit_name, ndim, slices = ("c", "d"), "patients", 2, None

        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> ImageStack:
            return picture(side=24 + 8 * index, case="cd"[index])

    with pytest.raises(InputError, match="the donor d has 32x32 voxels and case c has 24x24"):
        cover(network(), picture(), cohort=Mixed(), fill="donor")


class Heard:
    def __init__(self) -> None:
        self.reports: list[tuple[int, int]] = []

    def report(self, done: int, total: int, text: str) -> None:
        self.reports.append((done, total))


def test_progress_counts_windows_up_to_all_of_them() -> None:
    heard = Heard()
    cover(network(), picture(side=64), patch=4.0, stride=2.0, fill="zero", progress=heard)
    done, totals = zip(*heard.reports, strict=True)
    assert set(totals) == {3 * 31 * 31}
    assert list(done) == sorted(done)
    assert (done[0], done[-1]) == (0, totals[0])
    assert len(done) > 3 * 31 * 31 / 128


def test_windows_off_the_body_change_nothing() -> None:
    x = planes()
    mask = np.zeros((6, 8, 8), bool)
    mask[:, :4, :4] = True
    part = Cohort.from_arrays(x, channels=("A", "B", "C"), masks=mask)
    found, _ = occlude(
        linear_model(), part[0], cohort=part, latents=None, patch=2.0, stride=2.0, fill="zero",
        together=True, seed=0, progress=SILENT,
    )  # fmt: skip
    assert found.effects[0, 0, :2, :2].all()
    assert not found.effects[:, :, 2:].any()
    assert not found.effects[:, :, :, 2:].any()


def test_all_maps_come_from_shared_passes_and_make_their_volumes_when_asked() -> None:
    model, stack = network(), picture()
    asked = {"method": "occlusion", "patch": 6.0, "stride": 3.0, "fill": "zero"}
    every = attribute(model, stack, "all", **asked)
    assert len(every) == 6
    for k in (0, 4):
        alone = attribute(model, stack, k, **asked)
        assert callable(every[k].picture)
        np.testing.assert_array_equal(every[k].volume, alone.volume)
        np.testing.assert_array_equal(every[k].score, alone.score)


def test_one_latent_moves_only_for_windows_that_it_sees() -> None:
    model, stack = network(), picture()
    found = attribute(
        model, stack, 1, method="occlusion", voxel=(0, 0), patch=4.0, stride=4.0, fill="zero"
    )
    reach = model.spec.receptive_field[0]
    assert found.volume[:, :4, :4].any()
    assert not found.volume[:, reach + 4 :].any()
    assert found.provenance.params["voxel"] == "0,0"


def test_without_a_cohort_patches_are_covered_with_the_mean_of_the_image_itself() -> None:
    model, stack = network(), picture()
    flat = stack.data.mean(axis=(1, 2), keepdims=True) * np.ones_like(stack.data)
    found = attribute(model, stack, 3, patch=24.0, stride=24.0, together=True)
    change = model.encode(stack.data[None])[0, 3] - model.encode(flat[None])[0, 3]
    np.testing.assert_allclose(found.volume, change.mean(), rtol=0, atol=1e-6)
    assert found.provenance.method == "occlusion"
    assert found.provenance.params["donor"].startswith("the mean of each image itself")
