"""The control that encodes one image alone, against its closed form."""

from __future__ import annotations

import numpy as np
import pytest
from tests.toy import encoded, linear_model, people, planes

from napari_latentattr import attribute
from napari_latentattr.core.errors import InputError
from napari_latentattr.core.latent_grid import to_input_grid


@pytest.mark.parametrize("fill", ["zero", "mean"])
def test_it_is_the_response_to_one_image_with_the_others_muted(fill) -> None:
    cohort = people()
    model = linear_model()
    found = attribute(model, cohort[1], 3, method="encode_alone", cohort=cohort, fill=fill)
    muted = planes().mean(axis=0) if fill == "mean" else np.zeros((3, 8, 8))
    mask = cohort[1].mask
    for c in range(3):
        alone = muted.copy()
        alone[c] = planes()[1, c]
        response = encoded(alone[None])[0, 3].astype(np.float32)
        expected = np.where(mask, to_input_grid(response, model.spec, (8, 8)), 0)
        np.testing.assert_allclose(found.volume[c], expected, rtol=0, atol=1e-5)
        inside = response[:3, 1:]
        assert found.score[c] == pytest.approx(np.sqrt((inside**2).mean()), rel=1e-5)


def test_for_an_image_that_the_map_does_not_use_it_shows_the_bias() -> None:
    cohort = people()
    model = linear_model()
    found = attribute(model, cohort[1], 0, method="encode_alone")
    bias = float(model.module.encoder.bias[0].detach())
    np.testing.assert_allclose(found.volume[2][cohort[1].mask], bias, rtol=1e-6)


def test_the_mean_of_other_cases_needs_other_cases() -> None:
    with pytest.raises(InputError, match="the mean image needs a cohort of at least 2 cases"):
        attribute(linear_model(), people()[0], 0, method="encode_alone", fill="mean")
