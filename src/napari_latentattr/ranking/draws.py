"""Independent random draws on a few threads: the same numbers for any number of threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def run_draws(
    job: Callable[[np.random.Generator], T],
    count: int,
    *,
    seed: tuple[int, ...],
    threads: int,
    report: Callable[[int], None],
    known: dict[tuple[int, ...], T] | None = None,
) -> list[T]:
    """Call `job` `count` times, each with a generator of its own, and keep the order.

    Parameters
    ----------
    job : function of a numpy Generator
    seed : tuple of int
        Draw i uses ``default_rng((*seed, i))``.
    report : function of int
        Told the number of finished draws after each; what it raises stops the rest.
    known : dict, optional
        Results by seed: those in it are not drawn again, new ones are added.
    """
    found = {} if known is None else known

    def draw(i: int) -> T:
        own = (*seed, i)
        if own not in found:
            found[own] = job(np.random.default_rng(own))
        return found[own]

    pool = ThreadPoolExecutor(max(1, threads))
    try:
        results = []
        for result in pool.map(draw, range(count)):
            results.append(result)
            report(len(results))
        return results
    finally:
        pool.shutdown(cancel_futures=True)
