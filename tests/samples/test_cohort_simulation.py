"""The simulated cohort: the same seed, the same patient; lesions in FLAIR alone."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors.torch import load_file

from napari_latentattr.model.architectures import ConvAutoencoder
from napari_latentattr.samples.cohort_simulation import CHANNELS, simulate_patient
from napari_latentattr.samples.folders import sample_folder

FOLDER = sample_folder("colin27")
FINGERPRINT = (-21.707, 43.951, 35.927, -37.882, 185, 653)
DOCUMENTED_R2 = (0.512, 0.612, 0.458, 0.519)
FLAIR, PDW = CHANNELS.index("FLAIR"), CHANNELS.index("PDw")

Array = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def tissue() -> Array:
    """(3, Z, Y, X) running to inferior, posterior, left; by nibabel alone."""
    image = nib.as_closest_canonical(nib.load(FOLDER / "tissue.nii.gz"))
    return np.flip(image.get_fdata(dtype=np.float32).T, (-3, -2, -1))


@pytest.fixture(scope="module")
def ball() -> Array:
    """A small head: fluid around grey around white matter."""
    radius = np.sqrt(((np.indices((28, 28, 28)) - 13.5) ** 2).sum(0))
    edges = [(10, 12), (8.5, 10), (-1, 8.5)]
    return np.stack([(low < radius) & (radius <= high) for low, high in edges]).astype(np.float32)


def test_tissue_is_the_anatomy_at_three_millimetres() -> None:
    image = nib.load(FOLDER / "tissue.nii.gz")
    assert image.shape == (60, 72, 60, 3)
    assert np.array_equal(image.affine[:3], np.c_[3 * np.eye(3), [-89, -124, -70]])


def test_fractions_share_each_voxel_and_no_more(tissue: Array) -> None:
    assert tissue.min() >= 0
    assert tissue.sum(0).max() <= 1 + 2 / 255
    # litres of fluid, grey and white matter in an adult brain with its outer fluid
    litres = tissue.sum((1, 2, 3)) * 27e-6
    assert 0.1 < litres[0] < 0.4
    assert 0.6 < litres[1] < 1.2
    assert 0.3 < litres[2] < 0.7


def test_the_same_seed_gives_the_same_bytes(ball: Array) -> None:
    first, second = (simulate_patient(ball, [3, 1]) for _ in range(2))
    assert first.data.tobytes() == second.data.tobytes()
    assert simulate_patient(ball, [3, 2]).data.tobytes() != first.data.tobytes()


def test_a_simulation_is_the_same_on_every_platform(ball: Array) -> None:
    """Fingerprint: a random projection, with room for the last bits of a processor."""
    person = simulate_patient(ball, [3, 1], lesion=True, decoy=True)
    weights = np.random.default_rng(0).standard_normal(person.data.shape)
    got = [*(person.data * weights).sum((1, 2, 3)), person.lesion.sum(), person.decoy.sum()]
    assert got == pytest.approx(FINGERPRINT, abs=0.02)


def test_simulation_leaves_the_global_generator_and_the_tissue_alone(ball: Array) -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    copy = ball.copy()
    simulate_patient(ball, 0)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    assert np.array_equal(ball, copy)


def test_a_lesion_changes_flair_alone_and_only_there(tissue: Array) -> None:
    with_, without = (simulate_patient(tissue, 5, lesion=q, decoy=False) for q in (True, False))
    change = with_.data - without.data
    assert not np.delete(change, FLAIR, 0).any()
    assert change[FLAIR][with_.lesion].min() > 0.1
    assert change[FLAIR].min() >= 0
    assert with_.has_lesion
    assert not without.has_lesion


def test_a_decoy_changes_pdw_alone_and_is_no_lesion(tissue: Array) -> None:
    with_, without = (simulate_patient(tissue, 5, lesion=False, decoy=q) for q in (True, False))
    change = with_.data - without.data
    assert not np.delete(change, PDW, 0).any()
    assert change[PDW][with_.decoy].min() > 0.1
    assert not with_.has_lesion


def test_lesions_lie_in_the_brain_and_have_the_size_asked_for(ball: Array) -> None:
    person = simulate_patient(ball, 1, lesion=True, radius=(2.0, 2.0))
    assert not (person.lesion & ~person.brain).any()
    # a digital ball of radius 2 has 33 voxels; there are one to three of them
    assert 33 <= person.lesion.sum() <= 99


def test_grey_matter_is_near_its_level_in_every_channel(tissue: Array) -> None:
    people = [simulate_patient(tissue, [11, i], lesion=False, decoy=False) for i in range(2)]
    for person in people:
        median = [np.median(image[person.brain]) for image in person.data]
        assert np.allclose(median, 0.6, atol=0.12)
        assert not person.data[:, ~person.brain].any(0).mean() > 0.05


def test_fluid_is_dark_in_t1w_and_flair_and_bright_in_t2w() -> None:
    edges = np.searchsorted([12, 24], np.arange(36), side="right")
    slabs = np.broadcast_to(edges, (24, 24, 36))
    fluid_grey_white = np.stack([slabs == 2, slabs == 1, slabs == 0]).astype(np.float32)
    person = simulate_patient(fluid_grey_white, 0, lesion=False, decoy=False)
    inner = person.data[:3, 8:16, 8:16]
    white, grey, fluid = (inner[..., at : at + 4].mean((1, 2, 3)) for at in (4, 16, 28))
    t1w, t2w, flair = range(3)
    assert fluid[t1w] < grey[t1w] < white[t1w]
    assert fluid[t2w] > grey[t2w] > white[t2w]
    assert fluid[flair] < white[flair] < grey[flair]


def test_coins_decide_when_nothing_is_asked_for(ball: Array) -> None:
    people = [simulate_patient(ball, [9, i]) for i in range(24)]
    for kind in ("lesion", "decoy"):
        assert 4 <= sum(getattr(p, kind).any() for p in people) <= 20


@pytest.fixture(scope="module")
def model() -> ConvAutoencoder:
    model = ConvAutoencoder(4, 8, 3, "grouped", 12)
    model.load_state_dict(load_file(FOLDER / "grouped.safetensors"), strict=True)
    return model.eval()


def test_patients_that_were_held_out_are_reconstructed_as_documented(
    model: ConvAutoencoder, tissue: Array
) -> None:
    people = [simulate_patient(tissue, [2702, i]) for i in range(4)]
    brain = np.stack([p.brain for p in people])
    x = np.stack([p.data for p in people])
    with torch.inference_mode():
        drawn = model(torch.from_numpy(x)).numpy()
    for c, documented in enumerate(DOCUMENTED_R2):
        true, got = x[:, c][brain], drawn[:, c][brain]
        assert 1 - ((true - got) ** 2).mean() / true.var() == pytest.approx(documented, abs=2e-3)


def test_documented_values_are_those_of_the_page_about_samples() -> None:
    text = (Path(__file__).parents[2] / "docs" / "samples.md").read_text(encoding="utf-8")
    assert " | ".join(f"{v:.3f}" for v in DOCUMENTED_R2) in text


def test_a_grouped_map_depends_on_its_own_channel_alone(model: ConvAutoencoder) -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = torch.rand((2, 1, 4, 16, 16, 16), generator=generator)
    with torch.inference_mode():
        before = model.encoder(x)
        for c in range(4):
            other = x.clone()
            other[:, c] = y[:, c]
            changed = (model.encoder(other) != before).flatten(2).any(-1)[0]
            assert changed.tolist() == [k % 4 == c for k in range(8)]
