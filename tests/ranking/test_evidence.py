from dataclasses import replace

import numpy as np
import pytest

from napari_latentattr.benchmarks.ranking_worlds import (
    CAUSES,
    DECOYS,
    FORMS,
    MAPS,
    USELESS,
    make_ranking_world,
    voxel_rows,
)
from napari_latentattr.core.errors import Cancelled, InputError
from napari_latentattr.core.inference import benjamini_hochberg, monte_carlo_p
from napari_latentattr.ranking.effort import Effort
from napari_latentattr.ranking.evidence import rank_rows
from napari_latentattr.ranking.rows import Rows
from napari_latentattr.ranking.units import patients_as_units

QUICK = Effort(draws=19, rounds=15, trees=12)
TINY = Effort(draws=19, rounds=3, trees=2, swaps=1)


@pytest.mark.parametrize("form", FORMS)
def test_causes_are_supported_and_a_decoy_shares_the_cluster_of_its_cause(form):
    ranking = rank_rows(FORMS[form](1.2, 5), MAPS, effort=QUICK)
    assert ranking.gate.passed
    assert ranking.gate.auc > max(ranking.gate.null)
    assert (ranking.verdict[CAUSES] == "supported").all()
    assert (ranking.verdict[USELESS] == "not supported").all()
    assert np.array_equal(ranking.cluster[CAUSES], ranking.cluster[DECOYS])
    assert ranking.importance[CAUSES].sum() > 3 * np.abs(ranking.importance[USELESS]).max()
    assert set(ranking.order[:3]) <= set(range(6))


def test_nothing_is_supported_when_the_gate_is_not_passed():
    # seed 2 is a study without signal in which some map beats its shadows all the same
    rows = voxel_rows(make_ranking_world(0.0, 2, patients=12))
    ranking = rank_rows(rows, MAPS, effort=QUICK)
    assert not ranking.gate.passed
    assert ranking.q.min() < 0.05
    assert (ranking.verdict == "not supported").all()


def test_an_area_below_one_half_is_not_turned_over():
    # every patient has a twin with the other outcome and the same maps: forests learn to be wrong
    rng = np.random.default_rng(0)
    twin = np.repeat(rng.standard_normal((10, 1, 3)), 2, axis=0).astype(np.float32)
    rows = Rows(
        values=twin,
        inside=np.ones((20, 1), bool),
        label=np.tile([[0], [1]], (10, 1)),
        map_of=np.arange(3),
        classes=("0", "1"),
        units=patients_as_units(range(20)),
    )
    gate = rank_rows(rows, MAPS[:3], effort=QUICK).gate
    assert gate.auc < 0.35
    assert gate.p > 0.5
    assert not gate.passed


def test_three_classes_are_ranked():
    rng = np.random.default_rng(0)
    label = np.arange(30) % 3
    values = rng.standard_normal((30, 1, 4)).astype(np.float32)
    values[:, 0, 1] += 3 * label
    rows = Rows(
        values=values,
        inside=np.ones((30, 1), bool),
        label=label[:, None],
        map_of=np.arange(4),
        classes=("low", "middle", "high"),
        units=patients_as_units(range(30)),
    )
    ranking = rank_rows(rows, MAPS[:4], effort=QUICK)
    assert ranking.verdict.tolist() == ["not supported", "supported"] + 2 * ["not supported"]
    assert ranking.order[0] == 1


def test_numbers_agree_with_each_other():
    ranking = rank_rows(voxel_rows(make_ranking_world(1.2, 5, patients=12)), MAPS, effort=TINY)
    p = np.array([e.p for e in ranking.evidence])
    assert ranking.q == pytest.approx(benjamini_hochberg(p))
    assert ranking.gate.p == monte_carlo_p(ranking.gate.auc, np.array(ranking.gate.null))
    assert ranking.importance == pytest.approx([e.estimate for e in ranking.evidence])
    assert all(e.low <= e.estimate <= e.high for e in ranking.evidence)
    assert {e.n for e in ranking.evidence} == {12}
    assert "threads" not in ranking.provenance.params


def test_same_seed_same_numbers_whatever_the_threads():
    rows = voxel_rows(make_ranking_world(1.2, 5, patients=12))
    one, two = (rank_rows(rows, MAPS, effort=replace(TINY, threads=n), seed=3) for n in (1, 3))
    assert one.gate == two.gate
    for name in ("importance", "impurity", "shadow", "q", "cluster"):
        assert np.array_equal(getattr(one, name), getattr(two, name)), name
    other = rank_rows(rows, MAPS, effort=TINY, seed=4)
    assert other.gate.null != one.gate.null


def test_every_step_is_reported_and_can_be_cancelled():
    class Watch:
        def __init__(self, stop_at: int) -> None:
            self.seen: list[tuple[int, int]] = []
            self.stop_at = stop_at

        def report(self, done: int, total: int, text: str) -> None:
            self.seen.append((done, total))
            if done == self.stop_at:
                raise Cancelled("stopped")

    rows = voxel_rows(make_ranking_world(0.0, 0, patients=12))
    watch = Watch(stop_at=-1)
    rank_rows(rows, MAPS, effort=TINY, progress=watch)
    assert watch.seen == [(done, 23) for done in range(1, 24)]
    with pytest.raises(Cancelled, match="stopped"):
        rank_rows(rows, MAPS, effort=TINY, progress=Watch(stop_at=4))


@pytest.mark.parametrize(
    ("effort", "alpha", "match"),
    [
        (Effort(draws=9), 0.05, r"9 null draws give p = 0.100 at best.*alpha = 0.05"),
        (Effort(rounds=0), 0.05, r"rounds must be at least 1, got 0"),
        (Effort(), 1.5, r"alpha = 1.5"),
    ],
)
def test_an_effort_that_cannot_answer_is_refused(effort, alpha, match):
    rows = voxel_rows(make_ranking_world(0.0, 0, patients=12))
    with pytest.raises(InputError, match=match):
        rank_rows(rows, MAPS, effort=effort, alpha=alpha)


def test_a_class_in_one_patient_is_refused():
    rows = voxel_rows(make_ranking_world(0.0, 0, patients=12))
    label = np.zeros_like(rows.label)
    label[0] = 1
    with pytest.raises(InputError, match=r"class 'with' is found in 1 of 12 patients"):
        rank_rows(replace(rows, label=label), MAPS, effort=TINY)
