"""Picture what was made up, and the real cases beside it, in the same slice and grey levels."""

from __future__ import annotations

import numpy as np

from napari_latentattr.cohort.cohort import Cohort
from napari_latentattr.cohort.slices import AXES
from napari_latentattr.core.case_sheet import CaseView, Grey
from napari_latentattr.core.colours import grey_limits
from napari_latentattr.core.made_up import MadeUp
from napari_latentattr.core.maximisation import Maximisation
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.so_far import PictureSoFar
from napari_latentattr.core.types import Float32
from napari_latentattr.retrieval.sheet import greys, shrunk


def picture_made_up(found: Maximisation, cohort: Cohort, *, progress: Progress = SILENT) -> MadeUp:
    """Cut the slice that shows most out of all pictures and out of the real cases.

    Parameters
    ----------
    found : Maximisation
    cohort : Cohort
        The one that it was made up for.
    """
    axis = AXES[cohort.slices][0] if cohort.slices else 0
    at = found.clearest_slice(axis)

    def plane(images: Float32) -> Float32:
        flat = np.take(images, at, axis=1 + axis) if images.ndim == 4 else images
        return shrunk(flat)[0]

    made = [plane(picture) for picture in found.pictures]
    real = []
    for done, case in enumerate(found.top_cases):
        real.append(plane(cohort[cohort.cases.index(case)].data))
        progress.report(done + 1, len(found.top_cases), "real cases beside it")
    every = [*made, plane(found.start), *real]
    limits = [
        grey_limits(np.concatenate([images[c].ravel() for images in every]))
        for c in range(len(found.channels))
    ]
    *pictures, start = (greys(images, limits) for images in every[: len(made) + 1])
    views = [
        _view(case, greys(images, limits), found, cohort, axis, at)
        for case, images in zip(found.top_cases, real, strict=True)
    ]
    return MadeUp(found, tuple(pictures), start, tuple(views))


def picture_so_far(so_far: PictureSoFar, cohort: Cohort) -> Grey:
    """Middle slice (C, h, w) of a picture that is being made up, in its own grey levels."""
    axis = AXES[cohort.slices][0] if cohort.slices else 0
    images = so_far.volume
    if images.ndim == 4:
        images = np.take(images, images.shape[1 + axis] // 2, axis=1 + axis)
    planes, _ = shrunk(images)
    return greys(planes, [grey_limits(plane) for plane in planes])


def _view(
    name: str, planes: Grey, found: Maximisation, cohort: Cohort, axis: int, at: int
) -> CaseView:
    """Look at the middle of the slice."""
    voxel = [(n - 1) / 2 for n in found.pictures.shape[2:]]
    if len(voxel) == 3:
        voxel[axis] = float(at)
    case, place = cohort.in_whole(cohort.cases.index(name), voxel)
    tall, wide = planes.shape[1:]
    return CaseView(name, case, place, planes, ((0.0, float(tall)), (0.0, float(wide))))
