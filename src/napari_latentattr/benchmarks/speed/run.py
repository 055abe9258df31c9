"""Time every work on one thread, and tell it to people and to files."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial

import torch

from napari_latentattr.benchmarks.speed.covering import covering
from napari_latentattr.benchmarks.speed.dependence import dependence
from napari_latentattr.benchmarks.speed.importance import TABLE, importance
from napari_latentattr.benchmarks.speed.peer import (
    Faster,
    PeerBuilder,
    TimedPeer,
    compare,
    peers_markdown,
    time_peers,
)
from napari_latentattr.benchmarks.speed.secants import click, decoder, next_click, rescale
from napari_latentattr.benchmarks.speed.shapley import exact_shapley, sampled_shapley
from napari_latentattr.benchmarks.speed.work import Builder, Timed, time_work
from napari_latentattr.benchmarks.speed.workloads import WORKLOADS
from napari_latentattr.benchmarks.timing import (
    allocator,
    describe_machine,
    keep_freed_memory,
    one_thread,
)
from napari_latentattr.core.progress import SILENT, Progress

_W1, _W2 = WORKLOADS
WORKS: tuple[Builder, ...] = (
    partial(dependence, _W1),
    partial(dependence, _W2),
    partial(exact_shapley, _W2),
    partial(sampled_shapley, _W1),
    *(
        partial(work, on)
        for work in (covering, decoder, click, next_click, rescale)
        for on in (_W1, _W2)
    ),
    partial(importance, TABLE),
)


@dataclass(frozen=True, slots=True)
class Speed:
    """Timings of all works and peers with what is needed to compare them.

    Attributes
    ----------
    timed : tuple of Timed
    peers : tuple of TimedPeer
    left_out : tuple of str
        Peers that are not there, one sentence each.
    threads : int
    allocator : str
    machine : dict
    """

    timed: tuple[Timed, ...]
    peers: tuple[TimedPeer, ...]
    left_out: tuple[str, ...]
    threads: int
    allocator: str
    machine: dict[str, object]

    @property
    def faster(self) -> tuple[Faster, ...]:
        """How many times faster works are than the peers that answer the same."""
        return compare(self.timed, self.peers)

    def record(self) -> dict[str, object]:
        """Return the timings as plain values for a JSON file."""
        faster = [asdict(one) for one in self.faster]
        return {"kind": "benchmark speed", "version": 1, **asdict(self), "faster": faster}

    def markdown(self) -> str:
        """Return the timings as a table for people."""
        head = [
            "| work | units | of | raw forward | one, in raw forwards | CPU | target | memory "
            "| exact to |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        rows = [_row(timed) for timed in self.timed]
        if self.peers or self.left_out:
            rows += ["", peers_markdown(self.peers, self.faster, self.left_out)]
        where = f"{self.machine['processor']}, torch {torch.__version__}"
        return "\n".join([*head, *rows, "", f"{where}, {self.threads} thread, {self.allocator}."])


def _row(timed: Timed) -> str:
    ratio = timed.ratio
    low, high = ratio.spread
    exact = "" if timed.exactness is None else f"{timed.exactness:.0e}"
    return (
        f"| {timed.name} | {timed.units:,} | {timed.unit} | {ratio.raw_ms:.1f} ms "
        f"| {ratio.median:.2f} ({low:.2f}-{high:.2f}, {len(ratio.wall)} repeats) "
        f"| {statistics.median(ratio.cpu):.2f} | {timed.target:.2f} | {timed.peak_gb:.2f} GB "
        f"| {exact} |"
    )


def speed(
    repeats: int = 5,
    *,
    works: Sequence[Builder] = WORKS,
    peers: Sequence[PeerBuilder] = (),
    raws: int = 60,
    keep_memory: bool = False,
    progress: Progress = SILENT,
) -> Speed:
    """Time works on one thread, as a ratio to raw forwards taken in turns.

    Parameters
    ----------
    repeats : int
        Of each work, after one that is not timed.
    works : sequence of callable
        Each makes a `Work`, which is forgotten before the next one is made.
    peers : sequence of callable
        Each makes a `Peer`, in the same way.
    raws : int
        Raw forwards around each repeat; around one of a peer a third of that.
    keep_memory : bool
        Tell glibc to keep freed blocks for the rest of this process; the raw forwards profit too.
    """
    memory = keep_freed_memory() if keep_memory else allocator()
    with one_thread():
        timed = tuple(time_work(make(), repeats, raws, progress) for make in works)
        others, left_out = time_peers(peers, repeats, raws // 3, progress)
    return Speed(timed, others, left_out, threads=1, allocator=memory, machine=describe_machine())
