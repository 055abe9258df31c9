"""Swaps as a registered method, against the cases and slices measured one by one."""

from __future__ import annotations

import numpy as np
import pytest
from tests.toy import linear_model, people, volumes

from napari_latentattr import attribute, dependence_volume
from napari_latentattr.core.errors import InputError
from napari_latentattr.core.types import ImageStack


def test_a_case_of_the_cohort_is_found_by_name_and_measured_against_the_others() -> None:
    cohort = people()
    model = linear_model()
    found = attribute(model, cohort[4], 1, method="swaps", cohort=cohort, donors=3, seed=2)
    expected = dependence_volume(model, cohort, 1, case=4, donors=3, seed=2)
    np.testing.assert_array_equal(found.volume, expected.volume)
    np.testing.assert_array_equal(found.score, expected.score)
    assert found.provenance.params["donors"] == 3


def test_slices_of_one_person_are_measured_one_by_one_and_stacked_back() -> None:
    whole = volumes(patients=False)
    slices = whole.by_slice("axial")
    model = linear_model()
    found = attribute(model, whole[0], 0, method="swaps", cohort=slices, donors=2, seed=1)
    assert len(slices) == 4
    counted = []
    for i in range(4):
        plane = dependence_volume(model, slices, 0, case=i, donors=2, seed=1)
        np.testing.assert_array_equal(found.volume[:, i], plane.volume)
        counted.append(plane.score**2)
    assert not found.volume[:, 4].any()
    latents = np.array([9, 6, 9, 9])
    np.testing.assert_allclose(
        found.score, np.sqrt(np.average(counted, axis=0, weights=latents)), rtol=1e-9
    )
    assert found.provenance.params["approximate"] == "slices of one person"


def test_without_a_cohort_or_with_another_one_the_user_is_told() -> None:
    cohort = people()
    stack = cohort[0]
    with pytest.raises(InputError, match="no cohort was given; give the cohort of case case-001"):
        attribute(linear_model(), stack, 0, method="swaps")
    other = ImageStack("case-01", stack.channels, stack.data, stack.grid, stack.mask)
    with pytest.raises(InputError, match="none of the 6 cases of the cohort, did you mean"):
        attribute(linear_model(), other, 0, method="swaps", cohort=cohort)
    louder = ImageStack(stack.case, stack.channels, stack.data * 2, stack.grid, stack.mask)
    with pytest.raises(InputError, match="case-001 has other images in the cohort"):
        attribute(linear_model(), louder, 0, method="swaps", cohort=cohort)
