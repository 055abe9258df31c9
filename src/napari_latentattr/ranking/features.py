"""From images to rows: encodes case by case and keeps summaries, or the latents in the body."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Protocol

import numpy as np

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.latent_grid import latents_inside, latents_of_region
from napari_latentattr.core.progress import Progress
from napari_latentattr.core.types import Bool, CaseSource, Float32, ImageStack, LatentSpec
from napari_latentattr.ranking.outcome import CaseOutcome, Regions
from napari_latentattr.ranking.rows import Rows
from napari_latentattr.ranking.units import Units

PERCENTILES = (2, 98)


class Encoder(Protocol):
    """What is asked of a model here: (N, C, *S) to (N, K, *L)."""

    @property
    def spec(self) -> LatentSpec: ...  # noqa: D102

    def encode(self, x: Float32, /) -> Float32: ...  # noqa: D102


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
    for stack, latent, inside in _encode(model, cohort, progress):
        features.append(summarise(latent[:, inside]))
        digests.append(_digest(stack))
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
    for i, (stack, latent, inside) in enumerate(_encode(model, cohort, progress)):
        if latents and latent.shape != latents[0].shape:
            raise InputError(
                f"case {stack.case} has {latent.shape[1:]} latents, case {cohort.cases[0]} "
                f"{latents[0].shape[1:]}; ranking by voxel exchanges maps between cases at the "
                "same latent, so resample all cases to one grid"
            )
        latents.append(latent)
        masks.append(inside)
        labels.append(latents_of_region(outcome.of(i, stack), model.spec, inside.shape))
        digests.append(_digest(stack))
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


def _encode(
    model: Encoder, cohort: CaseSource, progress: Progress
) -> Iterator[tuple[ImageStack, Float32, Bool]]:
    """Images, latent (K, *L) and body (*L), case by case."""
    for i in range(len(cohort)):
        stack = cohort[i]
        latent = model.encode(stack.data[None])[0]
        shape = latent.shape[1:]
        inside = np.ones(shape, dtype=bool)
        if stack.mask is not None:
            inside = latents_inside(stack.mask, model.spec, shape)
        if not inside.any():
            raise InputError(f"case {stack.case}: no latent lies in its mask; check the mask")
        if not np.isfinite(latent).all():
            raise InputError(
                f"case {stack.case}: the latent maps are not finite; look for NaN or infinite "
                "values in its images"
            )
        progress.report(i + 1, len(cohort), "encoding cases")
        yield stack, latent, inside


def _digest(stack: ImageStack) -> bytes:
    return sha256(stack.data.tobytes()).digest()
