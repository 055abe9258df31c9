"""The front door of all methods: what it refuses, and in which words."""

from __future__ import annotations

import numpy as np
import pytest
from tests.toy import CHANNELS, linear_model, people, planes, volumes

from napari_latentattr import Cohort, MapRef, attribute
from napari_latentattr.core.errors import InputError, ModelError
from napari_latentattr.model.slicewise import SlicewiseModel


def ask(map_: int | MapRef = 0, **options: object) -> None:
    cohort = people()
    asked = {"method": "swaps", **options}
    attribute(linear_model(), cohort[0], map_, cohort=cohort, **asked)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "swap"}, "no method swap, did you mean 'swaps'; known are channel_rescale"),
        ({"doners": 3}, "swaps has no parameter doners, did you mean 'donors'"),
        ({"method": "solo", "pairs": 1}, "solo has no parameter pairs; its parameters are none"),
        ({"donors": 0}, "donors must be a whole number from 1 to 32 cases, got 0"),
        ({"donors": 2.5}, "donors must be a whole number from 1 to 32 cases, got 2.5"),
        ({"donors": True}, "donors must be a whole number from 1 to 32 cases, got True"),
        ({"donors": float("nan")}, "donors must be a whole number .* got nan"),
        ({"donors": "3"}, "donors must be a whole number from 1 to 32 cases, got '3'"),
        (
            {"method": "encode_alone", "fill": "men"},
            "fill must be 'zero' or 'mean', got 'men', did you mean 'mean'",
        ),
        ({"map_": 4}, "map 4 was asked, the model has maps encoder:0 to encoder:3"),
        ({"map_": -1}, "map -1 was asked"),
        ({"map_": MapRef("decoder", 0)}, "map decoder:0 was asked, the model has maps encoder:0"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_sentence(options, words) -> None:
    with pytest.raises(InputError, match=words):
        ask(**options)


def test_a_map_can_be_named_by_number_or_reference() -> None:
    cohort = people()
    by_number = attribute(linear_model(), cohort[0], np.int64(2), cohort=cohort)
    by_name = attribute(linear_model(), cohort[0], MapRef("encoder", 2), cohort=cohort)
    assert by_number.target == by_name.target == MapRef("encoder", 2)
    np.testing.assert_array_equal(by_number.volume, by_name.volume)


@pytest.mark.parametrize("axis", ["axial", "coronal", "sagittal"])
def test_a_2d_model_takes_volumes_along_the_slices_of_the_cohort(axis) -> None:
    x = np.random.default_rng(0).normal(size=(3, 3, 8, 8, 8)).astype(np.float32)
    cohort = Cohort(Cohort.from_arrays(x, channels=CHANNELS)._source, slices=axis)
    plain = attribute(linear_model(), cohort[0], 0, cohort=cohort)
    folded = attribute(SlicewiseModel(linear_model(), axis), cohort[0], 0, cohort=cohort)
    np.testing.assert_array_equal(plain.volume, folded.volume)


def test_images_that_do_not_fit_the_model_or_the_cohort_are_told() -> None:
    two = Cohort.from_arrays(planes()[:, :2], channels=["A", "B"])
    with pytest.raises(ModelError, match=r"expects 3 images, case case-001 has 2 \(A, B\)"):
        attribute(linear_model(), two[0], 0, cohort=two)
    turned = Cohort.from_arrays(planes(), channels=["C", "B", "A"])
    with pytest.raises(InputError, match="has the images C, B, A, the cohort A, B, C"):
        attribute(linear_model(), turned[0], 0, cohort=people())
    axial = SlicewiseModel(linear_model(), "axial")
    with pytest.raises(ModelError, match="the model is 3D and case case-001 is 2D"):
        attribute(axial, people()[0], 0, cohort=people())


def test_a_mask_without_latents_is_told() -> None:
    masks = np.zeros((6, 8, 8), dtype=bool)
    cohort = Cohort.from_arrays(planes(), channels=CHANNELS, masks=masks)
    for method in ("swaps", "integrated_gradients", "encode_alone"):
        with pytest.raises(InputError, match="the mask holds the centre of no latent"):
            attribute(linear_model(), cohort[0], 0, method=method, cohort=cohort)


def test_the_mean_of_slices_is_taken_everywhere_in_a_volume() -> None:
    whole = volumes(patients=False)
    slices = whole.by_slice("axial")
    found = attribute(linear_model(), whole[0], 0, method="integrated_gradients", cohort=slices)
    mean = np.mean([stack.data for stack in slices], axis=0)
    kernel = linear_model().module.encoder.weight.detach().numpy()[0]
    gradient = np.concatenate([np.tile(k, (4, 4))[None] for k in kernel])
    ways = whole[0].data - mean[:, None]
    latents_inside = 33
    shown = np.moveaxis(found.volume, 1, 0)[whole[0].mask.any(axis=(1, 2))]
    expected = np.moveaxis(gradient[:, None] * ways / latents_inside, 1, 0)[:4]
    inside = np.broadcast_to(whole[0].mask[:4, None], shown.shape)
    np.testing.assert_allclose(shown[inside], expected[inside], rtol=0, atol=1e-6)
