"""``latentattr cases``: which cases have most and least of a map, and where to look in each."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np

from napari_latentattr.cohort.cohort import Cohort
from napari_latentattr.cohort.slices import AXES
from napari_latentattr.cohort.study import open_study
from napari_latentattr.commands.results import Report
from napari_latentattr.commands.streaming_options import streaming_of
from napari_latentattr.commands.tables import table
from napari_latentattr.commands.volumes import write_images
from napari_latentattr.core.broken import left_out_lines
from napari_latentattr.core.geometry import crop
from napari_latentattr.core.progress import Progress
from napari_latentattr.core.ranking_words import gate_words
from napari_latentattr.core.retrieval import By, Pool, Retrieval
from napari_latentattr.core.types import ImageStack
from napari_latentattr.figures.cases import MOST_IMAGES, Tile, cases_figure
from napari_latentattr.figures.style import png
from napari_latentattr.io.atomic import write_bytes, write_json, write_text
from napari_latentattr.io.retrieval_records import retrieval_csv, retrieval_record
from napari_latentattr.io.statistics_records import statistics_csv, statistics_record
from napari_latentattr.retrieval.find import find_cases

_TITLES = {
    "top": "most",
    "bottom": "least",
    "contrast": "pairs, far apart in this map and alike in the others",
    "random": "random, drawn without a look at the map",
}
_CAVEAT = (
    "The outline is the receptive field at the peak. Cases that have most of a map share more than "
    "what drives it: ask `latentattr channels`. Research use, not diagnosis."
)


def run(
    folder: Path,
    *,
    study: Path,
    map: int,  # noqa: A002
    top: int,
    by: By,
    pool: Pool,
    outcome: str | None,
    seed: int | None,
    trust: bool,
    progress: Progress,
    cache: Path | None = None,
    skip_broken: bool = False,
    scheduler: str | None = None,
) -> Report:
    """Find the cases; write ``cases.json``, ``cases.csv``, ``cases.png`` and the crops.

    Beside them stand the values of all maps over all cases, ``map_statistics.json`` and ``.csv``.
    """
    opened = open_study(study, trust=trust)
    name, values = "", None
    if by == "relevance" or outcome is not None:
        name, values = opened.named_outcome(outcome)
    with streaming_of(cache, skip_broken, scheduler) as streaming:
        found = find_cases(
            opened.model,
            opened.cohort,
            map,
            top=top,
            by=by,
            pool=pool,
            outcome=values,
            name=name,
            seed=opened.seed if seed is None else seed,
            streaming=streaming,
            progress=progress,
        )
    write_cases(folder, found, opened.cohort)
    return Report(cases_text(found), "cases.json")


def write_cases(folder: Path, found: Retrieval, cohort: Cohort) -> None:
    """Write record, table, contact sheet and crops; each case is read once."""
    wanted: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for name, listed in found.lists.items():
        for row, index in enumerate(listed.index):
            wanted[int(index)].append((name, row))
    files, tiles = {}, {}
    axis = AXES[cohort.slices][0] if cohort.slices else 0
    for index in sorted(wanted):
        stack = cohort[index]
        for name, row in wanted[index]:
            files[name, stack.case] = _write_crop(folder, found, name, row, stack)
            tiles[name, row] = _tile(found, name, row, stack, axis)
    write_json(folder / "cases.json", retrieval_record(found, files))
    write_text(folder / "cases.csv", retrieval_csv(found))
    if found.statistics is not None:
        write_json(folder / "map_statistics.json", statistics_record(found.statistics))
        write_text(folder / "map_statistics.csv", statistics_csv(found.statistics))
    rows = [
        (_TITLES[name], [tiles[name, row] for row in range(len(listed))])
        for name, listed in found.lists.items()
    ]
    more = len(cohort.channels) - MOST_IMAGES
    rest = f" {more} more images lie in the crops." if more > 0 else ""
    figure = cases_figure(rows, cohort.channels, heading=_heading(found), footer=_CAVEAT + rest)
    write_bytes(folder / "cases.png", png(figure))


def cases_text(found: Retrieval) -> str:
    """All lists in words, and what they rest on."""
    lines = [_heading(found)]
    if found.statistics is not None:
        lines.append(found.statistics.sentence(found.target))
    if found.gate is not None:
        said = gate_words(found.gate, folds=found.unit_name)
        end = "" if found.gate.passed else f"; the order by relevance for {found.outcome} is noise"
        lines.append(f"{said}{end}")
    for name, listed in found.lists.items():
        rows = [
            [
                case,
                *([listed.units[row]] if found.unit_name == "patients" else []),
                f"{listed.scores[row]:.4g}",
                " ".join(f"{low}:{high}" for low, high in listed.boxes[row]),
                *([f"{found.gaps[row // 2]:.2f} sd"] if name == "contrast" else []),
            ]
            for row, case in enumerate(listed.cases)
        ]
        if rows:
            patient = ("patient",) if found.unit_name == "patients" else ()
            more = ("further apart by",) if name == "contrast" else ()
            header = ("case", *patient, "score", "voxels", *more)
            lines += ["", _TITLES[name], table(rows, header=header)]
    return "\n".join([*lines, "", *left_out_lines(found.provenance.params), _CAVEAT])


def _heading(found: Retrieval) -> str:
    return (
        f"map {found.target}, {found.unit}; {found.n_cases} cases, one shown of each of "
        f"{found.n} {found.unit_name}"
    )


def _write_crop(
    folder: Path, found: Retrieval, name: str, row: int, stack: ImageStack
) -> dict[str, str]:
    """Write one file an image: ``<case>_map-<index>_desc-<list>_<channel>.nii.gz``."""
    if not stack.grid.known:
        return {}
    box = [(int(low), int(high)) for low, high in found.lists[name].boxes[row]]
    part = stack.data[(slice(None), *(slice(low, high) for low, high in box))]
    start = f"{stack.case}_map-{found.target.index}_desc-{name}"
    write_images(folder, start, stack.channels, part, crop(stack.grid, box))
    return {channel: f"{start}_{channel}.nii.gz" for channel in stack.channels}


def _tile(found: Retrieval, name: str, row: int, stack: ImageStack, axis: int) -> Tile:
    """Plane through the middle of the box; of a slice all of it."""
    listed = found.lists[name]
    box = [(int(low), int(high)) for low, high in listed.boxes[row]]
    planes = stack.data
    if len(box) == 3:
        low, high = box.pop(axis)
        planes = np.take(planes, (low + high - 1) // 2, axis=1 + axis)
    title = f"{stack.case[:14]}\n{listed.scores[row]:.3g}"
    return Tile(title, planes, (box[0], box[1]))
