"""Where each image moves a map, as volumes with the geometry of the source.

Slices of a volume become one volume again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_latentattr.cohort.cohort import Cohort
from napari_latentattr.cohort.study import Study
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Float32, Grid, MapRef
from napari_latentattr.io.writing import write_volume
from napari_latentattr.methods.dependence_volume import dependence_volume


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """How far a map of one case moves, in latent units, (C, *S) on `grid`."""

    case: str
    which: MapRef
    channels: tuple[str, ...]
    volume: Float32
    grid: Grid


def write_volumes(
    folder: Path,
    study: Study,
    maps: Sequence[MapRef],
    *,
    donors: int,
    seed: int,
    progress: Progress,
) -> None:
    """Write one file a case, map and image."""
    for ref in maps:
        for moves in moves_of(study, ref, donors=donors, seed=seed, progress=progress):
            write_moves(folder, moves)


def write_moves(folder: Path, moves: Moves) -> None:
    """Write one file an image: ``<case>_map-<index>_desc-channels_<channel>.nii.gz``."""
    start = f"{moves.case}_map-{moves.which.index}_desc-channels"
    for channel, volume in zip(moves.channels, moves.volume, strict=True):
        write_volume(folder / f"{start}_{channel}.nii.gz", volume, moves.grid)


def write_images(
    folder: Path, start: str, channels: Sequence[str], images: Float32, grid: Grid
) -> None:
    """Write one file an image of (C, *S): ``<start>_<channel>.nii.gz``.

    Nothing where the orientation is unknown: left and right could be exchanged in the file.
    """
    for channel, image in zip(channels, images, strict=True) if grid.known else ():
        write_volume(folder / f"{start}_{channel}.nii.gz", image, grid)


def moves_of(
    study: Study, which: MapRef, *, donors: int, seed: int, progress: Progress = SILENT
) -> Iterator[Moves]:
    """Measure every case in turn; slices come back as whole volumes."""
    cohort = study.cohort
    whole = whole_cases(cohort)
    planes: dict[str, Float32] = {}
    for i in range(len(cohort)):
        progress.report(i, len(cohort), f"where images move map {which}")
        moves = moves_of_case(study, which, i, donors=donors, seed=seed)
        if whole is cohort:
            yield moves
        else:
            planes[moves.case] = moves.volume
    progress.report(len(cohort), len(cohort), f"where images move map {which}")
    if whole is not cohort:
        for i, (case, volume) in enumerate(cohort.stack_back(planes).items()):
            yield Moves(case, which, cohort.channels, np.asarray(volume), whole[i].grid)


def moves_of_case(study: Study, which: MapRef, case: int, *, donors: int, seed: int) -> Moves:
    """Measure one case of the cohort, a volume or a slice."""
    cohort = study.cohort
    found = dependence_volume(
        study.model, cohort, which.index, case=case, donors=donors, seed=seed, progress=SILENT
    )
    if found.volume is None or found.grid is None:
        raise TypeError("a dependence volume has voxels and a grid")
    return Moves(cohort.cases[case], which, cohort.channels, found.volume, found.grid)


def whole_cases(cohort: Cohort) -> Cohort:
    """Volumes that a cohort of slices was cut from; any other cohort itself."""
    try:
        return cohort.cut.whole
    except ValueError:
        return cohort
