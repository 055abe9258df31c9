"""How long work takes next to raw encoder forwards in the same process, and on what machine.

Refuses to know what the work is. A ratio to interleaved raw forwards carries over to other
machines; milliseconds do not.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from napari_latentattr.core.progress import SILENT, Progress

_MMAP_MAX, _TRIM_THRESHOLD = -4, -1  # malloc.h of glibc


@dataclass(frozen=True, slots=True)
class Ratio:
    """Time of one pass of some work over the time of one raw forward, repeat by repeat.

    Where the two disagree the machine was not quiet; then neither is a result.

    Attributes
    ----------
    wall, cpu : tuple of float
        One ratio a repeat, from wall time and from the CPU time of the calling thread.
    raw_ms : float
        Median wall time of a raw forward in milliseconds.
    passes : int
        Passes in one repeat of the work.
    """

    wall: tuple[float, ...]
    cpu: tuple[float, ...]
    raw_ms: float
    passes: int

    @property
    def median(self) -> float:
        """Median ratio of wall times."""
        return statistics.median(self.wall)

    @property
    def spread(self) -> tuple[float, float]:
        """Smallest and largest ratio of wall times."""
        return min(self.wall), max(self.wall)


def compare_with_raw(
    work: Callable[[], object],
    raw: Callable[[], object],
    *,
    passes: int,
    repeats: int = 5,
    raws: int = 60,
    progress: Progress = SILENT,
) -> Ratio:
    """Time `work` against the same number of raw forwards, taking turns.

    Half of the raw forwards run before each repeat of the work and half after it, so that a
    machine that slows down slows both. Their mean is scaled to `passes`.

    Parameters
    ----------
    work : callable
        Does the work of `passes` forwards. It runs once untimed to warm up.
    raw : callable
        One raw forward.
    raws : int
        Raw forwards sampled around each repeat, at least 2.

    Returns
    -------
    Ratio
    """
    half = max(1, raws // 2)
    _time_each(raw, 2)
    work()
    walls, cpus, plain = [], [], []
    for i in range(repeats):
        progress.report(i, repeats, "timing against raw forwards")
        before = _time_each(raw, half)
        ((wall, cpu),) = _time_each(work, 1)
        around = before + _time_each(raw, half)
        walls.append(wall / (passes * statistics.fmean(w for w, _ in around)))
        cpus.append(cpu / (passes * statistics.fmean(c for _, c in around)))
        plain += [w for w, _ in around]
    progress.report(repeats, repeats, "timing against raw forwards")
    return Ratio(tuple(walls), tuple(cpus), 1000 * statistics.median(plain), passes)


def _time_each(call: Callable[[], object], times: int) -> list[tuple[float, float]]:
    """Wall and CPU seconds of each call.

    Of this thread alone: idle threads of a linear algebra library spin for 0.1 s after use, and
    the process's clock would charge the next raw forwards for it (twice their time, measured).
    """
    taken = []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.thread_time()
        call()
        taken.append((time.perf_counter() - wall, time.thread_time() - cpu))
    return taken


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread, then give it back what it had."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def keep_freed_memory() -> str:
    """Tell glibc to keep freed blocks for this process; say what the allocator does now.

    Without it blocks above 32 MiB go back to the system and are faulted in anew every time. The
    setting holds until the process ends, so it is for workers and commands, not for a viewer.
    """
    if platform.libc_ver()[0] != "glibc":
        return allocator()
    libc = ctypes.CDLL(None)
    kept = libc.mallopt(_MMAP_MAX, 0) and libc.mallopt(_TRIM_THRESHOLD, 2**31 - 1)
    return f"{allocator()}, freed blocks kept (M_MMAP_MAX 0)" if kept else allocator()


def allocator() -> str:
    """Name the memory allocator of this process."""
    preloaded = Path(os.environ.get("LD_PRELOAD", "")).name
    return preloaded or "{} {}".format(*platform.libc_ver()).strip() or platform.system()


def peak_memory_gb() -> float:
    """Most memory that this process ever held, in GB; NaN where the system does not tell."""
    if sys.platform == "win32":
        return float("nan")
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def describe_machine() -> dict[str, object]:
    """Processor, cores and versions; no names of people, hosts or folders."""
    packages = ("napari-latentattr", "torch", "numpy", "scipy")
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in packages},
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
