import numpy as np
import pytest
import torch
from torch import nn

from napari_latentattr.cohort.cohort import Cohort
from napari_latentattr.core.errors import InputError, ModelError
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.ranking.effort import Effort
from napari_latentattr.ranking.rank import rank_maps

QUICK = Effort(draws=19, rounds=10, trees=6)


class Pooling(nn.Module):
    """Map k is image k at a quarter of the resolution, with its sign turned."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Conv2d(3, 3, 4, stride=4, bias=False)
        self.decoder = nn.ConvTranspose2d(3, 3, 4, stride=4, bias=False)
        with torch.no_grad():
            self.encoder.weight.copy_(-torch.eye(3)[:, :, None, None] / 16 * torch.ones(4, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.encoder(x))


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return LatentModel.from_module(Pooling(), latent="encoder", n_channels=3, ndim=2)


def images(n, seed=0):
    rng = np.random.default_rng(seed)
    offset = rng.standard_normal((n, 3, 1, 1))
    return (offset + rng.standard_normal((n, 3, 32, 32))).astype(np.float32)


def cohort_of(x, **kwargs):
    return Cohort.from_arrays(x, channels=("T1", "T2", "PD"), **kwargs)


def test_the_map_of_the_image_that_carries_the_outcome_is_found_by_case(model):
    x, grade = images(24), np.arange(24) % 2
    x[:, 1] += 4 * grade[:, None, None]
    ranking = rank_maps(model, cohort_of(x), grade, name="grade", effort=QUICK)
    assert ranking.verdict.tolist() == ["not supported", "supported", "not supported"]
    assert str(ranking.maps[ranking.order[0]]) == "encoder:1"
    assert ranking.outcome == "grade"
    assert ranking.folds == "patients"
    assert ranking.provenance.model_sha256 == model.spec.sha256
    assert len(ranking.provenance.data_sha256) == 64


def test_the_map_that_carries_a_number_is_found_and_its_score_is_named(model):
    x, age = images(30), 40 + 30 * np.random.default_rng(3).random(30)
    x[:, 1] += (0.15 * (age - 55))[:, None, None]
    ranking = rank_maps(model, cohort_of(x), age, name="age", effort=QUICK)
    assert ranking.verdict.tolist() == ["not supported", "supported", "not supported"]
    assert ranking.gate.score == "concordance"
    assert "for age" in ranking.evidence[0].family


def lesions(n, seed=1):
    rng = np.random.default_rng(seed)
    labels = np.zeros((n, 32, 32), bool)
    for label in labels:
        z, y = 4 * rng.integers(0, 6, size=2)
        label[z : z + 8, y : y + 8] = True
    return labels


def test_the_map_in_which_a_lesion_is_bright_is_found_by_voxel(model):
    x, labels = images(12), lesions(12)
    x[:, 2][labels] += 3
    cohort = cohort_of(x, labels={"lesion": labels})
    named = rank_maps(model, cohort, "lesion", effort=QUICK)
    given = rank_maps(model, cohort, labels, name="lesion", effort=QUICK)
    assert named.verdict.tolist() == ["not supported", "not supported", "supported"]
    assert named.outcome == "lesion"
    assert np.array_equal(named.importance, given.importance)
    assert named.gate == given.gate


def test_a_lesion_that_no_image_shows_is_not_supported(model):
    ranking = rank_maps(
        model, cohort_of(images(12), labels={"lesion": lesions(12)}), "lesion", effort=QUICK
    )
    assert not ranking.gate.passed
    assert (ranking.verdict == "not supported").all()


def test_cases_of_one_patient_may_differ_in_outcome(model):
    x = images(32)
    patients = np.repeat(np.arange(8), 4)
    grade = np.tile([0, 1, 1, 0, 0, 0, 1, 1], 4)
    x[:, 0] += 4 * grade[:, None, None]
    ranking = rank_maps(model, cohort_of(x), grade, patients=patients, effort=QUICK)
    assert {e.n for e in ranking.evidence} == {8}
    assert ranking.verdict[0] == "supported"


@pytest.mark.parametrize(("rare", "signal"), [(5, 6.0), (5, 0.0), (30, 0.0)])
def test_a_rare_class_is_found_where_it_shows_and_only_there(model, rare, signal):
    """Always the common class would be right in most cases; the score and the forest must not."""
    x, grade = images(35, seed=2), (np.arange(35) < rare).astype(int)
    x[:, 1] += signal * grade[:, None, None]
    ranking = rank_maps(model, cohort_of(x), grade, name="grade", effort=QUICK)
    assert (ranking.verdict == "supported").tolist() == [False, signal > 0, False]
    assert ranking.gate.passed == (signal > 0)
    assert 0.3 < np.mean(ranking.gate.null) < 0.7


def test_patients_whose_cases_all_conflict_tell_nothing_between_patients(model):
    """Offsets of a patient show in all cases; an outcome that every patient has both ways, not."""
    patients = np.repeat(np.arange(12), 2)
    x, grade = images(12)[patients], np.tile([0, 1], 12)
    ranking = rank_maps(model, cohort_of(x), grade, patients=patients, effort=QUICK)
    assert not ranking.gate.passed
    assert (ranking.verdict == "not supported").all()


@pytest.mark.parametrize("own", [True, False])
def test_slices_of_one_person_are_held_out_in_blocks(model, own):
    x, labels = images(15), lesions(15)
    x[:, 2][labels] += 3
    cohort = cohort_of(x, patients=["p"] * 15, labels={"lesion": labels})
    patients = None if own else cohort.patients
    ranking = rank_maps(model, cohort, "lesion", patients=patients, effort=QUICK)
    assert "blocks of neighbouring slices" in ranking.folds
    assert "approximate" in ranking.evidence[0].null
    assert ranking.verdict[2] == "supported"


def test_a_plane_model_ranks_volumes(model):
    x = np.repeat(images(12)[:, :, None], 2, axis=2)
    grade = np.arange(12) % 2
    x[:, 1] += 4 * grade[:, None, None, None]
    ranking = rank_maps(model, cohort_of(x), grade, effort=QUICK)
    assert str(ranking.maps[ranking.order[0]]) == "encoder:1"


@pytest.mark.parametrize(
    ("outcome", "patients", "match"),
    [
        ([0, 1] * 3, [1] * 6, r"a study with 1 patient cannot be ranked"),
        ([0, 1], None, r"'outcome' has 2 entries, the cohort 6 cases"),
        ([0] * 5 + [1], None, r"class '1' is found in 1 of 6 patients"),
        ("tumour", None, r"there is no label tumour"),
        ("lesion", None, r"'lesion' covers 0 of"),
    ],
)
def test_what_cannot_be_ranked_is_refused_in_one_sentence(model, outcome, patients, match):
    cohort = cohort_of(images(6), labels={"lesion": np.zeros((6, 32, 32), bool)})
    with pytest.raises(InputError, match=match) as raised:
        rank_maps(model, cohort, outcome, patients=patients)
    assert "\n" not in str(raised.value)


def test_a_cohort_of_other_images_is_refused(model):
    cohort = Cohort.from_arrays(images(6)[:, :2], channels=("T1", "T2"))
    with pytest.raises(ModelError, match="expects 3 images"):
        rank_maps(model, cohort, [0, 1] * 3)
