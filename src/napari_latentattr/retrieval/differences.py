"""What sets groups of cases apart, with one value a patient.

Groups are made of maps, so a map cannot be tested between groups that it made: it is tested
between the groups that the other maps make.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.stats import fisher_exact, mannwhitneyu, t

from napari_latentattr.core.clusters import Difference, DifferenceKind
from napari_latentattr.core.inference import benjamini_hochberg
from napari_latentattr.core.types import Float64
from napari_latentattr.ranking.units import Int
from napari_latentattr.retrieval.axes import find_axes
from napari_latentattr.retrieval.partition import Partition, partitions

_MOST_CLASSES = 10


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Groups of the cases, by patient.

    Attributes
    ----------
    patient : (N,) int64 array
    label : (N,) int64 array
        Group of each case; -1 for none.
    """

    patient: Int
    label: Int

    def home(self) -> Int:
        """Group that most cases of each patient are in (P,); -1 where none or no one is first."""
        count = int(self.label.max()) + 1
        table = np.zeros((int(self.patient.max()) + 1, count + 1), dtype=np.int64)
        np.add.at(table, (self.patient, self.label), 1)
        first = table.argmax(axis=1)
        alone = (table == table.max(axis=1, keepdims=True)).sum(axis=1) == 1
        return np.where(alone & (first < count), first, -1)

    def mean(self, values: Float64) -> Float64:
        """Mean of each patient (P,) over its cases that have a value; NaN where none has."""
        known = np.isfinite(values)
        total = np.bincount(self.patient, np.where(known, values, 0.0))
        with np.errstate(invalid="ignore"):
            return np.asarray(total / np.bincount(self.patient, known.astype(float)))


def compare_values(
    kind: DifferenceKind, names: Sequence[str], values: Float64, sides: Sequence[Sides]
) -> list[Difference]:
    """Compare each group with all other cases in each column of values (N, V).

    Parameters
    ----------
    sides : sequence of V Sides
        Groups that each column is compared between.
    """
    found = []
    for name, column, side in zip(names, values.T, sides, strict=True):
        home, mean = side.home(), side.mean(column)
        for group in range(int(side.label.max()) + 1):
            here = mean[(home == group) & np.isfinite(mean)]
            there = mean[(home >= 0) & (home != group) & np.isfinite(mean)]
            found.append(_difference(group, kind, name, here, there))
    return found


def compare_maps(
    names: Sequence[str], values: Float64, side: Sides, others: Sequence[Int | None]
) -> list[Difference]:
    """Compare each group in each map (N, K); p is that between groups made by the other maps."""
    found = compare_values("map", names, values, [side] * len(names))
    made = [side if other is None else Sides(side.patient, other) for other in others]
    tested = compare_values("map", names, values, made)
    count = len(found) // len(names)
    return [
        replace(one, p=np.nan if others[i // count] is None else test.p)
        for i, (one, test) in enumerate(zip(found, tested, strict=True))
    ]


def _difference(
    group: int, kind: DifferenceKind, name: str, here: Float64, there: Float64
) -> Difference:
    """Compare one group; the interval is Welch's, p that of Mann and Whitney."""
    n, m = here.size, there.size
    gap = low = high = p = np.nan
    if min(n, m) >= 2:
        a, b = here.var(ddof=1), there.var(ddof=1)
        unit = np.sqrt(((n - 1) * a + (m - 1) * b) / (n + m - 2))
        if unit > 0:
            gap = (here.mean() - there.mean()) / unit
            freedom = (a / n + b / m) ** 2 / ((a / n) ** 2 / (n - 1) + (b / m) ** 2 / (m - 1))
            reach = t.isf(0.025, freedom) * np.sqrt(a / n + b / m) / unit
            low, high = gap - reach, gap + reach
            p = float(mannwhitneyu(here, there).pvalue)
    return Difference(group, kind, name, gap, low, high, p, np.nan, n, m, "")


def compare_outcome(name: str, values: Sequence[object], side: Sides) -> list[Difference]:
    """Compare each group with all other cases in one column: a number, or classes.

    A patient is of the class that most of its cases are of. Missing values are left out.
    """
    numbers = as_numbers(values)
    if numbers is not None:
        return compare_values("outcome", [name], numbers[:, None], [side])
    text = ["" if value is None else str(value).strip() for value in values]
    classes = sorted({value for value in text if value})
    found: list[Difference] = []
    for one in classes if len(classes) <= _MOST_CLASSES else ():
        known = np.array([np.nan if not value else float(value == one) for value in text])
        has = side.mean(known)
        found += [
            _share(group, f"{name} = {one}", side.home(), has)
            for group in range(int(side.label.max()) + 1)
        ]
    return found


def _share(group: int, name: str, home: Int, has: Float64) -> Difference:
    """Compare the share of patients of a class (Newcombe's interval, Fisher's exact test)."""
    known = (home >= 0) & np.isfinite(has)
    here, there = has[known & (home == group)] > 0.5, has[known & (home != group)] > 0.5
    n, m = here.size, there.size
    if min(n, m) < 2:
        gap = np.nan
        return Difference(group, "outcome", name, gap, gap, gap, gap, gap, n, m, "")
    a, b = here.mean(), there.mean()
    (a_low, a_high), (b_low, b_high) = _wilson(a, n), _wilson(b, m)
    low = a - b - np.hypot(a - a_low, b_high - b)
    high = a - b + np.hypot(a_high - a, b - b_low)
    table = [[here.sum(), n - here.sum()], [there.sum(), m - there.sum()]]
    p = float(fisher_exact(table)[1])
    return Difference(group, "outcome", name, float(a - b), low, high, p, np.nan, n, m, "")


def _wilson(share: float, n: int, z: float = 1.96) -> tuple[float, float]:
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return middle - reach, middle + reach


def as_numbers(values: Sequence[object]) -> Float64 | None:
    """Values as numbers, NaN where missing; None where they are the names of classes."""
    if len({str(value) for value in values}) <= 2:
        return None
    try:
        return np.array([np.nan if value in (None, "") else float(str(value)) for value in values])
    except ValueError:
        return None


def labels_without(
    pooled: Float64, label: Int, *, least: int, report: Callable[[int, int], None]
) -> list[Int | None]:
    """Group the cases by all maps but one, for each of K maps, and name the groups as they are.

    None where the others do not make as many groups: then the map cannot be tested.
    """
    count, n_maps = int(label.max()) + 1, pooled.shape[1]
    found: list[Int | None] = []
    for k in range(n_maps):
        rest = np.delete(pooled, k, axis=1)
        cut = None
        if np.ptp(rest, axis=0).any():
            cut = partitions(find_axes(rest).score, least=least).get(count)
        found.append(None if cut is None else _named(cut, label, count))
        report(k + 1, n_maps)
    return found


def _named(cut: Partition, label: Int, count: int) -> Int:
    """Labels of a partition, numbered so that it agrees with `label` in most cases."""
    both = np.zeros((count, count))
    known = label >= 0
    np.add.at(both, (cut.label[known], label[known]), 1)
    number = np.empty(count, dtype=np.int64)
    rows, columns = linear_sum_assignment(-both)
    number[rows] = columns
    return np.where(cut.far, -1, number[cut.label])


def correct(found: Sequence[Difference], family: str) -> list[Difference]:
    """Put q beside p, corrected over all of `found`."""
    q = benjamini_hochberg(np.array([one.p for one in found], dtype=np.float64))
    return [
        replace(one, q=float(value), family=family) for one, value in zip(found, q, strict=True)
    ]
