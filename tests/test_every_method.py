"""Every registered method on a toy autoencoder: what each of them owes whoever asks it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from tests.toy import linear_model, people, rectified_model, skipping_model, volumes

from napari_latentattr import Attribution, Cohort, LatentModel, attribute, methods
from napari_latentattr.core.errors import Cancelled, ModelError
from napari_latentattr.core.types import ImageStack
from napari_latentattr.model.state import state_hash

METHODS = methods()

# What some need and the linear autoencoder has not.
MODELS = {"guided_backprop": rectified_model}
# Those that give one picture for all images together.
ONE_PICTURE = {"grad_cam"}


def model_for(key: str) -> LatentModel:
    return MODELS.get(key, linear_model)()


def volumes_of_people(*, twins: bool = False) -> tuple[ImageStack, Cohort]:
    cohort = volumes(patients=True, twins=twins)
    return cohort[1], cohort


def slices_of_one_person(*, twins: bool = False) -> tuple[ImageStack, Cohort]:
    whole = volumes(patients=False, twins=twins)
    return whole[0], whole.by_slice("axial")


def images_of_people(*, twins: bool = False) -> tuple[ImageStack, Cohort]:
    cohort = people(twins=twins)
    return cohort[3], cohort


SCENES = {
    "images of people": images_of_people,
    "volumes of people": volumes_of_people,
    "slices of one person": slices_of_one_person,
}

every_method = pytest.mark.parametrize("key", METHODS)
every_scene = pytest.mark.parametrize("scene", SCENES)


def ask(key: str, scene: str, *, which: int = 0, seed: int = 5, **options: bool) -> Attribution:
    stack, cohort = SCENES[scene](**options)
    return attribute(model_for(key), stack, which, method=key, cohort=cohort, seed=seed)


def claimed(axiom: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("key", [k for k, m in METHODS.items() if axiom in m.claims])


@every_method
@every_scene
def test_the_volume_lies_on_the_grid_of_the_stack_and_is_finite(key, scene) -> None:
    stack, _ = SCENES[scene]()
    found = ask(key, scene)
    pictures = 1 if key in ONE_PICTURE else 3
    assert found.volume.shape == (pictures, *stack.grid.shape)
    assert found.volume.dtype == np.float32
    assert found.score.shape == (pictures,)
    assert found.score.dtype == np.float64
    assert found.grid is not None
    assert found.grid.same_as(stack.grid)
    assert np.isfinite(found.volume).all()
    assert np.isfinite(found.score).all()
    assert found.score.any()


@every_method
@every_scene
def test_the_same_seed_gives_the_same_bits(key, scene) -> None:
    first, second = ask(key, scene), ask(key, scene)
    assert first.volume.tobytes() == second.volume.tobytes()
    assert first.score.tobytes() == second.score.tobytes()
    assert dict(first.numbers) == dict(second.numbers)


@every_method
@every_scene
def test_neither_images_nor_model_are_changed(key, scene) -> None:
    stack, cohort = SCENES[scene]()
    model = model_for(key)
    next(model.module.parameters()).requires_grad_(False)
    images, state = stack.data.copy(), state_hash(model.module.state_dict())
    attribute(model, stack, 0, method=key, cohort=cohort)
    np.testing.assert_array_equal(stack.data, images)
    assert state_hash(model.module.state_dict()) == state
    assert model.module.training
    assert [p.requires_grad for p in model.module.parameters()] == [False, True, True, True]
    assert all(p.grad is None for p in model.module.parameters())
    assert not any(p._forward_hooks or "forward" in p.__dict__ for p in model.module.modules())
    assert torch.is_grad_enabled()


@every_method
def test_the_provenance_names_everything_that_was_asked(key) -> None:
    stack, _ = images_of_people()
    record = ask(key, "images of people", which=2).provenance
    params = dict(record.params)
    assert record.method == key
    assert (params["map"], params["case"]) == (2, stack.case)
    for parameter in METHODS[key].parameters:
        assert params[parameter.name] == parameter.default
    assert record.seed == (5 if "seed" in METHODS[key].context else 0)
    assert record.model_sha256 == model_for(key).spec.sha256
    assert len(record.data_sha256) == 64
    assert json.loads(json.dumps(params)) == params


class StopsAtOnce:
    def report(self, done: int, total: int, text: str) -> None:
        raise Cancelled("stopped by the user")


@every_method
def test_it_can_be_stopped(key) -> None:
    stack, cohort = images_of_people()
    model = model_for(key)
    with pytest.raises(Cancelled, match="stopped by the user"):
        attribute(model, stack, 0, method=key, cohort=cohort, progress=StopsAtOnce())
    assert model.module.training


@claimed("complete")
@every_scene
def test_scores_that_add_up_miss_nothing(key, scene) -> None:
    found = ask(key, scene)
    assert abs(found.residual) < 1e-5 * np.abs(found.score).sum()


@every_method
def test_whoever_claims_no_completeness_gives_no_residual(key) -> None:
    missing = np.isnan(ask(key, "images of people").residual)
    assert missing == ("complete" not in METHODS[key].claims)


@claimed("ignores_unused_channel")
@every_scene
def test_an_image_without_weights_gets_exactly_nothing(key, scene) -> None:
    found = ask(key, scene)
    assert found.score[2] == 0
    assert not found.volume[2].any()
    assert found.score[:2].all()


@claimed("symmetric")
@every_scene
def test_equal_images_with_equal_weights_get_the_same(key, scene) -> None:
    found = ask(key, scene, twins=True)
    np.testing.assert_allclose(found.volume[0], found.volume[1], rtol=0, atol=1e-5)
    assert found.score[0] == pytest.approx(found.score[1], rel=1e-5)
    assert found.score[0] != 0


@pytest.mark.parametrize("key", [k for k, m in METHODS.items() if m.control])
def test_a_control_says_so(key) -> None:
    method = METHODS[key]
    assert method.title.endswith("(control)")
    assert "misleading" in method.help


@pytest.mark.parametrize("key", ["encode_alone", "solo"])
def test_an_image_or_a_map_alone_shows_something_where_there_is_nothing(key) -> None:
    assert ask(key, "images of people").score[2] > 0


@pytest.mark.parametrize("key", [k for k, m in METHODS.items() if m.view == "drawn"])
def test_a_way_around_the_maps_is_flagged_in_what_is_drawn_and_nowhere_else(key) -> None:
    stack, cohort = images_of_people()
    if key == "secant":  # the one that reads the decoder step by step, and there is no such list
        with pytest.raises(ModelError, match="first carries the picture around the latent maps"):
            attribute(skipping_model(), stack, 0, method=key, cohort=cohort)
        return
    found = attribute(skipping_model(), stack, 0, method=key, cohort=cohort)
    assert found.provenance.params["skips"] == "first"
    assert "skips" not in ask(key, "images of people").provenance.params


def test_every_claim_is_made_and_so_tested() -> None:
    assert {claim for method in METHODS.values() for claim in method.claims} == {
        "complete",
        "ignores_unused_channel",
        "symmetric",
    }
