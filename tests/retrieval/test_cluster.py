from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score
from torch import nn

from napari_latentattr import Cohort, LatentModel, cluster_cases
from napari_latentattr.core.errors import InputError

N_MAPS = 8


class Pooling(nn.Module):
    """Eight maps, each a mixture of four images at a quarter of the resolution."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Conv2d(4, N_MAPS, 4, stride=4)
        self.decoder = nn.ConvTranspose2d(N_MAPS, 4, 4, stride=4)
        rng = np.random.default_rng(0)
        weight = rng.normal(size=(N_MAPS, 4, 1, 1)) * np.ones((1, 1, 4, 4)) / 16
        self.encoder.weight.data = torch.tensor(weight, dtype=torch.float32)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.encoder(x))


@pytest.fixture(scope="module")
def model() -> LatentModel:
    return LatentModel.from_module(Pooling(), latent="encoder", n_channels=4, ndim=2)


def images(means: np.ndarray, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (means[:, :, None, None] + rng.normal(size=(*means.shape, 16, 16))).astype(np.float32)


def cohort(means: np.ndarray, **more) -> Cohort:
    return Cohort.from_arrays(images(means), channels=("T1", "T2", "PD", "FA"), **more)


def three_kinds(per: int = 20, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Mean brightness (N, 4) of three kinds of cases, 6 sd apart in three images of the four."""
    rng = np.random.default_rng(seed)
    kind = np.repeat(np.arange(3), per)
    means = rng.normal(size=(kind.size, 4))
    means[np.arange(kind.size), kind] += 6
    return means, kind


@pytest.fixture(scope="module")
def found(model):
    means, kind = three_kinds()
    grade = ["high" if one == 1 else "low" for one in kind]
    age = list(50 + 10 * (kind == 2) + np.random.default_rng(3).normal(size=kind.size))
    coin = list(np.random.default_rng(4).normal(size=kind.size))
    return cluster_cases(
        model, cohort(means), outcomes={"grade": grade, "age": age, "coin": coin}, draws=99
    )


def test_planted_kinds_are_found_and_each_has_a_case_that_stands_for_it(found):
    _, kind = three_kinds()
    assert adjusted_rand_score(kind, found.labels) > 0.95
    assert found.labels[found.medoids].tolist() == [0, 1, 2]
    assert found.embedding.shape == (60, 2)
    assert found.stability.min() > 0.9
    assert found.p == pytest.approx(0.01)
    assert found.sentence().startswith("3 groups of cases: A (")


def test_a_group_differs_in_the_image_and_the_outcome_that_it_was_made_with(found):
    _, kind = three_kinds()
    group = found.labels[np.flatnonzero(kind == 1)[0]]
    mine = [d for d in found.differences if d.cluster == group]
    assert next(d for d in mine if d.kind == "image").name == "T2"
    outcome = {d.name: d for d in mine if d.kind == "outcome"}
    assert outcome["grade = high"].estimate > 0.9
    assert outcome["grade = high"].q < 1e-6
    assert outcome["coin"].q > 0.05
    assert {d.kind for d in mine} == {"map", "image", "outcome"}
    assert all(d.n + d.n_others <= found.n and d.family for d in mine)


def test_a_cohort_of_one_kind_has_no_groups_and_says_so(model):
    means = np.random.default_rng(1).normal(size=(60, 4))
    found = cluster_cases(model, cohort(means), draws=99)
    assert (found.labels == -1).all()
    assert found.medoids.size == 0
    assert found.differences == ()
    assert found.sentence().startswith("No groups found: the 60 cases")
    assert "missed" not in found.sentence()


def test_few_patients_without_groups_are_told_that_groups_are_easily_missed(model):
    means = np.random.default_rng(1).normal(size=(59, 4))
    found = cluster_cases(model, cohort(means), draws=19)
    assert found.count == 0
    assert found.sentence().endswith("Among fewer than 60 patients groups are easily missed.")


def test_cases_of_one_patient_are_not_a_kind_of_case(model):
    rng = np.random.default_rng(2)
    patient = np.repeat(np.arange(14), 5)
    means = 4 * rng.normal(size=(14, 4))[patient] + 0.2 * rng.normal(size=(70, 4))
    found = cluster_cases(model, cohort(means, patients=patient), draws=99)
    assert found.count == 0
    assert found.n == 14


def test_kinds_are_found_where_patients_have_several_cases_and_n_counts_patients(model):
    means, kind = three_kinds(10)
    patient = np.repeat(np.arange(30), 3)
    rng = np.random.default_rng(5)
    again = means[patient] + 0.3 * rng.normal(size=(90, 4))
    found = cluster_cases(model, cohort(again, patients=patient), draws=99)
    assert adjusted_rand_score(kind[patient], found.labels) > 0.9
    assert max(d.n + d.n_others for d in found.differences) <= 30
    assert sorted(found.patients_in) == [10, 10, 10]


def test_one_odd_case_is_an_outlier_and_hides_no_group(model):
    means, kind = three_kinds()
    means[0] = -80
    found = cluster_cases(model, cohort(means), draws=99)
    assert found.labels[0] == -1
    assert found.outlier[0]
    assert adjusted_rand_score(kind[1:], found.labels[1:]) > 0.95


def test_few_patients_get_a_picture_and_the_reason_why_no_group_is_named(model):
    found = cluster_cases(model, cohort(three_kinds(3)[0]), draws=19)
    assert not found.asked
    assert found.embedding.shape == (9, 2)
    assert "9 patients are too few" in found.sentence()


def test_slices_of_one_person_form_no_groups(model):
    means, _ = three_kinds()
    found = cluster_cases(model, cohort(means, patients=["p"] * 60), draws=19)
    assert not found.asked
    assert "one person" in found.why_not


def test_tsne_moves_the_picture_and_no_group(model, found):
    means, _ = three_kinds()
    moved = cluster_cases(model, cohort(means), layout="tsne", draws=99)
    assert np.array_equal(moved.labels, found.labels)
    assert np.isfinite(moved.embedding).all()
    assert not np.allclose(moved.embedding, found.embedding)


def test_the_same_seed_gives_the_same_bytes(model):
    means, _ = three_kinds(8)
    one, other = (cluster_cases(model, cohort(means), draws=19, seed=3) for _ in range(2))
    assert np.array_equal(one.embedding, other.embedding)
    assert np.array_equal(one.labels, other.labels)
    assert np.array_equal(one.null, other.null)


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"layout": "umap"}, "layout must be pca or tsne, got 'umap'"),
        ({"draws": 5}, "draws must be a whole number of at least 19"),
        ({"outcomes": {"age": [1]}}, "outcome 'age' has 1 values, the cohort 24 cases"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_sentence(model, more, match):
    with pytest.raises(InputError, match=match):
        cluster_cases(model, cohort(three_kinds(8)[0]), **more)


def test_equal_cases_are_refused(model):
    x = np.ones((20, 4, 16, 16), dtype=np.float32)
    with pytest.raises(InputError, match="no latent map varies between the cases"):
        cluster_cases(model, Cohort.from_arrays(x, channels=("T1", "T2", "PD", "FA")))
