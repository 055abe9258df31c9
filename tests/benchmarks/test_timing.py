from __future__ import annotations

import json
import os
import statistics
import threading
from pathlib import Path

import pytest
import torch

from napari_latentattr.benchmarks import timing
from napari_latentattr.benchmarks.timing import Ratio, compare_with_raw


def work() -> object:
    return sum(range(30_000))


def test_work_compared_with_itself_takes_about_as_long() -> None:
    ratio = compare_with_raw(work, work, passes=1, repeats=9, raws=20)
    assert 0.5 < statistics.median(ratio.cpu) < 2
    assert 0.2 < ratio.median < 5  # wall time: others may be using the machine


def test_a_pass_of_twenty_calls_costs_what_one_call_costs() -> None:
    ratio = compare_with_raw(
        lambda: [work() for _ in range(20)], work, passes=20, repeats=5, raws=20
    )
    assert 0.5 < statistics.median(ratio.cpu) < 2


def test_a_thread_that_spins_beside_is_not_charged_to_the_raw_forwards() -> None:
    stop = threading.Event()

    def spin() -> None:
        while not stop.is_set():
            pass

    beside = threading.Thread(target=spin)

    def start_spinning() -> None:
        work()
        if not beside.ident:
            beside.start()

    try:
        ratio = compare_with_raw(start_spinning, work, passes=1, repeats=5, raws=20)
    finally:
        stop.set()
        beside.join()
    assert 0.7 < statistics.median(ratio.cpu) < 1.5


def test_raw_forwards_surround_every_repeat() -> None:
    called: list[str] = []
    ratio = compare_with_raw(
        lambda: called.append("work"), lambda: called.append("raw"), passes=1, repeats=2, raws=4
    )
    turns = ["raw"] * 2 + ["work"]
    warm = ["raw"] * 2 + ["work"]
    assert called == warm + turns + ["raw"] * 4 + ["work"] + ["raw"] * 2
    assert len(ratio.wall) == len(ratio.cpu) == 2


def test_median_and_spread_come_from_the_repeats() -> None:
    ratio = Ratio(wall=(0.9, 0.5, 0.6), cpu=(1.0, 1.0, 1.0), raw_ms=2.0, passes=4)
    assert ratio.median == 0.6
    assert ratio.spread == (0.5, 0.9)


def test_the_number_of_threads_comes_back_after_an_error() -> None:
    threads = torch.get_num_threads()

    def fail() -> None:
        assert torch.get_num_threads() == 1
        raise ArithmeticError("stop")

    with pytest.raises(ArithmeticError, match="stop"), timing.one_thread():
        fail()
    assert torch.get_num_threads() == threads


def test_the_machine_is_described_by_processor_and_versions_alone() -> None:
    told = timing.describe_machine()
    assert set(told) == {"processor", "cores", "system", "python", "versions"}
    assert torch.__version__.split("+")[0] in json.dumps(told)


def test_peak_memory_lies_between_what_is_held_now_and_what_the_machine_has() -> None:
    statm = Path("/proc/self/statm")
    if not statm.exists():
        pytest.skip("this system has no /proc to compare with")
    page = os.sysconf("SC_PAGE_SIZE")
    held = int(statm.read_text().split()[1]) * page / 1e9
    installed = os.sysconf("SC_PHYS_PAGES") * page / 1e9
    assert 0.95 * held < timing.peak_memory_gb() < installed


def test_a_preloaded_allocator_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD", "/usr/lib/libjemalloc.so.2")
    assert timing.allocator() == "libjemalloc.so.2"
