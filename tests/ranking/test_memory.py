"""A ranking that is stopped goes on where it was, and says what is final before the end."""

from __future__ import annotations

import numpy as np
import pytest
from tests.ranking.test_rank import Pooling, images

from napari_latentattr.benchmarks.ranking_worlds import MAPS, make_ranking_world, voxel_rows
from napari_latentattr.cohort.cohort import Cohort
from napari_latentattr.core.errors import Cancelled
from napari_latentattr.core.types import Ranking
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.ranking import held_out, shadows
from napari_latentattr.ranking.effort import Effort
from napari_latentattr.ranking.evidence import rank_rows
from napari_latentattr.ranking.memory import RankMemory
from napari_latentattr.ranking.rank import rank_maps

TINY = Effort(draws=19, rounds=3, trees=2, swaps=1, threads=1)
NUMBERS = ("importance", "impurity", "shadow", "q", "verdict", "cluster")


class StopAt:
    """Stops when so many steps are done."""

    def __init__(self, done: int) -> None:
        self.stop = done

    def report(self, done: int, total: int, text: str) -> None:
        if done == self.stop:
            raise Cancelled("stopped")


def same(one: Ranking, other: Ranking) -> None:
    for name in NUMBERS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert one.gate == other.gate
    assert one.evidence == other.evidence


@pytest.fixture(scope="module")
def rows():
    return voxel_rows(make_ranking_world(1.2, 5, patients=12))


@pytest.fixture(scope="module")
def whole(rows) -> Ranking:
    return rank_rows(rows, MAPS, effort=TINY)


@pytest.mark.parametrize("done", [1, 4, 20, 22])
def test_stopped_anywhere_it_goes_on_to_the_same_numbers(rows, whole, done: int) -> None:
    memory = RankMemory()
    with pytest.raises(Cancelled, match="stopped"):
        rank_rows(rows, MAPS, effort=TINY, memory=memory, progress=StopAt(done))
    assert len(memory.draws) >= done - 1
    same(rank_rows(rows, MAPS, effort=TINY, memory=memory), whole)


def test_going_on_draws_only_the_rest(rows, monkeypatch) -> None:
    memory = RankMemory()
    rank_rows(rows, MAPS, effort=TINY, memory=memory)
    monkeypatch.delattr(shadows, "donor_cases")
    rank_rows(rows, MAPS, effort=TINY, memory=memory)
    del memory.draws[0, 2, 1]
    with pytest.raises(NameError, match="donor_cases"):
        rank_rows(rows, MAPS, effort=TINY, memory=memory)


def test_once_the_gate_is_known_all_is_final_but_the_comparison_with_shadows(rows, whole) -> None:
    memory = RankMemory()
    with pytest.raises(Cancelled, match="stopped"):
        rank_rows(rows, MAPS, effort=TINY, memory=memory, progress=StopAt(19))
    assert memory.so_far is None
    with pytest.raises(Cancelled, match="stopped"):
        rank_rows(rows, MAPS, effort=TINY, memory=memory, progress=StopAt(21))
    found = memory.so_far
    assert found is not None
    assert found.gate == whole.gate
    for name in ("importance", "impurity", "cluster"):
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name), err_msg=name)
    assert [(e.low, e.high) for e in found.evidence] == [(e.low, e.high) for e in whole.evidence]
    assert np.isnan(found.q).all()
    assert set(found.verdict) == {"not final"}
    assert {e.verdict for e in found.evidence} == {"undecided"}


def test_going_on_does_not_encode_again(monkeypatch) -> None:
    model = LatentModel.from_module(Pooling(), latent="encoder", n_channels=3, ndim=2)
    cohort = Cohort.from_arrays(images(12), channels=("a", "b", "c"))
    outcome = [i % 2 for i in range(12)]
    whole = rank_maps(model, cohort, outcome, effort=TINY)
    memory = RankMemory()
    grow = held_out.grow_forest

    def stop(*given, **named):
        raise Cancelled("stopped")

    monkeypatch.setattr(held_out, "grow_forest", stop)
    with pytest.raises(Cancelled, match="stopped"):
        rank_maps(model, cohort, outcome, effort=TINY, memory=memory)
    monkeypatch.setattr(held_out, "grow_forest", grow)
    monkeypatch.setattr(LatentModel, "encode", stop)
    found = rank_maps(model, cohort, outcome, effort=TINY, memory=memory)
    same(found, whole)
    assert found.provenance.data_sha256 == whole.provenance.data_sha256
