"""What can be timed next to raw forwards: the shape that every work of this folder has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from napari_latentattr.benchmarks.speed.workloads import Workload
from napari_latentattr.benchmarks.timing import Ratio, compare_with_raw, peak_memory_gb
from napari_latentattr.core.progress import Progress


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """A public function on images in memory, with everything it does.

    Attributes
    ----------
    name, unit : str
        What is done, and what is counted, such as ``pass``.
    units : int
        How many of them one run does.
    target : float
        Time of a unit, in raw forwards, that should not be exceeded.
    workload : Workload
    run, forward : callable
        The work, and a raw forward.
    exactness : callable or None
        Largest difference from the plain way, over the largest number of that; None where the
        work makes no short cut to compare, or tests alone do.
    key : str
        What peers that answer the same are found by; none where it is empty.
    """

    name: str
    unit: str
    units: int
    target: float
    workload: Workload
    run: Callable[[], object]
    forward: Callable[[], object]
    exactness: Callable[[], float] | None = None
    key: str = ""


Builder: TypeAlias = Callable[[], Work]


@dataclass(frozen=True, slots=True)
class Timed:
    """A work and what it took.

    Attributes
    ----------
    name, unit, units, target, workload, key
        Of the work.
    exactness : float or None
    ratio : Ratio
        Of a unit to a raw forward.
    peak_gb : float
        Most memory the process held until then: Python, torch, images and all.
    """

    name: str
    unit: str
    units: int
    target: float
    workload: Workload
    exactness: float | None
    ratio: Ratio
    peak_gb: float
    key: str = ""


def time_work(work: Work, repeats: int, raws: int, progress: Progress) -> Timed:
    """Time a work in turns with raw forwards, after one run that is not timed."""
    exactness = None if work.exactness is None else work.exactness()
    ratio = compare_with_raw(
        work.run, work.forward, passes=work.units, repeats=repeats, raws=raws, progress=progress
    )
    return Timed(
        work.name,
        work.unit,
        work.units,
        work.target,
        work.workload,
        exactness,
        ratio,
        peak_memory_gb(),
        work.key,
    )
