import numpy as np
import pytest
from scipy.stats import kendalltau
from sklearn.metrics import roc_auc_score

from napari_latentattr.ranking.score import concordance, score, score_name


def test_concordance_of_two_values_is_the_area_under_the_curve():
    rng = np.random.default_rng(0)
    predicted, outcome = rng.random((3, 30)).round(1), rng.integers(2, size=30)
    oracle = [roc_auc_score(outcome, one) for one in predicted]
    assert concordance(predicted, outcome.astype(float)) == pytest.approx(oracle)


def test_without_ties_concordance_is_a_rescaled_kendall_tau():
    predicted, outcome = np.random.default_rng(1).random((2, 25))
    tau = kendalltau(predicted, outcome).statistic
    assert 2 * concordance(predicted, outcome) - 1 == pytest.approx(tau)


def test_numbers_and_classes_have_scores_of_their_own():
    predicted = np.array([[0.1], [0.2], [0.9]])
    assert score(predicted, np.array([0.0, 0.5, 1.0])) == 1.0
    shares = np.hstack([1 - predicted, predicted])
    assert score(shares, np.array([0, 1, 0])) == 0.5
    names = [score_name(classes) for classes in ((), ("a", "b"), ("a", "b", "c"))]
    assert names == ["concordance", "AUC", "macro AUC"]
