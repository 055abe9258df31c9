"""What others need for the same answers: the shape of a peer, and the time of its full run.

A full run of most peers takes minutes, so two short ones are timed and the rest is a straight line
through them: what a peer does once, however much it is asked, must not be counted again and again.
"""

from __future__ import annotations

import statistics
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from napari_latentattr.benchmarks.speed.work import Timed
from napari_latentattr.benchmarks.speed.workloads import Workload
from napari_latentattr.benchmarks.timing import Ratio, compare_with_raw
from napari_latentattr.core.errors import LatentAttrError
from napari_latentattr.core.progress import Progress


class MissingPeer(LatentAttrError):
    """A package that a peer comes from is not installed."""


@dataclass(frozen=True, slots=True, eq=False)
class Peer:
    """Another way to an answer that a work of ours gives.

    Attributes
    ----------
    name, unit : str
        What is done, and what is counted, such as ``window``.
    key : str
        Of the works that answer the same, on the same workload.
    workload : Workload
    few, many : int
        Units of the two short runs; no `few` (0) where nothing is done once and for all.
    full : int
        Units of the full run.
    target : float
        How many times faster ours should be.
    run : callable
        Does so many units; the whole answer where these are all.
    forward : callable
        A raw forward.
    """

    name: str
    unit: str
    key: str
    workload: Workload
    few: int
    many: int
    full: int
    target: float
    run: Callable[[int], object]
    forward: Callable[[], object]


PeerBuilder: TypeAlias = Callable[[], Peer]


@dataclass(frozen=True, slots=True)
class TimedPeer:
    """A peer and what its full run takes.

    Attributes
    ----------
    name, unit, key, workload, full, target
        Of the peer.
    measured : tuple of Ratio
        Of a unit to a raw forward, in each short run; `passes` are its units.
    wall, cpu : tuple of float
        Time of the full run in raw forwards, one a repeat.
    """

    name: str
    unit: str
    key: str
    workload: Workload
    full: int
    target: float
    measured: tuple[Ratio, ...]
    wall: tuple[float, ...]
    cpu: tuple[float, ...]

    @property
    def run_of(self) -> str:
        """What was run, in words."""
        ran = " and ".join(f"{ratio.passes:,}" for ratio in self.measured)
        if self.measured[-1].passes == self.full:
            return f"full run, {self.full:,} {self.unit}s"
        return f"full run, extrapolated from {ran} of {self.full:,} {self.unit}s"


@dataclass(frozen=True, slots=True)
class Faster:
    """How many times faster a work of ours is than the full run of a peer.

    Attributes
    ----------
    work, peer : str
        Their names.
    times, cpu_times : float
        By medians of wall and of CPU time, both in raw forwards.
    target : float
    """

    work: str
    peer: str
    times: float
    cpu_times: float
    target: float


def time_peers(
    builders: Sequence[PeerBuilder], repeats: int, raws: int, progress: Progress
) -> tuple[tuple[TimedPeer, ...], tuple[str, ...]]:
    """Time peers in turns with raw forwards; say which ones are left out, and why."""
    timed, left_out = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a peer warns of is not for who reads our table
        for make in builders:
            try:
                timed.append(_time_peer(make(), repeats, raws, progress))
            except MissingPeer as missing:
                left_out.append(str(missing))
    return tuple(timed), tuple(left_out)


def _time_peer(peer: Peer, repeats: int, raws: int, progress: Progress) -> TimedPeer:
    sizes = [n for n in (peer.few, peer.many) if n and (peer.many < peer.full or n == peer.many)]
    measured = tuple(
        compare_with_raw(
            partial(peer.run, n),
            peer.forward,
            passes=n,
            repeats=repeats,
            raws=raws,
            progress=progress,
        )
        for n in sizes
    )
    return TimedPeer(
        name=peer.name,
        unit=peer.unit,
        key=peer.key,
        workload=peer.workload,
        full=peer.full,
        target=peer.target,
        measured=measured,
        wall=full_run([(r.passes, r.wall) for r in measured], peer.full),
        cpu=full_run([(r.passes, r.cpu) for r in measured], peer.full),
    )


def full_run(measured: Sequence[tuple[int, Sequence[float]]], full: int) -> tuple[float, ...]:
    """Time of `full` units from one or two runs, each with its units and times of a unit.

    One run is taken to do nothing but its units. Of two, the second is the longer one, and the
    difference is what the further units take.
    """
    units, each = measured[-1]
    ran = [units * time for time in each]
    if len(measured) == 1:
        return tuple(full / units * total for total in ran)
    less, each_of_less = measured[0]
    slopes = [
        (total - less * time) / (units - less)
        for total, time in zip(ran, each_of_less, strict=True)
    ]
    return tuple(total + (full - units) * slope for total, slope in zip(ran, slopes, strict=True))


def compare(works: Sequence[Timed], peers: Sequence[TimedPeer]) -> tuple[Faster, ...]:
    """Set each peer against the works of ours that answer the same on the same workload."""
    return tuple(
        Faster(
            work=work.name,
            peer=peer.name,
            times=statistics.median(peer.wall) / (work.units * work.ratio.median),
            cpu_times=statistics.median(peer.cpu)
            / (work.units * statistics.median(work.ratio.cpu)),
            target=peer.target,
        )
        for peer in peers
        for work in works
        if work.key == peer.key and work.workload.name == peer.workload.name
    )


def peers_markdown(
    peers: Sequence[TimedPeer], faster: Sequence[Faster], left_out: Sequence[str]
) -> str:
    """Return peers as a table, and how much faster ours is as a list, for people."""
    head = ["| peer | timed | in raw forwards | CPU |", "|---|---|---|---|"]
    rows = [
        f"| {peer.name} | {peer.run_of} | {statistics.median(peer.wall):,.0f} "
        f"({min(peer.wall):,.0f}-{max(peer.wall):,.0f}, {len(peer.wall)} repeats) "
        f"| {statistics.median(peer.cpu):,.0f} |"
        for peer in peers
    ]
    compared = [
        f"- {one.work.partition(',')[0]} is {one.times:.1f} x faster than {one.peer} "
        f"({one.cpu_times:.1f} x by CPU time; target {one.target:g} x, "
        f"{'met' if one.times >= one.target else 'missed'})."
        for one in faster
    ]
    met = {one.peer for one in faster}
    alone = [f"- Nothing of ours was timed beside {p.name}." for p in peers if p.name not in met]
    return "\n".join([*head, *rows, "", *compared, *alone, *(f"- {line}" for line in left_out)])
