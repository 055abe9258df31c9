"""Regions, single latents and several maps: what counts, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from tests.toy import (
    CHANNELS,
    LinearAutoencoder,
    linear_model,
    people,
    planes,
    rectified_model,
    volumes,
)

from napari_latentattr import Attribution, Cohort, MapRef, attribute, methods
from napari_latentattr.core.errors import InputError
from napari_latentattr.model.slicewise import SlicewiseModel

WITHOUT = [key for key, method in methods().items() if "latents" not in method.context]


def labelled() -> Cohort:
    """Six people with a lesion over the first two columns of latents in rows 0 to 2."""
    lesion = np.zeros((6, 8, 8), dtype=bool)
    lesion[:, :6, :4] = True
    masks = np.zeros((6, 8, 8), dtype=bool)
    masks[:, :6, 2:] = True
    return Cohort.from_arrays(planes(), channels=CHANNELS, masks=masks, labels={"lesion": lesion})


def weights_of(latents: np.ndarray, which: int) -> np.ndarray:
    """Gradient (3, 8, 8) of the mean of a map over these latents (4, 4)."""
    kernel = LinearAutoencoder().encoder.weight.detach().double().numpy()[which]
    return np.concatenate([np.kron(latents / latents.sum(), k)[None] for k in kernel])


def share(cohort: Cohort, **target: object) -> Attribution:
    return attribute(
        linear_model(), cohort[2], 1, method="integrated_gradients", cohort=cohort, **target
    )


def test_of_a_region_only_its_latents_inside_the_body_count() -> None:
    cohort = labelled()
    latents = np.zeros((4, 4))
    latents[:3, 1] = 1  # column 0 of the lesion lies outside the body
    found = share(cohort, region="lesion")
    expected = weights_of(latents, 1) * (planes()[2] - planes().mean(axis=0))
    np.testing.assert_allclose(found.volume, expected, rtol=0, atol=1e-6)
    assert abs(found.residual) < 1e-5
    assert found.provenance.params["region"] == "lesion"


def test_a_region_can_be_given_as_voxels_and_is_recorded_by_its_bytes() -> None:
    cohort = labelled()
    named = share(cohort, region="lesion")
    given = share(cohort, region=np.array(cohort.region(2, "lesion")))
    np.testing.assert_array_equal(named.volume, given.volume)
    assert given.provenance.params["region"].startswith("sha256 ")


@pytest.mark.parametrize("voxel", [(0, 3), (np.int64(2), np.int64(1))])
def test_of_one_latent_only_the_voxels_that_it_sees_get_a_share(voxel) -> None:
    latents = np.zeros((4, 4))
    latents[voxel] = 1
    cohort = labelled()
    found = share(cohort, voxel=voxel)
    expected = weights_of(latents, 1) * (planes()[2] - planes().mean(axis=0))
    np.testing.assert_allclose(found.volume, expected, rtol=0, atol=1e-5)
    assert np.count_nonzero(found.volume) == 3 * 4
    assert found.provenance.params["voxel"] == ",".join(map(str, voxel))


def test_shares_of_single_latents_have_the_mean_of_the_body_as_their_mean() -> None:
    cohort = labelled()
    inside = [(i, j) for i in range(3) for j in range(1, 4)]
    parts = [share(cohort, voxel=at).volume for at in inside]
    np.testing.assert_allclose(np.mean(parts, axis=0), share(cohort).volume, rtol=0, atol=1e-5)


@pytest.mark.parametrize("key", ["swaps", "encode_alone"])
def test_pictures_on_the_latent_grid_are_empty_where_no_latent_counts(key) -> None:
    cohort = labelled()
    whole, part = (
        attribute(linear_model(), cohort[2], 1, method=key, cohort=cohort, voxel=voxel)
        for voxel in (None, (1, 1))
    )
    # Voxels 2 and 3 of a side of 8 are nearest to latent 1; interpolation reaches one cell on.
    assert not part.volume[:, 5:].any()
    assert not part.volume[:, :, 5:].any()
    centre = (slice(None), slice(2, 4), slice(2, 4))
    assert part.volume[centre].any()
    assert not np.allclose(part.score, whole.score)


def test_of_a_volume_a_slice_of_latents_is_the_same_as_that_slice() -> None:
    whole = volumes(patients=False)
    slices = whole.by_slice("axial")
    for key in ("swaps", "integrated_gradients"):
        options = {"method": key, "cohort": slices}
        volume = attribute(linear_model(), whole[0], 0, voxel=(2, 1, 1), **options)
        plane = attribute(linear_model(), slices[2], 0, voxel=(1, 1), **options)
        np.testing.assert_allclose(volume.volume[:, 2], plane.volume, rtol=0, atol=1e-6)
        np.testing.assert_allclose(volume.score, plane.score, rtol=0, atol=1e-6)
        assert not np.delete(volume.volume, 2, axis=1).any()


def test_a_label_of_a_volume_is_found_where_slices_are_the_cases() -> None:
    x = np.random.default_rng(0).normal(size=(1, 3, 4, 8, 8)).astype(np.float32)
    lesion = np.zeros((1, 4, 8, 8), dtype=bool)
    lesion[:, 1, :4, :4] = True
    whole = Cohort.from_arrays(x, channels=CHANNELS, labels={"lesion": lesion})
    found = attribute(
        SlicewiseModel(linear_model(), "axial"),
        whole[0],
        0,
        method="integrated_gradients",
        cohort=whole.by_slice("axial"),
        region="lesion",
    )
    expected = np.broadcast_to(lesion, found.volume.shape)
    np.testing.assert_array_equal(found.volume[:2] != 0, expected[:2])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"region": "lesion", "voxel": (0, 0)}, "a region and a voxel were given; give one"),
        ({"voxel": (4, 0)}, "no latent 4,0: the latent map has 4x4, counted from 0"),
        ({"voxel": (0, -1)}, "no latent 0,-1"),
        ({"voxel": (0,)}, "no latent 0: the latent map has 4x4"),
        ({"region": "lesoin"}, "no label lesoin, did you mean 'lesion'"),
        ({"region": np.zeros((8, 8), bool)}, "the region holds no latent of the body"),
        ({"region": np.ones((4, 4), bool)}, "the region has 4x4 voxels, case case-003 has 8x8"),
        ({"map": "first"}, "map 'first' was asked; give a number, several, or 'all'"),
        ({"map": []}, "no map was asked"),
        ({"map": [0, 9]}, "map 9 was asked, the model has maps encoder:0 to encoder:3"),
    ],
)
def test_a_target_that_is_not_there_is_refused_in_one_sentence(options, words) -> None:
    cohort = labelled()
    with pytest.raises(InputError, match=words):
        attribute(linear_model(), cohort[2], **{"map": 0, "cohort": cohort, **options})


def test_a_label_without_a_cohort_is_refused() -> None:
    with pytest.raises(InputError, match="the label lesion belongs to a cohort, but no cohort"):
        attribute(
            linear_model(),
            labelled()[2],
            0,
            method="integrated_gradients",
            region="lesion",
            baseline="zero",
        )


@pytest.mark.parametrize("key", WITHOUT)
def test_a_method_that_speaks_of_whole_maps_refuses_a_region_and_names_those_that_can(key) -> None:
    cohort = labelled()
    with pytest.raises(InputError, match=f"{key} speaks of the whole map .* ask one of .*swaps"):
        attribute(linear_model(), cohort[2], 0, method=key, cohort=cohort, region="lesion")


@pytest.mark.parametrize("key", methods())
def test_several_maps_get_the_answers_that_each_gets_alone(key) -> None:
    cohort, model = people(), rectified_model() if key == "guided_backprop" else linear_model()
    options = {"method": key, "cohort": cohort, "seed": 3}
    together = attribute(model, cohort[1], [2, MapRef("encoder", 0)], **options)
    assert [found.target.index for found in together] == [2, 0]
    for found in together:
        alone = attribute(model, cohort[1], found.target, **options)
        np.testing.assert_array_equal(found.volume, alone.volume)
        np.testing.assert_array_equal(found.score, alone.score)
        assert dict(found.provenance.params) == dict(alone.provenance.params)


def test_all_maps_are_asked_by_one_word_and_one_map_in_a_list_stays_a_tuple() -> None:
    cohort = people()
    found = attribute(linear_model(), cohort[1], "all", cohort=cohort)
    assert [a.target.index for a in found] == [0, 1, 2, 3]
    assert len(attribute(linear_model(), cohort[1], [2], cohort=cohort)) == 1


class Counts:
    def __init__(self) -> None:
        self.reports: list[tuple[int, int]] = []

    def report(self, done: int, total: int, text: str) -> None:
        assert 0 <= done <= total
        self.reports.append((done, total))


def test_maps_that_are_asked_one_by_one_are_one_piece_of_work_and_swaps_are_shared() -> None:
    cohort, one_by_one, shared, alone = people(), Counts(), Counts(), Counts()
    options = {"cohort": cohort, "baseline": "zero", "method": "integrated_gradients"}
    attribute(linear_model(), cohort[1], [0, 1], progress=one_by_one, **options)
    shares = [done / total for done, total in one_by_one.reports]
    assert shares == sorted(shares)
    assert 0.5 in shares
    assert shares[-1] == 1
    attribute(linear_model(), cohort[1], [0, 1], cohort=cohort, progress=shared)
    attribute(linear_model(), cohort[1], 0, cohort=cohort, progress=alone)
    assert shared.reports == alone.reports
