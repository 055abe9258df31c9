"""From images to rows: encodes case by case and keeps summaries, or the latents in the body."""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

import numpy as np

from napari_latentattr.core.broken import Broken
from napari_latentattr.core.errors import InputError
from napari_latentattr.core.latent_grid import latents_of_region
from napari_latentattr.core.progress import Progress
from napari_latentattr.core.types import CaseSource, Float32
from napari_latentattr.ranking.outcome import CaseOutcome, Regions
from napari_latentattr.ranking.rows import Rows
from napari_latentattr.ranking.units import Units
from napari_latentattr.streaming.encode import EncodedCase, Encoder, encode_cases, reduce_cases
from napari_latentattr.streaming.streaming import HERE, Streaming

PERCENTILES = (2, 98)


def rows_of(
    model: Encoder,
    cohort: CaseSource,
    outcome: CaseOutcome | Regions,
    units: Units,
    progress: Progress,
    *,
    streaming: Streaming = HERE,
    broken: list[Broken] | None = None,
) -> tuple[Rows, str]:
    """By case or by voxel, as the outcome is."""
    if isinstance(outcome, Regions):
        return rows_of_voxels(
            model, cohort, outcome, units, progress, streaming=streaming, broken=broken
        )
    return rows_of_cases(
        model, cohort, outcome, units, progress, streaming=streaming, broken=broken
    )


def rows_of_cases(
    model: Encoder,
    cohort: CaseSource,
    outcome: CaseOutcome,
    units: Units,
    progress: Progress,
    *,
    streaming: Streaming = HERE,
    broken: list[Broken] | None = None,
) -> tuple[Rows, str]:
    """One row a case: a few summaries of each map inside the body.

    Returns
    -------
    Rows
        Without the cases that `broken` receives.
    str
        Hash of all images.
    """
    found = list(
        reduce_cases(model, cohort, _row, streaming=streaming, broken=broken, progress=progress)
    )
    used = [row.position for row in found]
    values = np.stack([row.values for row in found])
    n, n_maps, n_summaries = values.shape
    rows = Rows(
        values=values.reshape(n, 1, -1),
        inside=np.ones((n, 1), dtype=bool),
        label=outcome.code[used, None],
        map_of=np.repeat(np.arange(n_maps), n_summaries),
        classes=outcome.classes,
        units=units.of(used),
    )
    return rows, sha256(b"".join(row.sha256 for row in found)).hexdigest()


class _Row(NamedTuple):
    position: int
    values: Float32
    sha256: bytes


def _row(case: EncodedCase) -> _Row:
    return _Row(case.index, summarise(case.maps[:, case.inside]), case.sha256)


def summarise(values: Float32) -> Float32:
    """Mean, standard deviation, 2 % and 98 % percentile: (K, V) to (K, 4).

    The mean comes first: clusters of maps are made from it.
    """
    low, high = np.percentile(values, PERCENTILES, axis=1)
    columns = (values.mean(axis=1), values.std(axis=1), low, high)
    return np.stack(columns, axis=1).astype(np.float32)


def rows_of_voxels(
    model: Encoder,
    cohort: CaseSource,
    outcome: Regions,
    units: Units,
    progress: Progress,
    *,
    streaming: Streaming = HERE,
    broken: list[Broken] | None = None,
) -> tuple[Rows, str]:
    """One row a latent in the body of a case.

    Returns
    -------
    Rows
        Without the cases that `broken` receives.
    str
        Hash of all images.

    Raises
    ------
    InputError
        When cases differ in their latent grid: then no latent position is the same in two cases.
    """
    latents: list[Float32] = []
    used: list[int] = []
    masks, labels, digests = [], [], []
    cases = encode_cases(model, cohort, streaming=streaming, broken=broken, progress=progress)
    for case in cases:
        if latents and case.maps.shape != latents[0].shape:
            raise InputError(
                f"case {case.case} has {case.maps.shape[1:]} latents, case {cohort.cases[used[0]]} "
                f"{latents[0].shape[1:]}; ranking by voxel exchanges maps between cases at the "
                "same latent, so resample all cases to one grid"
            )
        used.append(case.index)
        latents.append(case.maps)
        masks.append(case.inside)
        region = outcome.of(case.index, case.grid)
        labels.append(latents_of_region(region, model.spec, case.inside.shape))
        digests.append(case.sha256)
    mask = np.stack(masks)
    places = mask.any(axis=0)
    rows = Rows(
        values=np.stack([latent[:, places].T for latent in latents]),
        inside=mask[:, places],
        label=np.stack(labels)[:, places].astype(np.int64),
        map_of=np.arange(len(latents[0])),
        classes=("elsewhere", "labelled"),
        units=units.of(used),
    )
    return rows, sha256(b"".join(digests)).hexdigest()


def check_labelled(rows: Rows, *, name: str) -> None:
    """Refuse a label that reaches no latent, or all of them.

    Raises
    ------
    InputError
    """
    total = int(rows.inside.sum())
    labelled = int(rows.label[rows.inside].sum())
    if labelled in (0, total):
        raise InputError(
            f"label {name!r} covers {labelled} of {total} latents in the bodies of all "
            f"{len(rows.values)} cases (a latent counts when a quarter of its cell is labelled); "
            "some latents must be labelled and some not, so check the label"
        )
