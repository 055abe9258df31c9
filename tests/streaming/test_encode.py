"""The walk over cases gives the same numbers in every way it can be walked."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import numpy as np
import pytest
from tests.toy import linear_model, people

from napari_latentattr import Cohort, channel_dependence, find_cases, rank_maps
from napari_latentattr.core.broken import Broken, left_out_lines
from napari_latentattr.core.errors import Cancelled, InputError
from napari_latentattr.core.types import Grid, ImageStack
from napari_latentattr.streaming.encode import encode_cases, reduce_cases
from napari_latentattr.streaming.reading import Keys, read_ahead
from napari_latentattr.streaming.streaming import Streaming

CHANNELS = ("A", "B", "C")
SERIAL, AHEAD, SKIP = Streaming(ahead=0), Streaming(ahead=2), Streaming(skip_broken=True)


class Cases:
    """Cases made when they are read; tells which thread read them, and how many are alive."""

    channels, unit_name, ndim, slices = CHANNELS, "patients", 2, None

    def __init__(self, n: int = 12, broken: tuple[int, ...] = (), delay: float = 0.0) -> None:
        self.cases = self.units = self.patients = tuple(f"c{i:02d}" for i in range(n))
        self.broken, self.delay = broken, delay
        self.threads: set[str] = set()
        self.alive = self.most = 0
        self.read = 0

    def __len__(self):
        return len(self.cases)

    def __getitem__(self, i: int) -> ImageStack:
        time.sleep(self.delay)
        self.threads.add(threading.current_thread().name)
        if i in self.broken:
            raise InputError(f"case {self.cases[i]}: the file is cut off; copy it again")
        data = np.random.default_rng(i).normal(size=(3, 8, 8)).astype(np.float32)
        self.alive, self.read = self.alive + 1, self.read + 1
        self.most = max(self.most, self.alive)
        weakref.finalize(data, self._gone)
        return ImageStack(self.cases[i], CHANNELS, data, Grid.from_spacing((8, 8), (1, 1)))

    def _gone(self) -> None:
        self.alive -= 1


def test_reading_ahead_changes_no_number_and_no_order():
    for serial, ahead in zip(
        encode_cases(linear_model(), Cases(), streaming=SERIAL),
        encode_cases(linear_model(), Cases(), streaming=AHEAD),
        strict=True,
    ):
        assert (serial.index, serial.case) == (ahead.index, ahead.case)
        np.testing.assert_array_equal(serial.maps, ahead.maps)
        assert serial.sha256 == ahead.sha256


def test_one_thread_reads_while_the_caller_encodes():
    cohort = Cases()
    list(encode_cases(linear_model(), cohort, streaming=AHEAD))
    assert len(cohort.threads) == 1
    assert threading.main_thread().name not in cohort.threads
    serial = Cases()
    list(encode_cases(linear_model(), serial, streaming=SERIAL))
    assert serial.threads == {threading.main_thread().name}


@pytest.mark.parametrize("n", [10, 100])
def test_no_more_cases_are_alive_than_wait_and_are_worked_on(n):
    cohort = Cases(n)
    for _ in reduce_cases(linear_model(), cohort, lambda case: case.index, streaming=AHEAD):
        pass
    gc.collect()
    assert cohort.read == n
    assert cohort.most <= 4
    assert cohort.alive == 0


def test_a_walk_that_is_given_up_reads_no_further_and_leaves_no_thread():
    cohort = Cases(50, delay=0.005)

    class Stop:
        def report(self, done, total, text):
            if done == 3:
                raise Cancelled("stopped")

    before = threading.active_count()
    with pytest.raises(Cancelled, match="stopped"):
        list(encode_cases(linear_model(), cohort, streaming=AHEAD, progress=Stop()))
    assert cohort.read <= 7
    assert threading.active_count() == before


def test_a_walk_whose_own_reader_collects_it_ends_quietly():
    walks, begun, ended = [], threading.Event(), threading.Event()

    class Collected(Cases):
        def __getitem__(self, i: int) -> ImageStack:
            if i == 2:
                begun.wait(10)
                walks.pop().close()
                ended.set()
            return super().__getitem__(i)

    cohort, model = Collected(), linear_model()
    walks.append(read_ahead(cohort, range(12), Keys(model, cohort, None), 2))
    next(walks[0])
    begun.set()
    assert ended.wait(10)


def test_which_cases_and_their_order_can_be_said():
    found = encode_cases(linear_model(), Cases(), which=[7, 2, 7])
    assert [case.index for case in found] == [7, 2, 7]


@pytest.mark.parametrize("streaming", [SERIAL, AHEAD])
def test_a_broken_case_ends_the_walk_unless_it_may_be_left_out(streaming):
    with pytest.raises(InputError, match="case c03: the file is cut off; copy it again"):
        list(encode_cases(linear_model(), Cases(broken=(3,)), streaming=streaming))
    broken: list[Broken] = []
    skipping = Streaming(ahead=streaming.ahead, skip_broken=True)
    found = encode_cases(linear_model(), Cases(broken=(3, 0)), streaming=skipping, broken=broken)
    assert [case.index for case in found] == [1, 2, *range(4, 12)]
    assert [(one.index, one.case) for one in broken] == [(0, "c00"), (3, "c03")]
    assert "cut off" in broken[0].sentence


def test_nothing_is_left_out_where_nobody_takes_note():
    with pytest.raises(InputError, match="cut off"):
        list(encode_cases(linear_model(), Cases(broken=(3,)), streaming=SKIP))


def test_a_cohort_without_a_usable_case_is_refused():
    cohort = Cases(3, broken=(0, 1, 2))
    with pytest.raises(InputError, match="none of the 3 cases can be used; the first: case c00"):
        list(encode_cases(linear_model(), cohort, streaming=SKIP, broken=[]))


def with_nan(*cases: int) -> Cohort:
    x = np.random.default_rng(1).normal(size=(12, 3, 8, 8)).astype(np.float32)
    x[list(cases)] = np.nan
    return Cohort.from_arrays(x, channels=CHANNELS, patients=range(12))


def without(*cases: int) -> tuple[Cohort, list[int]]:
    kept = [i for i in range(12) if i not in cases]
    x = np.random.default_rng(1).normal(size=(12, 3, 8, 8)).astype(np.float32)[kept]
    return Cohort.from_arrays(x, channels=CHANNELS, patients=kept), kept


def test_retrieval_without_broken_cases_is_that_of_the_others():
    found = find_cases(linear_model(), with_nan(0, 5), 1, streaming=SKIP)
    cohort, kept = without(0, 5)
    expected = find_cases(linear_model(), cohort, 1)
    assert found.top.index.tolist() == [kept[i] for i in expected.top.index]
    np.testing.assert_array_equal(found.boxes, expected.boxes)
    (said,) = left_out_lines(found.provenance.params)
    assert "case-001 (case case-001: channel A has 64 voxels" in said
    assert "case-006" in said
    assert "left_out" not in expected.provenance.params
    with pytest.raises(InputError, match="case-001: channel A has 64 voxels that are no finite"):
        find_cases(linear_model(), with_nan(0, 5), 1)


def test_a_ranking_without_broken_cases_is_that_of_the_others():
    values = [i % 2 for i in range(12)]
    found = rank_maps(linear_model(), with_nan(2, 9), values, streaming=SKIP)
    cohort, kept = without(2, 9)
    expected = rank_maps(linear_model(), cohort, [values[i] for i in kept])
    np.testing.assert_array_equal(found.importance, expected.importance)
    assert found.gate == expected.gate
    assert "case-003" in left_out_lines(found.provenance.params)[0]


def test_dependence_leaves_a_broken_case_out_as_recipient_and_as_donor():
    found = channel_dependence(linear_model(), with_nan(4), streaming=SKIP)
    assert (found.n_cases, found.n) == (11, 11)
    assert "case-005" in left_out_lines(found.provenance.params)[0]
    assert np.isfinite(found.ratio).all()
    with pytest.raises(InputError, match="case-005: channel A"):
        channel_dependence(linear_model(), with_nan(4))


def test_the_first_case_may_be_the_broken_one():
    assert with_nan(0).ndim == 2
    assert channel_dependence(linear_model(), with_nan(0), streaming=SKIP).n_cases == 11
    assert people().ndim == 2


def test_images_are_averaged_over_the_body():
    cohort = people()
    for case in encode_cases(linear_model(), cohort):
        stack = cohort[case.index]
        expected = stack.data[:, stack.mask].mean(axis=1, dtype=np.float64)
        np.testing.assert_array_equal(case.image_means, expected)
