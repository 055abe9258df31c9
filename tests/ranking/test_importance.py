import numpy as np
import pytest
from scipy.stats import t

from napari_latentattr.benchmarks.ranking_worlds import case_rows, make_ranking_world
from napari_latentattr.ranking import importance
from napari_latentattr.ranking.effort import Effort
from napari_latentattr.ranking.exchange import donor_cases
from napari_latentattr.ranking.held_out import hold_out
from napari_latentattr.ranking.importance import interval_over_folds, loss_of_auc
from napari_latentattr.ranking.score import macro_auc


def fitted():
    rows = case_rows(make_ranking_world(1.2, 2, patients=20))
    return rows, hold_out(rows, rows.label, np.random.default_rng(0), Effort(trees=6))[0]


def test_the_loss_is_that_of_exchanging_one_map_at_a_time():
    rows, fit = fitted()
    donor = donor_cases(rows.units, np.random.default_rng(5))
    own = fit.test.values(rows)
    other = rows.values[donor[fit.test.case], fit.test.place]
    slow = []
    for k in range(16):
        changed = own.copy()
        changed[:, rows.map_of == k] = other[:, rows.map_of == k]
        slow.append(fit.auc - macro_auc(fit.forest.predict(changed), fit.test.label))
    fast = loss_of_auc(rows, fit, np.random.default_rng(5), swaps=1)
    assert fast == pytest.approx(slow)
    assert np.ptp(fast) > 0


def test_batches_of_maps_change_nothing(monkeypatch):
    rows, fit = fitted()
    whole = loss_of_auc(rows, fit, np.random.default_rng(5), swaps=2)
    monkeypatch.setattr(importance, "_FLOATS", 1)
    assert loss_of_auc(rows, fit, np.random.default_rng(5), swaps=2) == pytest.approx(whole)


def test_without_overlap_the_interval_is_that_of_the_t_distribution():
    loss = np.random.default_rng(0).standard_normal((6, 3))
    low, high = interval_over_folds(loss, 0.0)
    oracle = t.interval(0.95, 5, loss.mean(0), loss.std(0, ddof=1) / np.sqrt(6))
    assert low == pytest.approx(oracle[0])
    assert high == pytest.approx(oracle[1])


def test_training_cases_in_common_widen_the_interval():
    loss = np.random.default_rng(0).standard_normal((4, 1))
    narrow, wide = (np.diff(interval_over_folds(loss, r), axis=0).item() for r in (0.0, 0.25))
    assert wide / narrow == pytest.approx(np.sqrt(2))


def test_two_folds_have_no_interval():
    assert np.isnan(interval_over_folds(np.ones((2, 3)), 0.5)).all()
