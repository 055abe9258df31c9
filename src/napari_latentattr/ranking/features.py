"""From images to rows: encodes case by case and keeps summaries, or the latents in the body."""

from __future__ import annotations

from hashlib import sha256

import numpy as np

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.latent_grid import latents_of_region
from napari_latentattr.core.progress import Progress
from napari_latentattr.core.types import CaseSource, Float32
from napari_latentattr.ranking.outcome import CaseOutcome, Regions
from napari_latentattr.ranking.rows import Rows
from napari_latentattr.ranking.units import Units
from napari_latentattr.streaming.encode import Encoder, encode_cases

PERCENTILES = (2, 98)


def rows_of_cases(
    model: Encoder, cohort: CaseSource, outcome: CaseOutcome, units: Units, progress: Progress
) -> tuple[Rows, str]:
    """One row a case: a few summaries of each map inside the body.

    Returns
    -------
    Rows
    str
        Hash of all images.
    """
    features, digests = [], []
    for case in encode_cases(model, cohort, progress=progress):
        features.append(summarise(case.maps[:, case.inside]))
        digests.append(case.sha256)
    values = np.stack(features)
    n, n_maps, n_summaries = values.shape
    rows = Rows(
        values=values.reshape(n, 1, -1),
        inside=np.ones((n, 1), dtype=bool),
        label=outcome.code[:, None],
        map_of=np.repeat(np.arange(n_maps), n_summaries),
        classes=outcome.classes,
        units=units,
    )
    return rows, sha256(b"".join(digests)).hexdigest()


def summarise(values: Float32) -> Float32:
    """Mean, standard deviation, 2 % and 98 % percentile: (K, V) to (K, 4).

    The mean comes first: clusters of maps are made from it.
    """
    low, high = np.percentile(values, PERCENTILES, axis=1)
    columns = (values.mean(axis=1), values.std(axis=1), low, high)
    return np.stack(columns, axis=1).astype(np.float32)


def rows_of_voxels(
    model: Encoder, cohort: CaseSource, outcome: Regions, units: Units, progress: Progress
) -> tuple[Rows, str]:
    """One row a latent in the body of a case.

    Returns
    -------
    Rows
    str
        Hash of all images.

    Raises
    ------
    InputError
        When cases differ in their latent grid: then no latent position is the same in two cases.
    """
    latents: list[Float32] = []
    masks, labels, digests = [], [], []
    for case in encode_cases(model, cohort, progress=progress):
        if latents and case.maps.shape != latents[0].shape:
            raise InputError(
                f"case {case.case} has {case.maps.shape[1:]} latents, case {cohort.cases[0]} "
                f"{latents[0].shape[1:]}; ranking by voxel exchanges maps between cases at the "
                "same latent, so resample all cases to one grid"
            )
        latents.append(case.maps)
        masks.append(case.inside)
        region = outcome.of(case.index, case.grid)
        labels.append(latents_of_region(region, model.spec, case.inside.shape))
        digests.append(case.sha256)
    mask = np.stack(masks)
    used = mask.any(axis=0)
    rows = Rows(
        values=np.stack([latent[:, used].T for latent in latents]),
        inside=mask[:, used],
        label=np.stack(labels)[:, used].astype(np.int64),
        map_of=np.arange(len(latents[0])),
        classes=("elsewhere", "labelled"),
        units=units,
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
