"""The DTI sample: labels are where anatomy has them, and the weights do what is documented."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors.torch import load_file

from napari_latentattr.model.architectures import ConvAutoencoder
from napari_latentattr.samples.folders import sample_folder

FOLDER = sample_folder("dti")
# Source slices 29 to 33 of 53, counted from the top
HELD_OUT = slice(19, 24)
DOCUMENTED_R2 = {
    "grouped": (0.788, 0.808, 0.710, 0.748),
    "plain": (0.785, 0.799, 0.689, 0.727),
}

Array = npt.NDArray[np.float32]


def canonical(name: str) -> Array:
    """(..., Z, Y, X) running to inferior, posterior, left; by nibabel alone."""
    image = nib.as_closest_canonical(nib.load(FOLDER / name))
    return np.flip(image.get_fdata(dtype=np.float32).T, (-3, -2, -1))


@pytest.fixture(scope="module")
def channels() -> Array:
    return canonical("dti.nii.gz")


@pytest.fixture(scope="module")
def labels() -> Array:
    return canonical("labels.nii.gz")


@pytest.fixture(scope="module")
def mask() -> npt.NDArray[np.bool_]:
    return canonical("mask.nii.gz") > 0


def load(name: str) -> ConvAutoencoder:
    encoder = "grouped" if name == "grouped" else "dense"
    model = ConvAutoencoder(4, 8, 2, encoder, 16)
    model.load_state_dict(load_file(FOLDER / f"{name}.safetensors"), strict=True)
    return model.eval()


def test_geometry_is_that_of_the_source() -> None:
    for name in ("dti", "mask", "labels"):
        image = nib.load(FOLDER / f"{name}.nii.gz")
        assert image.shape[:3] == (128, 128, 53)
        want = [[-1.71875, 0, 0, 113.4375], [0, 1.71875, 0, -118.59375], [0, 0, 3, -75]]
        assert np.array_equal(image.affine[:3], want)


def test_directed_channels_are_parts_of_fa(channels: Array) -> None:
    fa, parts = channels[0], channels[1:]
    length = np.sqrt((parts**2).sum(0))
    clear = fa > 0.1
    assert np.abs(length - fa)[clear].max() < 2 / 255
    assert channels.min() >= 0
    assert channels.max() == pytest.approx(1)


def test_label_sizes(labels: Array) -> None:
    assert np.bincount(labels.astype(int).ravel())[1:].tolist() == [2305, 4943, 3795]


def test_labels_lie_inside_the_mask_and_the_mask_in_39_slices(
    labels: Array, mask: npt.NDArray[np.bool_]
) -> None:
    assert not (labels[~mask] > 0).any()
    assert np.flatnonzero(mask.any((1, 2))).tolist() == list(range(6, 45))


@pytest.mark.parametrize(("label", "direction", "least"), [(1, 1, 0.75), (2, 3, 0.8), (3, 2, 0.8)])
def test_fibres_of_each_bundle_run_in_its_direction(
    channels: Array, labels: Array, label: int, direction: int, least: float
) -> None:
    inside = labels == label
    share = channels[direction][inside] / channels[0][inside]
    assert share.min() > least - 0.01
    assert share.mean() > 0.88


def test_the_callosum_is_one_body_across_the_midline(labels: Array, mask: Array) -> None:
    z, _, x = np.nonzero(labels == 1)
    midline = np.nonzero(mask)[2].mean()
    assert (np.sort(np.unique(z)) == np.arange(16, 26)).all()
    for slice_ in np.unique(z)[1:]:
        assert x[z == slice_].min() < midline < x[z == slice_].max()
    assert abs(x.mean() - midline) < 3


def test_bundles_other_than_the_callosum_lie_on_both_sides(labels: Array, mask: Array) -> None:
    midline = np.nonzero(mask)[2].mean()
    for label in (2, 3):
        x = np.nonzero(labels == label)[2]
        assert 0.25 < (x < midline).mean() < 0.75


@pytest.mark.parametrize("name", ["grouped", "plain"])
def test_held_out_slices_are_reconstructed_as_documented(
    name: str, channels: Array, mask: npt.NDArray[np.bool_]
) -> None:
    x = np.ascontiguousarray(channels[:, HELD_OUT].swapaxes(0, 1))
    inside = mask[HELD_OUT]
    with torch.inference_mode():
        drawn = load(name)(torch.from_numpy(x)).numpy()
    for c, documented in enumerate(DOCUMENTED_R2[name]):
        true, got = x[:, c][inside], drawn[:, c][inside]
        assert 1 - ((true - got) ** 2).mean() / true.var() == pytest.approx(documented, abs=2e-3)


def test_documented_values_are_those_of_the_page_about_samples() -> None:
    page = Path(__file__).parents[2] / "docs" / "samples.md"
    text = page.read_text(encoding="utf-8")
    for values in DOCUMENTED_R2.values():
        assert " | ".join(f"{v:.3f}" for v in values) in text


def test_a_grouped_map_depends_on_its_own_channel_alone(channels: Array) -> None:
    model = load("grouped")
    x = torch.from_numpy(np.ascontiguousarray(channels[None, :, 21]))
    with torch.inference_mode():
        before = model.encoder(x)
        for c in range(4):
            other = x.clone()
            other[:, c] = torch.rand(x[:, c].shape, generator=torch.Generator().manual_seed(c))
            changed = (model.encoder(other) != before).flatten(2).any(-1)[0]
            assert changed.tolist() == [k % 4 == c for k in range(8)]


def test_a_plain_map_depends_on_every_channel(channels: Array) -> None:
    model = load("plain")
    x = torch.from_numpy(np.ascontiguousarray(channels[None, :, 21]))
    with torch.inference_mode():
        before = model.encoder(x)
        for c in range(4):
            other = x.clone()
            other[:, c] = 0
            assert (model.encoder(other) != before).flatten(2).any(-1).all()
