"""Whether a 5 % test rejects 5 % of the time, and a 95 % interval covers the truth.

Each test is put on its boundary, where it is hardest to be right: tau is the true ratio of the
pair. The jackknife that leaves out recipients alone is shown beside as the control that must fail.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np
from scipy import stats

from napari_latentattr.benchmarks.reference import reference_ratio, swap_channels
from napari_latentattr.benchmarks.worlds import World, make_world
from napari_latentattr.core.inference import RatioEstimate, two_way_jackknife
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Bool, Float64

SMALLEST_RATIO = 0.003  # of the pairs that are tested; below, rounding is a part of the change
REJECTS = (0.03, 0.065)
COVERS = 0.93


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its 95 % interval; the cohorts, not the tests, are taken as independent."""

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
    """Error rates of the two-way jackknife and of the control that must fail.

    Attributes
    ----------
    worlds, cohorts, tests : int
        Simulated worlds, cohorts of all worlds together, tests in all cohorts together.
    n_cases, donors, reference : int
        Cases in a cohort, donors a case, cases behind the true ratio.
    reference_error : float
        Median standard error of the true log ratio, over that of a cohort.
    two_way, recipient_only : Size
    """

    worlds: int
    cohorts: int
    tests: int
    n_cases: int
    donors: int
    reference: int
    reference_error: float
    two_way: Size
    recipient_only: Size

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
    shape: tuple[int, ...] = (64, 64),
    n_channels: int = 8,
    progress: Progress = SILENT,
) -> Calibration:
    """Simulate cohorts and put every test on its boundary.

    Parameters
    ----------
    worlds, cohorts : int
        Worlds with graded leak, and cohorts drawn from each. Cohorts of one world share its true
        ratios, and worlds differ by more than cohorts: have many of them.
    n_channels : int
        Channels and maps of each world.
    """
    tallies: list[Float64] = []
    errors: list[Float64] = []
    tests = 0
    for seed in range(worlds):
        world = make_world(
            1, n_channels=n_channels, n_maps=n_channels, shape=shape, leak="graded", seed=seed
        )
        truth = reference_ratio(world, reference, donors=donors)
        tested = truth.log_ratio > np.log(SMALLEST_RATIO)
        for number in range(cohorts):
            progress.report(seed * cohorts + number, worlds * cohorts, "simulating cohorts")
            people = world.with_cases(n_cases, seed=1 + number)
            pair = _both_jackknives(people, donors, seed=number)
            tallies.append(np.stack([_tally(e, truth.log_ratio, tested) for e in pair]))
            errors.append((truth.se / pair[0].se)[tested])
            tests += int(tested.sum())
    progress.report(worlds * cohorts, worlds * cohorts, "simulating cohorts")
    two_way, recipient_only = (_size(np.stack(tallies)[:, which]) for which in (0, 1))
    return Calibration(
        worlds=worlds,
        cohorts=worlds * cohorts,
        tests=tests,
        n_cases=n_cases,
        donors=donors,
        reference=reference,
        reference_error=float(np.median(np.concatenate(errors))),
        two_way=two_way,
        recipient_only=recipient_only,
    )


def _both_jackknives(world: World, donors: int, seed: int) -> tuple[RatioEstimate, RatioEstimate]:
    """Estimate with the project's jackknife, and with one that forgets that donors are shared."""
    swaps = swap_channels(world, donors=donors, seed=seed)
    change, spread, recipient = swaps.change, swaps.spread, swaps.recipient
    estimate = two_way_jackknife(change, spread, recipient, swaps.donor)
    left_out = np.stack(
        [
            np.log(change[recipient != q].sum(0) / spread[recipient != q].sum(0)[:, None])
            for q in np.unique(recipient)
        ]
    )
    se = np.sqrt((len(left_out) - 1) * left_out.var(axis=0))
    return estimate, replace(estimate, se=se)


def _tally(estimate: RatioEstimate, truth: Float64, tested: Bool) -> Float64:
    """Share of the tested pairs that are rejected and that are covered, with tau at the truth."""
    low, high = estimate.interval()
    rejected = estimate.p_above(np.exp(truth)) < 0.05
    covered = (low <= np.exp(truth)) & (np.exp(truth) <= high)
    return np.array([rejected[tested].mean(), covered[tested].mean()])


def _size(shares: Float64) -> Size:
    """Rates from the shares (G, 2) of G cohorts."""
    mean, n = shares.mean(axis=0), len(shares)
    reach = stats.t.ppf(0.975, n - 1) * shares.std(axis=0, ddof=1) / np.sqrt(n)
    rejects, covers = (
        Rate(float(m), float(max(m - r, 0.0)), float(min(m + r, 1.0)))
        for m, r in zip(mean, reach, strict=True)
    )
    return Size(rejects, covers)
