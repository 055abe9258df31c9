"""The contest in ``latentattr benchmark truth``: its files and its words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_latentattr.benchmarks.calibration import Calibration
from napari_latentattr.benchmarks.contest.contest import Contest
from napari_latentattr.benchmarks.contest.promises import shortfalls
from napari_latentattr.benchmarks.contest.tables import contest_csv, contest_markdown
from napari_latentattr.commands.tables import Section
from napari_latentattr.figures.contest import OURS, calibration_figure, power_figure, roc_figure
from napari_latentattr.figures.style import png
from napari_latentattr.io.atomic import write_bytes, write_text


def write_contest(folder: Path, contest: Contest, cells: Sequence[Calibration]) -> None:
    """Write the table as CSV and Markdown, and the three figures."""
    write_text(folder / "contest.csv", contest_csv(contest))
    write_text(folder / "contest.md", contest_markdown(contest))
    write_bytes(folder / "roc.png", png(roc_figure(contest)))
    write_bytes(folder / "power.png", png(power_figure(contest)))
    write_bytes(folder / "calibration.png", png(calibration_figure(cells)))


def contest_section(contest: Contest) -> Section:
    """Say where channel dependence falls short, and how many rules beside it do not."""
    missed = shortfalls(contest, OURS)
    rules = dict.fromkeys(one.rule for one in contest.standings)
    clean = [rule for rule in rules if rule != OURS and not shortfalls(contest, rule)]
    return (
        f"{len(rules)} rules in the same worlds (contest.md)",
        [
            (OURS, "keeps all promises" if not missed else "falls short: " + "; ".join(missed)),
            ("other rules that keep them", ", ".join(clean) or "none"),
        ],
    )


def cells_section(cells: Sequence[Calibration]) -> Section:
    """Rejection at the boundary and coverage of every cell."""
    return (
        "A 5 % test where tau is the truth, and the 95 % interval, cell by cell",
        [
            (
                f"{cell.world}, {cell.n_cases} cases, {cell.donors} donors",
                f"rejects {cell.two_way.rejects.value:.1%} "
                f"({max(cell.two_way.rejects.low, 0):.1%} to {cell.two_way.rejects.high:.1%}), "
                f"covers {cell.two_way.covers.value:.1%}, "
                + ("kept" if cell.two_way.keeps_promise else "not kept"),
            )
            for cell in cells
        ],
    )
