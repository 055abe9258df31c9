"""``latentattr maximise``: make up a picture that excites a map, beside the real top cases."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from napari_latentattr.cohort.cohort import Cohort
from napari_latentattr.cohort.slices import AXES
from napari_latentattr.cohort.study import open_study
from napari_latentattr.commands.results import Report
from napari_latentattr.commands.streaming_options import streaming_of
from napari_latentattr.commands.tables import table
from napari_latentattr.commands.volumes import write_images
from napari_latentattr.core.broken import left_out_lines
from napari_latentattr.core.maximisation import MADE_UP, Maximisation
from napari_latentattr.core.progress import Progress
from napari_latentattr.core.types import Float32
from napari_latentattr.figures.cases import Tile, cases_figure
from napari_latentattr.figures.style import png
from napari_latentattr.io.atomic import write_bytes, write_json
from napari_latentattr.io.maximisation_record import maximisation_record
from napari_latentattr.methods.maximise import maximise

_CAVEAT = (
    "A made-up picture shows what the model answers to. It is one of many that would do, and says "
    "nothing of what real cases with much of the map have in common, nor of disease. Research use, "
    "not diagnosis."
)
_MOST_PICTURES = 4  # that are drawn


def run(
    folder: Path,
    *,
    study: Path,
    map: int,  # noqa: A002
    voxel: tuple[int, ...] | None,
    toward: Literal["high", "low"],
    seeds: int,
    spread: float,
    seed: int | None,
    trust: bool,
    progress: Progress,
    cache: Path | None = None,
    skip_broken: bool = False,
    scheduler: str | None = None,
) -> Report:
    """Make up the pictures; write ``maximise.json``, ``maximise.png`` and a volume an image."""
    opened = open_study(study, trust=trust)
    with streaming_of(cache, skip_broken, scheduler) as streaming:
        found = maximise(
            opened.model,
            map,
            cohort=opened.cohort,
            voxel=voxel,
            toward=toward,
            seeds=seeds,
            spread=spread,
            seed=opened.seed if seed is None else seed,
            streaming=streaming,
            progress=progress,
        )
    write_maximisation(folder, found, opened.cohort)
    return Report(maximised_text(found), "maximise.json")


def write_maximisation(folder: Path, found: Maximisation, cohort: Cohort) -> None:
    """Write record, figure and volumes."""
    files = [_write_picture(folder, found, i) for i in range(len(found.pictures))]
    write_json(folder / "maximise.json", maximisation_record(found, files))
    heading = f"{MADE_UP[0].upper()}{MADE_UP[1:]}: what excites map {found.map}"
    figure = cases_figure(
        _rows(found, cohort),
        found.channels,
        heading=heading,
        footer=f"{found.sentence()}\n{_CAVEAT}",
    )
    write_bytes(folder / "maximise.png", png(figure))


def maximised_text(found: Maximisation) -> str:
    """Say what was made up, how far to trust it, and which real cases belong beside it."""
    rows = [
        [case, f"{activation:.4g}"]
        for case, activation in zip(found.top_cases, found.top_activations, strict=True)
    ]
    real = table(rows, header=("real case", "activation"))
    left = left_out_lines(found.provenance.params)
    return "\n".join([found.sentence(), "", real, "", *left, _CAVEAT])


def _write_picture(folder: Path, found: Maximisation, which: int) -> dict[str, str]:
    """Write one file an image: ``made-up_map-<index>_seed-<n>_<channel>.nii.gz``."""
    if found.grid is None or not found.grid.known:
        return {}
    seed = (found.provenance.seed or 0) + which
    start = f"made-up_map-{found.provenance.params['map']}_seed-{seed}"
    write_images(folder, start, found.channels, found.pictures[which], found.grid)
    return {channel: f"{start}_{channel}.nii.gz" for channel in found.channels}


def _rows(found: Maximisation, cohort: Cohort) -> list[tuple[str, list[Tile]]]:
    """Pictures and real cases in one plane: where the first differs most from the one unasked."""
    axis = AXES[cohort.slices][0] if cohort.slices else 0
    at = found.clearest_slice(axis)

    def tile(title: str, images: Float32) -> Tile:
        return Tile(title, np.take(images, at, axis=1 + axis) if images.ndim == 4 else images)

    first = found.provenance.seed or 0
    made = [
        tile(f"seed {first + i}", picture)
        for i, picture in enumerate(found.pictures[:_MOST_PICTURES])
    ]
    real = [
        tile(f"{case[:14]}\n{activation:.3g}", cohort[cohort.cases.index(case)].data)
        for case, activation in zip(found.top_cases, found.top_activations, strict=True)
    ]
    lowest = found.level < found.usual
    return [
        (MADE_UP, [*made, tile("nothing asked", found.start)]),
        (f"real cases with {'least' if lowest else 'most'} of the map", real),
    ]
