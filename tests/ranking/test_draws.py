import time

import numpy as np
import pytest

from napari_latentattr.core.errors import Cancelled
from napari_latentattr.ranking.draws import run_draws


def ignore(_done: int) -> None:
    pass


def test_the_number_of_threads_changes_nothing():
    def job(rng: np.random.Generator) -> float:
        time.sleep(0.01 * rng.random())
        return float(rng.random())

    one, three = (run_draws(job, 8, seed=(4, 1), threads=n, report=ignore) for n in (1, 3))
    assert one == three
    assert len(set(one)) == 8


def test_every_draw_is_reported_in_order():
    seen: list[int] = []
    run_draws(lambda rng: 0, 5, seed=(0,), threads=2, report=seen.append)
    assert seen == [1, 2, 3, 4, 5]


def test_cancelling_stops_the_rest():
    started: list[int] = []

    def stop(done: int) -> None:
        raise Cancelled("stopped")

    def job(rng: np.random.Generator) -> None:
        started.append(1)
        time.sleep(0.01)

    with pytest.raises(Cancelled, match="stopped"):
        run_draws(job, 100, seed=(0,), threads=1, report=stop)
    assert len(started) < 10
