"""The standings as a table: Markdown for people, CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
import math

from napari_latentattr.benchmarks.calibration import Rate
from napari_latentattr.benchmarks.contest.contest import MEASURES, Contest, Standing

_HEADS = {
    "power": "power at T >= 2 tau",
    "false_positive": "false positives",
    "false_discovery": "FDR",
    "auroc": "AUROC",
    "top": "top-1",
    "seconds": "seconds",
}


def contest_markdown(contest: Contest) -> str:
    """One table a kind of worlds; a rate is in % with its 95 % interval over worlds."""
    return "\n".join(
        _table(kind, n, [s for s in contest.standings if (s.kind, s.n_cases) == (kind, n)])
        for kind, n in dict.fromkeys((s.kind, s.n_cases) for s in contest.standings)
    )


def contest_csv(contest: Contest) -> str:
    """One row a rule and kind; rates from 0 to 1, empty where there is none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    limits = [f"{name}{end}" for name in MEASURES for end in ("", "_low", "_high")]
    writer.writerow(["kind", "rule", "worlds", "cases", *limits])
    for one in contest.standings:
        rates = [getattr(one, name) for name in MEASURES]
        cells = [_cell(x) for rate in rates for x in (rate.value, rate.low, rate.high)]
        writer.writerow([one.kind, one.rule, one.worlds, one.n_cases, *cells])
    return text.getvalue()


def _table(kind: str, n_cases: int, standings: list[Standing]) -> str:
    worlds = standings[0].worlds
    lines = [
        f"### {kind}: {worlds} {'world' if worlds == 1 else 'worlds'}, {n_cases} cases each",
        "",
        "| rule | " + " | ".join(_HEADS[name] for name in MEASURES) + " |",
        "|---" * (len(MEASURES) + 1) + "|",
    ]
    for one in standings:
        cells = [_told(name, getattr(one, name)) for name in MEASURES]
        lines.append(f"| {one.rule} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _told(name: str, rate: Rate) -> str:
    if math.isnan(rate.value):
        return "-"
    if name == "seconds":
        return f"{rate.value:.2f}"
    if name == "auroc":
        return f"{rate.value:.3f}" + _limits(rate, "{:.3f}", 1)
    return f"{100 * rate.value:.1f}" + _limits(rate, "{:.0f}", 100)


def _limits(rate: Rate, form: str, unit: float) -> str:
    """Limits of the interval, not beyond what a rate can be."""
    if math.isnan(rate.low):
        return ""
    ends = (max(rate.low, 0.0), min(rate.high, 1.0))
    return " ({}-{})".format(*(form.format(unit * end) for end in ends))


def _cell(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"
