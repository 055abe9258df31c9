"""The check of a picture: what must fail, what may pass, and what it rests on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats
from tests.methods.test_integrated_gradients import Curved
from tests.toy import CHANNELS, linear_model, people, planes, rectified_model, volumes

import napari_latentattr
from napari_latentattr import Cohort, LatentModel, SanityCheck, attribute, check, open_study
from napari_latentattr.core.errors import Cancelled, InputError
from napari_latentattr.methods import _registry
from napari_latentattr.methods.check import COPIES
from napari_latentattr.methods.randomisation import encoder_stages, randomised
from napari_latentattr.methods.results import Question
from napari_latentattr.model.state import state_hash
from napari_latentattr.samples.folders import sample_folder


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch):
    napari_latentattr.methods()
    monkeypatch.setattr(_registry, "_registered", dict(_registry._registered))


def planted(key: str, draw) -> None:
    """Register a method whose picture is `draw(stack)`, whatever the model is."""

    def method(model, stack, target):
        """Draw something."""
        volume = draw(stack)
        score = volume.reshape(len(volume), -1).sum(axis=1, dtype=np.float64)
        return Question(key, model, stack, target).answer(volume, score, unit="edges")

    napari_latentattr.register(key, title="Planted", source="a test")(method)


def edges(stack) -> np.ndarray:
    return np.abs(np.diff(stack.data, axis=-1, prepend=0))


@pytest.fixture(scope="module")
def trained():
    """A network trained on real diffusion images, and one slice of them."""
    study = open_study(sample_folder("dti") / "study_plain.yaml")
    return study.model, study.cohort, study.cohort[len(study.cohort) // 2]


def test_an_edge_detector_that_ignores_the_model_is_not_supported(trained) -> None:
    model, cohort, stack = trained
    planted("edges", edges)
    found = check(model, stack, 1, method="edges", cohort=cohort)
    assert found.verdict == "not supported"
    np.testing.assert_allclose(found.similarity, 1)
    assert found.sentence() == (
        "No answer. 4 copies of this model with random weights give nearly the same picture "
        "(similarity 1.00), so it would not be about what your model learned."
    )
    # Deletion alone would have let it pass.
    assert found.deletion.p == found.insertion.p == 0.05


@pytest.mark.parametrize("which", [0, 1])
def test_integrated_gradients_of_a_trained_network_are_supported(trained, which) -> None:
    model, cohort, stack = trained
    found = check(model, stack, which, method="integrated_gradients", cohort=cohort)
    assert found.verdict == "supported"
    assert found.randomised.max() < 0.4
    assert min(found.deletion.area, found.insertion.area) > 0.2
    assert found.layers == ("encoder.4", "encoder.2", "encoder.0")
    assert found.baseline == "the mean of the cohort"


def small(**options: object) -> SanityCheck:
    cohort = Cohort.from_arrays(3 * planes(), channels=CHANNELS)
    model = LatentModel.from_module(Curved(), latent="encoder", n_channels=3, ndim=2)
    given = {"method": "integrated_gradients", "cohort": cohort, "steps": 8, "seed": 2}
    return check(model, cohort[0], 1, **{**given, **options})


def test_similarity_is_that_of_pictures_of_copies_stage_by_stage() -> None:
    found = small()
    cohort = Cohort.from_arrays(3 * planes(), channels=CHANNELS)
    model = LatentModel.from_module(Curved(), latent="encoder", n_channels=3, ndim=2)
    options = {"method": "integrated_gradients", "cohort": cohort, "steps": 8}
    picture = attribute(model, cohort[0], 1, **options).volume
    (_, first), (_, rest) = encoder_stages(model)

    def alike(names: list[str], copy: int) -> float:
        twin = randomised(model, names, seed=(2, copy))
        other = attribute(twin, cohort[0], 1, **options).volume
        rho = [
            stats.spearmanr(a.ravel(), b.ravel()).statistic
            for a, b in zip(picture, other, strict=True)
        ]
        return float(np.abs(rho).mean())

    copies = [alike([*first, *rest], copy) for copy in range(COPIES)]
    np.testing.assert_allclose(found.randomised, copies, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.similarity, [alike(first, 0), np.mean(copies)], atol=1e-6)


def test_a_picture_that_only_turns_its_signs_around_counts_as_the_same() -> None:
    signs = iter([1, *(-1 if i % 2 else 1 for i in range(1 + COPIES))])
    planted("turning", lambda stack: next(signs) * stack.data)
    cohort = people()
    found = check(linear_model(), cohort[0], 0, method="turning", cohort=cohort)
    np.testing.assert_allclose(found.randomised, 1)
    assert found.verdict == "not supported"


def test_a_picture_that_is_flat_is_undecided_and_says_so() -> None:
    planted("flat", lambda stack: np.ones_like(stack.data))
    found = check(linear_model(), people()[0], 0, method="flat", cohort=people())
    assert found.verdict == "undecided"
    assert np.isnan(found.similarity).all()
    assert "it is the same everywhere" in found.sentence()


def test_images_that_are_their_own_baseline_move_nothing_and_that_is_told() -> None:
    x = np.repeat(planes(1), 2, axis=0)
    cohort = Cohort.from_arrays(x, channels=CHANNELS)
    options = {"method": "integrated_gradients", "cohort": cohort, "baseline": "zero"}
    found = check(linear_model(), cohort[0], 0, **options)
    assert np.isnan(found.deletion.p)
    assert found.verdict == "undecided"
    assert "when all voxels are exchanged for the mean of the cohort" in found.sentence()


def test_without_other_cases_voxels_are_exchanged_for_zero() -> None:
    one = Cohort.from_arrays(planes(1), channels=CHANNELS)
    for cohort in (None, one):
        found = check(linear_model(), one[0], 0, method="smooth_gradient", cohort=cohort, samples=1)
        assert found.baseline == "zero"
        dark = linear_model().encode(np.zeros((1, 3, 8, 8)))[0, 0].mean()
        assert found.deletion.values[-1] == pytest.approx(dark, abs=1e-6)
        assert found.insertion.values[0] == pytest.approx(dark, abs=1e-6)


@pytest.mark.parametrize("key", [k for k, m in napari_latentattr.methods().items()])
def test_every_method_of_where_is_checked_and_the_others_are_refused(key) -> None:
    model = rectified_model() if key == "guided_backprop" else linear_model()
    cohort = people()
    before = state_hash(model.module.state_dict())
    if napari_latentattr.methods()[key].view == "drawn":
        with pytest.raises(InputError, match=f"{key} shows what the decoder draws"):
            check(model, cohort[0], 0, method=key, cohort=cohort)
        return
    first, second = (check(model, cohort[0], 0, method=key, cohort=cohort) for _ in range(2))
    assert first.randomised.tobytes() == second.randomised.tobytes()
    assert first.deletion.random.tobytes() == second.deletion.random.tobytes()
    assert first.sentence() == second.sentence()
    assert state_hash(model.module.state_dict()) == before
    assert model.module.training
    assert first.target.index == 0
    assert (first.case, first.method) == (cohort.cases[0], key)


def test_of_one_latent_the_check_looks_at_that_latent_alone() -> None:
    found = small(voxel=(1, 2))
    cohort = Cohort.from_arrays(3 * planes(), channels=CHANNELS)
    module = Curved()
    z = module.encoder(torch.from_numpy(cohort[0].data[None].copy()))[0, 1, 1, 2]
    assert found.deletion.values[0] == pytest.approx(float(z.detach()), abs=1e-5)
    params = dict(found.provenance.params)
    assert params["voxel"] == "1,2"
    assert (params["method"], params["steps"]) == ("integrated_gradients", 8)
    assert params["exchanged_for"] == "the mean of the cohort"
    assert found.provenance.method == "check"
    assert found.provenance.seed == 2


def test_slices_of_one_person_are_checked_as_a_volume() -> None:
    whole = volumes(patients=False)
    slices = whole.by_slice("axial")
    found = check(linear_model(), whole[0], 0, method="swaps", cohort=slices)
    assert found.layers == ("encoder",)
    assert np.isfinite(found.deletion.moved).all()
    assert np.isfinite(found.similarity).all()


class Follows:
    def __init__(self, stop_at: float = 2.0) -> None:
        self.shares: list[float] = []
        self.stop_at = stop_at

    def report(self, done: int, total: int, text: str) -> None:
        assert text == "checking swaps"
        self.shares.append(done / total)
        if done / total >= self.stop_at:
            raise Cancelled("stopped")


def test_it_tells_how_far_it_is_and_can_be_stopped_anywhere() -> None:
    cohort, model = people(), linear_model()
    follows = Follows()
    check(model, cohort[0], 0, method="swaps", cohort=cohort, progress=follows)
    assert follows.shares == sorted(follows.shares)
    assert (follows.shares[0], follows.shares[-1]) == (0, 1)
    for at in (0.3, 0.9):
        with pytest.raises(Cancelled, match="stopped"):
            check(model, cohort[0], 0, method="swaps", cohort=cohort, progress=Follows(at))
    assert model.module.training


def test_a_check_is_frozen() -> None:
    found = small()
    with pytest.raises(AttributeError, match="cannot assign"):
        found.method = "another"
    assert replace(found, method="another").method == "another"
