import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from napari_latentattr.benchmarks.ranking_worlds import case_rows, make_ranking_world, voxel_rows
from napari_latentattr.ranking.effort import Effort
from napari_latentattr.ranking.held_out import hold_out, mean_auc
from napari_latentattr.ranking.score import macro_auc

QUICK = Effort(trees=6)


def test_macro_auc_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(3), size=(4, 50)).round(1)
    label = rng.integers(3, size=50)
    oracle = [np.mean([roc_auc_score(label == c, one[:, c]) for c in range(3)]) for one in shares]
    assert macro_auc(shares, label) == pytest.approx(oracle)


def test_both_classes_of_two_give_the_same_area():
    rng = np.random.default_rng(1)
    share = rng.random(40).round(1)
    label = rng.integers(2, size=40)
    both = macro_auc(np.stack([1 - share, share], axis=1), label)
    assert float(both) == pytest.approx(roc_auc_score(label, share))


def test_no_patient_is_in_both_halves():
    rows = voxel_rows(make_ranking_world(0.0, 0, patients=12))
    for fit in hold_out(rows, rows.label, np.random.default_rng(0), QUICK):
        assert fit.ratio == pytest.approx(len(set(fit.test.case)) / (12 - len(set(fit.test.case))))


def test_a_fold_without_two_classes_is_not_scored():
    rows = case_rows(make_ranking_world(0.0, 0, patients=12))
    constant = np.zeros_like(rows.label)
    assert hold_out(rows, constant, np.random.default_rng(0), QUICK) == []
    assert np.isnan(mean_auc([]))


def test_without_signal_pooled_predictions_fall_below_one_half_and_folds_do_not():
    pooled, within = [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        label = rng.permutation(np.arange(16) % 2)
        share = np.empty(16)
        # leave one out with nothing to learn: each fold predicts the mean of its training half
        for case in range(16):
            share[case] = np.delete(label, case).mean()
        pooled.append(roc_auc_score(label, share))
        rows = case_rows(make_ranking_world(0.0, seed, patients=16))
        within.append(mean_auc(hold_out(rows, rows.label, rng, QUICK)))
    assert max(pooled) == 0.0
    assert np.mean(within) == pytest.approx(0.5, abs=0.08)
