"""A measurement that is stopped goes on where it was; what it has found so far can be looked at."""

from __future__ import annotations

import numpy as np
import pytest
from tests.toy import CHANNELS, linear_model, people, volumes

from napari_latentattr import Cohort, channel_dependence
from napari_latentattr.core.dependence import ChannelDependence
from napari_latentattr.core.errors import Cancelled
from napari_latentattr.core.progress import Silent
from napari_latentattr.methods.swap_memory import SwapMemory
from napari_latentattr.model.engine import SwapEncoder

NUMBERS = ("ratio", "low", "high", "p", "q", "verdict", "answer", "interaction", "same_lead")
COHORTS = {
    "people": people,
    "near-copies": lambda: people(twins=True),
    "volumes": lambda: volumes(patients=True),
    "slices of one person": lambda: volumes(patients=False),
}


class StopAt:
    """Stops at one report; counts those that came."""

    def __init__(self, report: int) -> None:
        self.left = report

    def report(self, done: int, total: int, text: str) -> None:
        self.left -= 1
        if self.left < 0:
            raise Cancelled("stopped")


def same(one: ChannelDependence, other: ChannelDependence) -> None:
    for name in NUMBERS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    for mine, its in zip(one.joint, other.joint, strict=True):
        assert mine.tied == its.tied
        assert mine.likeness == its.likeness
        np.testing.assert_array_equal(mine.low, its.low)
    assert one.provenance.data_sha256 == other.provenance.data_sha256
    assert (one.n, one.n_cases) == (other.n, other.n_cases)


@pytest.mark.parametrize("cohort", COHORTS)
def test_stopped_anywhere_it_goes_on_to_the_same_numbers(cohort: str) -> None:
    model, cases = linear_model(), COHORTS[cohort]()
    whole = channel_dependence(model, cases)
    stops = 0
    for report in range(0, 60, 4):
        memory = SwapMemory()
        try:
            channel_dependence(model, cases, memory=memory, progress=StopAt(report))
        except Cancelled:
            stops += 1
        same(channel_dependence(model, cases, memory=memory), whole)
    assert stops >= 1


def test_going_on_costs_only_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    swaps = []
    swap = SwapEncoder.swap
    monkeypatch.setattr(
        SwapEncoder, "swap", lambda *given: (swaps.append(given[-1]), swap(*given))[1]
    )
    model, cases, memory = linear_model(), people(), SwapMemory()
    with pytest.raises(Cancelled, match="stopped"):
        channel_dependence(model, cases, memory=memory, progress=StopAt(4 * 4))
    assert len(memory.receipts) == 4
    swaps.clear()
    channel_dependence(model, cases, memory=memory)
    assert len(swaps) == 2 * len(CHANNELS)
    swaps.clear()
    channel_dependence(model, cases, maps=1, memory=memory)
    assert not swaps


def test_ratios_of_all_cases_are_those_of_the_answer() -> None:
    memory = SwapMemory()
    found = channel_dependence(linear_model(), people(), memory=memory)
    so_far = memory.ratios(len(CHANNELS))
    assert so_far is not None
    np.testing.assert_allclose(so_far[0], found.ratio, rtol=1e-12)
    assert so_far[1] == 6


def test_ratios_so_far_are_those_of_the_cases_that_were_measured() -> None:
    memory = SwapMemory()
    assert memory.ratios(len(CHANNELS)) is None
    with pytest.raises(Cancelled, match="stopped"):
        channel_dependence(linear_model(), people(), memory=memory, progress=StopAt(4 * 2))
    ratio, cases = memory.ratios(len(CHANNELS))
    assert cases == 2
    receipts = [receipt for receipt in memory.receipts.values() if receipt is not None]
    change = sum(receipt.change.sum(axis=0) for receipt in receipts)
    spread = sum(receipt.spread.sum(axis=0) for receipt in receipts)
    np.testing.assert_allclose(ratio, change / spread[:, None])
    assert ratio[0, 2] == 0  # map 0 does not see the third image


def test_ratios_so_far_of_a_map_that_does_not_move_are_unknown() -> None:
    x = np.repeat(np.random.default_rng(0).normal(size=(1, 3, 8, 8)), 3, axis=0)
    memory = SwapMemory()
    channel_dependence(
        linear_model(), Cohort.from_arrays(x.astype(np.float32), channels=CHANNELS), memory=memory
    )
    assert np.isnan(memory.ratios(len(CHANNELS))[0]).all()


def test_a_memory_is_optional() -> None:
    one = channel_dependence(linear_model(), people(), progress=Silent())
    same(one, channel_dependence(linear_model(), people(), memory=SwapMemory()))
