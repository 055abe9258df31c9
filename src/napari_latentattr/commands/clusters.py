"""``latentattr clusters``: groups of cases that look alike to the model, if there are any."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from napari_latentattr.cohort.study import open_study
from napari_latentattr.commands.results import Report
from napari_latentattr.commands.streaming_options import streaming_of
from napari_latentattr.commands.tables import table
from napari_latentattr.core.clusters import TSNE_WARNING, Clusters, Difference, Layout, group_letter
from napari_latentattr.core.progress import Progress
from napari_latentattr.figures.clusters import clusters_figure
from napari_latentattr.figures.style import png
from napari_latentattr.io.atomic import write_bytes, write_json, write_text
from napari_latentattr.io.cluster_records import clusters_csv, clusters_record, differences_csv
from napari_latentattr.retrieval.cluster import cluster_cases

_MOST_ROWS = 5  # differences of a group that are printed


def run(
    folder: Path,
    *,
    study: Path,
    layout: Layout,
    seed: int | None,
    cache: Path | None,
    skip_broken: bool,
    scheduler: str | None,
    trust: bool,
    progress: Progress,
) -> Report:
    """Group the cases of a study.

    Writes ``clusters.json``, ``clusters.csv`` (one row a case), ``differences.csv`` and
    ``clusters.png``.
    """
    opened = open_study(study, trust=trust)
    with streaming_of(cache, skip_broken, scheduler) as streaming:
        found = cluster_cases(
            opened.model,
            opened.cohort,
            outcomes=opened.outcomes(),
            layout=layout,
            seed=opened.seed if seed is None else seed,
            streaming=streaming,
            progress=progress,
        )
    write_clusters(folder, found)
    return Report("\n".join(clusters_lines(found)), "clusters.json")


def write_clusters(folder: Path, found: Clusters) -> None:
    """Write record, tables and scatter."""
    write_json(folder / "clusters.json", clusters_record(found))
    write_text(folder / "clusters.csv", clusters_csv(found))
    write_text(folder / "differences.csv", differences_csv(found))
    write_bytes(folder / "clusters.png", png(clusters_figure(found)))


def clusters_lines(found: Clusters) -> list[str]:
    """How many groups there are and how sure that is, who stands for them, and what differs."""
    lines = [found.sentence(), found.basis()]
    if found.layout == "tsne":
        lines.append(TSNE_WARNING)
    if not found.count:
        return lines
    rows = [
        [
            group_letter(group),
            found.cases[found.medoids[group]],
            str(len(found.members(group))),
            str(found.patients_in[group]),
            f"{found.stability[group]:.2f}",
        ]
        for group in range(found.count)
    ]
    header = ("group", "stands for it", "cases", "patients", "stability")
    lines += ["", table(rows, header=header)]
    shown = [one for group in range(found.count) for one in clearest(found, group)]
    if shown:
        header = ("group", "is set apart by", "difference", "95 %", "q")
        lines += ["", table([_row(one) for one in shown], header=header)]
        lines.append(
            "Differences in standard deviations within groups, of a class in shares; one value a "
            "patient. A map is tested between groups made by the other maps."
        )
    return lines


def clearest(found: Clusters, group: int) -> Sequence[Difference]:
    """Differences of one group with q below 0.05, the smallest q first."""
    mine = [one for one in found.differences if one.cluster == group and one.q < 0.05]
    return sorted(mine, key=lambda one: (one.q, -abs(one.estimate)))[:_MOST_ROWS]


def _row(one: Difference) -> list[str]:
    reach = "-" if math.isnan(one.low) else f"{one.low:.2f} to {one.high:.2f}"
    q = "<0.001" if one.q < 0.001 else f"{one.q:.3f}"
    return [group_letter(one.cluster), f"{one.kind} {one.name}", f"{one.estimate:+.2f}", reach, q]
