"""Picture the cases that were found: the slice through the peak of the map, cut around it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from napari_latentattr.cohort.cohort import Cohort
from napari_latentattr.cohort.slices import AXES
from napari_latentattr.core.case_sheet import PICTURED, Box, CaseSheet, CaseView, Grey
from napari_latentattr.core.colours import grey_limits
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.retrieval import CaseList, Retrieval
from napari_latentattr.core.types import Float32, Float64, ImageStack

# Voxels of a small picture, on its longer side.
_MOST = 128


def picture_cases(found: Retrieval, cohort: Cohort, *, progress: Progress = SILENT) -> CaseSheet:
    """Read the top, bottom and random cases, each once, and cut out what their peak sees.

    A picture is twice as wide as that, and at least half as wide as the image.

    Parameters
    ----------
    found : Retrieval
    cohort : Cohort
        The one that was searched.
    """
    wanted: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for name in PICTURED:
        for row, index in enumerate(found.lists[name].index):
            wanted[int(index)].append((name, row))
    axis = AXES[cohort.slices][0] if cohort.slices else 0
    cut: dict[tuple[str, int], tuple[Float64, Float32, Box]] = {}
    for done, index in enumerate(sorted(wanted)):
        stack = cohort[index]
        for name, row in wanted[index]:
            cut[name, row] = _cut(found.lists[name], row, stack, axis)
        progress.report(done + 1, len(wanted), "pictures of cases")
    limits = [
        grey_limits(np.concatenate([planes[c].ravel() for _, planes, _ in cut.values()]))
        for c in range(len(cohort.channels))
    ]
    views = {
        name: tuple(
            _view(found.lists[name], row, *cut[name, row], limits, cohort)
            for row in range(len(found.lists[name]))
        )
        for name in PICTURED
    }
    lean = replace(found, statistics=None)  # of all maps, they are larger than the pictures
    return CaseSheet(lean, cohort.channels, MappingProxyType(views))


def greys(planes: Float32, limits: Sequence[tuple[float, float]]) -> Grey:
    """Grey levels of images (C, h, w) between the limits of each."""
    low, high = np.array(limits, dtype=np.float64).T[:, :, None, None]
    level = np.clip((planes - low) / (high - low), 0, 1)
    return np.asarray(np.rint(255 * level), dtype=np.uint8)


def shrunk(planes: Float32) -> tuple[Float32, int]:
    """Every n-th voxel of images (C, h, w) that are larger than they are shown, and n."""
    step = -(-max(planes.shape[1:]) // _MOST)
    return np.ascontiguousarray(planes[:, ::step, ::step]), step


def _cut(listed: CaseList, row: int, stack: ImageStack, axis: int) -> tuple[Float64, Float32, Box]:
    """Peak in voxels, the images around it, and what it sees of them."""
    at = [*listed.centres[row], 1.0]
    peak = np.linalg.solve(stack.grid.affine, at)[:-1]
    planes, box, centre = stack.data, listed.boxes[row].astype(np.float64), peak
    if len(peak) == 3:
        slices = planes.shape[1 + axis]
        planes = np.take(planes, min(max(round(peak[axis]), 0), slices - 1), axis=1 + axis)
        box, centre = np.delete(box, axis, axis=0), np.delete(peak, axis)
    shape = np.array(planes.shape[1:])
    size = np.minimum(shape, np.maximum(2 * (box[:, 1] - box[:, 0]), shape // 2)).astype(int)
    low = np.clip(np.rint(centre + 0.5 - size / 2), 0, shape - size).astype(int)
    (y, x), (tall, wide) = low, size
    planes, step = shrunk(planes[:, y : y + tall, x : x + wide])
    (y0, y1), (x0, x1) = (np.clip(box - low[:, None], 0, size[:, None]) / step).tolist()
    return peak, planes, ((y0, y1), (x0, x1))


def _view(
    listed: CaseList,
    row: int,
    peak: Float64,
    planes: Float32,
    box: Box,
    limits: Sequence[tuple[float, float]],
    cohort: Cohort,
) -> CaseView:
    case, voxel = cohort.in_whole(int(listed.index[row]), peak.tolist())
    return CaseView(listed.cases[row], case, voxel, greys(planes, limits), box)
