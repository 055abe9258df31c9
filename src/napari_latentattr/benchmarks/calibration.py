"""Whether a 5 % test rejects 5 % of the time, and a 95 % interval covers the truth.

Each test is put on its boundary, where it is hardest to be right: tau is the true ratio of the
pair. Two others are shown beside the interval of the tool: the two-way jackknife from which nothing
is taken off, and one that leaves out recipients alone, as the control that must fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from scipy import stats

from napari_latentattr.benchmarks.contest.kinds import Kind
from napari_latentattr.benchmarks.reference import reference_ratio, swap_channels
from napari_latentattr.benchmarks.worlds import World
from napari_latentattr.core.inference import RatioEstimate, jackknife_se, two_way_jackknife
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Bool, Float64

SMALLEST_RATIO = 0.003  # of the pairs that are tested; below, rounding is a part of the change
REJECTS = (0.03, 0.065)
COVERS = 0.93
GRADED = Kind("graded leak", leak="graded", shape=(64, 64))
CELLS = (
    Kind("planted, 2D", leak="graded", shape=(32, 32), n_channels=6, n_maps=6),
    Kind("trained, 2D", trained="dense", shape=(32, 32), n_channels=6, n_maps=6),
    Kind("planted, 3D", leak="graded", shape=(16, 16, 16), n_channels=4, n_maps=4),
    Kind("trained, 3D", trained="dense", shape=(16, 16, 16), n_channels=4, n_maps=4),
)


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its 95 % interval; the worlds, not the tests, are taken as independent."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Size:
    """How one jackknife behaves where tau is the truth.

    Attributes
    ----------
    rejects : Rate
        Share of 5 % one-sided tests of "ratio <= tau" that reject.
    covers : Rate
        Share of 95 % intervals that cover the true ratio.
    """

    rejects: Rate
    covers: Rate

    @property
    def keeps_promise(self) -> bool:
        """Whether about 5 % are rejected (3 to 6.5) and at least 93 % covered."""
        return REJECTS[0] <= self.rejects.value <= REJECTS[1] and self.covers.value >= COVERS


@dataclass(frozen=True, slots=True)
class Calibration:
    """Error rates of the tool's interval, of a cautious one and of the control that must fail.

    Attributes
    ----------
    worlds, cohorts, tests : int
        Simulated worlds, cohorts of all worlds together, tests in all cohorts together.
    n_cases, donors, reference : int
        Cases in a cohort, donors a case, cases behind the true ratio.
    reference_error : float
        Median standard error of the true log ratio, over that of a cohort.
    two_way, whole_jackknife, recipient_only : Size
    world : str
        Kind of the worlds.
    """

    worlds: int
    cohorts: int
    tests: int
    n_cases: int
    donors: int
    reference: int
    reference_error: float
    two_way: Size
    whole_jackknife: Size
    recipient_only: Size
    world: str = GRADED.name

    def record(self) -> dict[str, object]:
        """Return the rates as plain values for a JSON file."""
        return {"kind": "benchmark calibration", "version": 1, **asdict(self)}


def calibrate(
    *,
    worlds: int = 20,
    cohorts: int = 10,
    n_cases: int = 24,
    donors: int = 4,
    reference: int = 500,
    progress: Progress = SILENT,
) -> Calibration:
    """Put every test of one cell, in worlds with graded leak, on its boundary."""
    return calibrate_cells(
        GRADED,
        worlds=worlds,
        cohorts=cohorts,
        cases=[n_cases],
        donors=[donors],
        reference=reference,
        progress=progress,
    )[0]


def calibrate_cells(
    kind: Kind,
    *,
    worlds: int = 20,
    cohorts: int = 10,
    cases: Sequence[int] = (6, 12, 24, 48),
    donors: Sequence[int] = (2, 4),
    reference: int = 500,
    progress: Progress = SILENT,
) -> tuple[Calibration, ...]:
    """Simulate cohorts of several sizes and put every test on its boundary.

    Parameters
    ----------
    kind : Kind
        Whose maps see every image.
    worlds, cohorts : int
        Worlds, and cohorts drawn from each; all are different people.
    cases, donors : sequence of int
        Cases in a cohort, and donors a case; every pair of them is one cell.
    reference : int
        Cases behind the true ratio.
    """
    cells = [_Cell(kind, n, d, reference) for n in cases for d in donors]
    steps = worlds * cohorts * len(cells)
    for seed in range(worlds):
        world = kind.make(1, seed=seed)
        truth = reference_ratio(world, reference, seed=seed, donors=max(donors))
        for row, cell in enumerate(cells):
            for number in range(cohorts):
                done = (seed * len(cells) + row) * cohorts + number
                progress.report(done, steps, "simulating cohorts")
                people = world.with_cases(cell.n_cases, seed=_people(seed, cell.n_cases, number))
                cell.add(people, truth, world=seed, seed=number)
    progress.report(steps, steps, "simulating cohorts")
    return tuple(cell.calibration(worlds) for cell in cells)


def _people(world: int, n_cases: int, number: int) -> int:
    """Seed of the people of a cohort; with one seed for all, worlds would share their chance."""
    return 100_000 * (1 + world) + 1000 * n_cases + number


class _Cell:
    """What is counted in the cohorts of one size."""

    def __init__(self, kind: Kind, n_cases: int, donors: int, reference: int) -> None:
        self.kind, self.n_cases, self.donors, self.reference = kind, n_cases, donors, reference
        self.tallies: dict[int, list[Float64]] = {}
        self.errors: list[Float64] = []
        self.tests = 0

    def add(self, people: World, truth: RatioEstimate, *, world: int, seed: int) -> None:
        tested = truth.log_ratio > np.log(SMALLEST_RATIO)
        found = _jackknives(people, self.donors, seed)
        tally = np.stack([_tally(one, truth.log_ratio, tested) for one in found])
        self.tallies.setdefault(world, []).append(tally)
        self.errors.append((truth.se / found[0].se)[tested])
        self.tests += int(tested.sum())

    def calibration(self, worlds: int) -> Calibration:
        shares = np.stack([np.mean(tallies, axis=0) for tallies in self.tallies.values()])
        return Calibration(
            worlds,
            sum(len(tallies) for tallies in self.tallies.values()),
            self.tests,
            self.n_cases,
            self.donors,
            self.reference,
            float(np.median(np.concatenate(self.errors))),
            two_way=_size(shares[:, 0]),
            whole_jackknife=_size(shares[:, 1]),
            recipient_only=_size(shares[:, 2]),
            world=self.kind.name,
        )


def _jackknives(world: World, donors: int, seed: int) -> tuple[RatioEstimate, ...]:
    """Estimate with the tool's interval, a more cautious one, and a naive one."""
    swaps = swap_channels(world, donors=donors, seed=seed)
    change, spread, recipient = swaps.change, swaps.spread, swaps.recipient
    two_way = two_way_jackknife(change, spread, recipient, swaps.donor)
    left_out = np.stack(
        [
            np.log(change[recipient != q].sum(0) / spread[recipient != q].sum(0)[:, None])
            for q in np.unique(recipient)
        ]
    )
    whole, alone = jackknife_se(two_way.replicates), jackknife_se(left_out)
    return two_way, replace(two_way, se=whole), replace(two_way, se=alone)


def _tally(estimate: RatioEstimate, truth: Float64, tested: Bool) -> Float64:
    """Share of the tested pairs that are rejected and that are covered, with tau at the truth."""
    low, high = estimate.interval()
    rejected = estimate.p_above(np.exp(truth)) < 0.05
    covered = (low <= np.exp(truth)) & (np.exp(truth) <= high)
    return np.array([rejected[tested].mean(), covered[tested].mean()])


def _size(shares: Float64) -> Size:
    """Rates from the mean shares (W, 2) of W worlds; one world says nothing of the others."""
    mean, n = shares.mean(axis=0), len(shares)
    if n == 1:
        return Size(*(Rate(float(m), 0.0, 1.0) for m in mean))
    reach = stats.t.ppf(0.975, n - 1) * shares.std(axis=0, ddof=1) / np.sqrt(n)
    rejects, covers = (
        Rate(float(m), float(max(m - r, 0.0)), float(min(m + r, 1.0)))
        for m, r in zip(mean, reach, strict=True)
    )
    return Size(rejects, covers)
