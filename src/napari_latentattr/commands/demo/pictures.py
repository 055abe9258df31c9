"""The slice that shows a question best: image, label, map, and where images move the map."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_latentattr.cohort.study import Study
from napari_latentattr.commands.demo.questions import Answer
from napari_latentattr.commands.volumes import Moves
from napari_latentattr.core.latent_grid import latent_centres
from napari_latentattr.core.types import Bool, Float32, MapRef
from napari_latentattr.figures.overview import Chapter, Slice

_MARGIN = 3  # voxels around the body


def best_case(answer: Answer) -> int:
    """Position of the case with the most labelled voxels."""
    return int(np.argmax([region.sum() for region in answer.question.regions]))


def chapter(number: int, answer: Answer, moves: Moves | None) -> Chapter:
    """One row of the overview.

    Parameters
    ----------
    moves : Moves or None
        Of the case that `best_case` names; None where no map was named.
    """
    question = answer.question
    return Chapter(
        title=f"{number}  {question.title}",
        headline=answer.headline,
        answer="\n".join(answer.sentences),
        model=question.model,
        ranking=answer.ranking,
        dependence=answer.whole,
        top=answer.top,
        picture=_picture(answer, moves),
    )


def _picture(answer: Answer, moves: Moves | None) -> Slice:
    study, case = answer.question.study, best_case(answer)
    stack, label = study.cohort[case], answer.question.regions[case]
    body = np.ones(label.shape, dtype=bool) if stack.mask is None else stack.mask
    channel = _leading_channel(answer)
    latent = None if answer.top is None else _on_voxels(study, case, answer.top, body)
    level = int(np.argmax(label.sum(axis=(1, 2)))) if label.ndim == 3 else None
    box = _box(body if level is None else body[level])

    def cut(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        plane = array if level is None else np.take(array, level, axis=-3)
        return plane[(..., *box)]

    return Slice(
        name=f"{stack.case}, {stack.channels[channel]}",
        image=cut(stack.data[channel]),
        label=cut(label),
        latent=None if latent is None else cut(latent),
        moves=None if moves is None else cut(moves.volume),
    )


def _leading_channel(answer: Answer) -> int:
    """Image that moves the top map most; the first one where there is no map."""
    if answer.whole is None or answer.top is None:
        return 0
    return int(np.nanargmax(answer.whole.ratio[answer.whole.row(answer.top)]))


def _on_voxels(study: Study, case: int, which: MapRef, body: Bool) -> Float32:
    """Map on the voxels of the image, each latent over its own cell; NaN outside the body."""
    latent = study.model.encode(study.cohort[case].data[None])[0, which.index]
    centres = latent_centres(study.model.spec, latent.shape)
    nearest = [
        np.abs(np.arange(n)[:, None] - centre).argmin(axis=1)
        for n, centre in zip(body.shape, centres, strict=True)
    ]
    return np.where(body, latent[np.ix_(*nearest)], np.float32(np.nan))


def _box(body: Bool) -> tuple[slice, slice]:
    """Square around the body."""
    rows, columns = (np.flatnonzero(body.any(axis=axis)) for axis in (1, 0))
    half = max(np.ptp(rows), np.ptp(columns)) // 2 + _MARGIN
    first, second = (
        slice(max(0, int(middle) - half), int(middle) + half + 1)
        for middle in (rows.mean(), columns.mean())
    )
    return first, second
