"""What the drivers chart says: one row an image, in words and numbers; paints nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import isinf, isnan, nan

from qtpy.QtGui import QImage

from napari_latentattr.core.dependence import ChannelDependence
from napari_latentattr.core.settling import about
from napari_latentattr.core.so_far import RatiosSoFar
from napari_latentattr.core.verdict_words import (
    DRIVES,
    FEWEST_UNITS,
    NEGLIGIBLE,
    NO_DEPENDENCE,
    NOT_FINAL,
    UNDECIDED,
)

MOST_ROWS = 12
_KEPT = 10


@dataclass(frozen=True, slots=True, eq=False)
class DriverRow:
    """How far one image moves the map.

    Attributes
    ----------
    image : str
    ratio, low, high : float
        With its 95 % interval; NaN where there is none.
    verdict : str
    q, p : float
        NaN where no p value is printed.
    thumbnail : QImage or None
    settle : str
        How many cases would decide an undecided image; empty where that is not known.
    """

    image: str
    ratio: float
    low: float
    high: float
    verdict: str
    q: float = nan
    p: float = nan
    thumbnail: QImage | None = None
    settle: str = ""


def driver_rows(
    dependence: ChannelDependence, which: int, thumbnails: Sequence[QImage | None] = ()
) -> list[DriverRow]:
    """Rows of one map, in the order of the images.

    Parameters
    ----------
    which : int
        Index of the map in the model.
    thumbnails : sequence of QImage or None
        One an image; missing ones at the end are left empty.

    Raises
    ------
    KeyError
        When that map was not measured.
    """
    row = dependence.row(which)
    settled = dependence.cases_to_settle(which)
    pictures = [*thumbnails, *[None] * len(dependence.channels)]
    return [
        DriverRow(
            image,
            ratio=float(dependence.ratio[row, c]),
            low=float(dependence.low[row, c]),
            high=float(dependence.high[row, c]),
            verdict=str(dependence.verdict[row, c]),
            q=float(dependence.q[row, c]),
            p=float(dependence.p[row, c]),
            thumbnail=pictures[c],
            settle=_settled(dependence, float(settled[c])),
        )
        for c, image in enumerate(dependence.channels)
    ]


def rows_so_far(
    found: RatiosSoFar,
    which: int,
    channels: Sequence[str],
    thumbnails: Sequence[QImage | None] = (),
) -> list[DriverRow]:
    """Rows of one map that is still being measured: no interval, no verdict."""
    pictures = [*thumbnails, *[None] * len(channels)]
    return [
        DriverRow(image, float(found.ratio[which, c]), nan, nan, NOT_FINAL, thumbnail=pictures[c])
        for c, image in enumerate(channels)
    ]


def fold(rows: Sequence[DriverRow]) -> tuple[list[int], list[int]]:
    """Positions of the rows that are shown, by falling ratio, and of the rest."""
    falling = sorted(range(len(rows)), key=lambda k: -_number(rows[k].ratio))
    kept = len(rows) if len(rows) <= MOST_ROWS else _KEPT
    return falling[:kept], falling[kept:]


def rest_words(rest: Sequence[DriverRow]) -> str:
    """Say what was found for the rows that are not shown."""
    counts = Counter(row.verdict for row in rest)
    if len(counts) == 1:
        verdict = next(iter(counts))
        alike = {DRIVES: "all drive", NO_DEPENDENCE: "no dependence found on any"}
        return f"and {len(rest)} more, {alike.get(verdict, f'all {verdict}')}"
    return f"and {len(rest)} more: " + ", ".join(_counted(v, n) for v, n in counts.items())


def row_lines(row: DriverRow, tau: float, basis: str) -> list[str]:
    """Exact numbers of one row, the rule behind its verdict, and what they rest on."""
    lines = [f"{row.image}: {row.verdict}", _numbers(row)]
    rules = {
        DRIVES: f"above τ {tau:g} after correction over all pairs",
        NEGLIGIBLE: f"the whole interval lies below τ {tau:g}",
        UNDECIDED: f"neither surely above nor surely below τ {tau:g}",
        NO_DEPENDENCE: "nothing moved when this image was exchanged",
    }
    if not isnan(row.ratio) and row.verdict in rules:
        lines.append(rules[row.verdict])
    if row.settle:
        lines.append(row.settle)
    if not isnan(row.q):
        lines.append(f"{small('q', row.q)}, {small('p', row.p)} against a ratio of at most {tau:g}")
    return [*lines, basis] if basis else lines


def spoken(rows: Sequence[DriverRow]) -> str:
    """All rows in one line, for a screen reader."""
    order = [rows[k] for part in fold(rows) for k in part]
    return "; ".join(f"{r.image}: {r.verdict}, {_numbers(r)}" for r in order)


def small(name: str, value: float) -> str:
    """Write a p or q value; the smallest ones as a bound."""
    return f"{name} < 0.001" if value < 0.001 else f"{name} = {value:.3f}"


def _settled(dependence: ChannelDependence, units: float) -> str:
    if isnan(units):
        return ""
    if isinf(units):
        return f"too near τ {dependence.tau:g} for more cases to settle it soon"
    have = f"there are {dependence.n}"
    return f"about {about(units)} {dependence.settled_by} would settle it; {have}"


def _counted(verdict: str, n: int) -> str:
    if verdict == DRIVES:
        return f"{n} drive{'s' if n == 1 else ''}"
    return f"{n} without dependence" if verdict == NO_DEPENDENCE else f"{n} {verdict}"


def _numbers(row: DriverRow) -> str:
    if isnan(row.ratio):
        return "no ratio: the map does not vary between these cases"
    if row.verdict == NOT_FINAL:
        return f"ratio {row.ratio:.3g} so far, no interval before all cases are measured"
    if isnan(row.low):
        return f"ratio {row.ratio:.3g}, no interval below {FEWEST_UNITS} independent units"
    return f"ratio {row.ratio:.3g}, 95 % {row.low:.3g} to {row.high:.3g}"


def _number(ratio: float) -> float:
    return -1.0 if isnan(ratio) else ratio
