from __future__ import annotations

import numpy as np
import pytest
from tests.retrieval.test_find import CHANNELS, model, planted

from napari_latentattr import Cohort, find_cases, rank_maps
from napari_latentattr.ranking.held_out import HeldOut
from napari_latentattr.ranking.rows import Rows, Sample
from napari_latentattr.ranking.units import patients_as_units
from napari_latentattr.retrieval.relevance import relevance_of_cases


class First:
    """Predicts the class (or the number) from the first feature alone."""

    def __init__(self, classes: bool) -> None:
        self.classes = classes

    def predict(self, values):
        one = values[:, 0].astype(np.float64)
        return np.stack([1 - one, one], axis=1) if self.classes else one[:, None]


@pytest.mark.parametrize("classes", [True, False])
def test_relevance_is_the_mean_loss_over_donors_and_nothing_for_an_unused_map(classes):
    value = np.array([0.9, 0.1, 0.5, 0.2], dtype=np.float32)
    label = np.array([1, 0, 1, 0]) if classes else np.array([1.0, 0.0, 0.5, 0.25])
    rows = Rows(
        values=np.stack([value, value[::-1]], axis=1)[:, None],
        inside=np.ones((4, 1), bool),
        label=label[:, None],
        map_of=np.arange(2),
        classes=("no", "yes") if classes else (),
        units=patients_as_units(range(4)),
    )
    fit = HeldOut(First(classes), Sample(np.arange(3), np.zeros(3, int), label[:3]), 1.0, 0.5)
    scores = relevance_of_cases(rows, [fit], 0, swaps=4000, seed=0)
    expected = []
    for i in range(3):
        others = np.delete(value, i).astype(float)
        worse = np.abs(others - label[i])
        expected.append(worse.mean() - abs(float(value[i]) - label[i]))
    np.testing.assert_allclose(scores[:3], expected, atol=0.02)
    assert np.isnan(scores[3])
    assert np.abs(relevance_of_cases(rows, [fit], 1, swaps=9, seed=0)[:3]).max() == 0


def test_the_map_that_carries_the_outcome_is_relevant_where_it_shows():
    x, *_ = planted(2, n=30)
    x[:, 0] = np.random.default_rng(1).normal(0, 0.1, x[:, 0].shape)
    ill = np.arange(30) % 3 == 0
    x[ill, 0, 8:16, 8:16] += 3
    cohort = Cohort.from_arrays(x, channels=CHANNELS)
    values = ["ill" if one else "well" for one in ill]
    found = find_cases(model(2), cohort, 0, by="relevance", outcome=values, name="state", seed=2)
    assert found.outcome == "state"
    assert found.gate.passed
    assert found.gate.auc == rank_maps(model(2), cohort, values, seed=2).gate.auc
    assert ill[found.top.index].all()
    assert (found.scores > 0.05).all()
    assert "true state" in found.unit


def test_a_region_is_an_outcome_too():
    x, *_ = planted(2, n=8)
    label = np.zeros((8, 32, 32), dtype=bool)
    label[:, 8:16, 8:16] = True
    x[:, 0, 8:16, 8:16] += 5
    cohort = Cohort.from_arrays(x, channels=CHANNELS, labels={"spot": label})
    found = find_cases(model(2), cohort, 0, top=3, by="relevance", outcome="spot")
    assert found.outcome == "spot"
    assert np.isfinite(found.scores).all()
