"""Groups of cases that look alike to the model, if there are any."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import get_args

import numpy as np

from napari_latentattr.core.broken import left_out
from napari_latentattr.core.clusters import Clusters, Difference, Layout
from napari_latentattr.core.errors import InputError
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import CaseSource, Float64, MapRef, Provenance
from napari_latentattr.core.versions import installed_versions
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel, over_volumes
from napari_latentattr.ranking.units import Int
from napari_latentattr.retrieval.axes import Axes, find_axes
from napari_latentattr.retrieval.differences import (
    Sides,
    compare_maps,
    compare_outcome,
    compare_values,
    correct,
    labels_without,
)
from napari_latentattr.retrieval.groups import find_groups, no_groups
from napari_latentattr.retrieval.layout import lay_out
from napari_latentattr.retrieval.partition import fewest_in_group
from napari_latentattr.retrieval.pooling import Pooled, pool_maps
from napari_latentattr.streaming.streaming import HERE, Streaming

PATIENTS = "patients"
FEWEST_PATIENTS = 12
_MOST_ALIKE = 3


def cluster_cases(
    model: LatentModel | SlicewiseModel,
    cohort: CaseSource,
    *,
    outcomes: Mapping[str, Sequence[object]] | None = None,
    layout: Layout = "pca",
    draws: int = 199,
    seed: int = 0,
    streaming: Streaming = HERE,
    progress: Progress = SILENT,
) -> Clusters:
    """Say which cases look alike to the model, with one typical case of each group.

    Each case is the mean of every map over its body. Groups are sought along the principal axes of
    the standardised maps, by Ward's tree and a mixture of normal groups of one shape; they are
    reported only when the valley between any two of them is deeper than in 95 % of simulated
    cohorts of one population (a bent gradient), and when they come back in resampled patients.
    Cases are what is grouped, not patients, since two visits of a patient may differ; but cases of
    one patient are as alike in the simulated cohorts as here, a group needs 3 patients, and every
    test has one value a patient.

    Parameters
    ----------
    model : LatentModel
    cohort : CaseSource
        Of 12 patients or more; of fewer, and of slices of one person, only the picture is given.
    outcomes : mapping of str to sequence of N values, optional
        Columns to compare between groups: numbers or names of classes; None where unknown.
    layout : {"pca", "tsne"}
        Of the picture. t-SNE changes no group.
    draws : int
        Simulated cohorts without groups.
    seed : int
    streaming : Streaming, optional
        As in `rank_maps`.

    Returns
    -------
    Clusters

    Raises
    ------
    InputError
        When there are not three cases, no map varies, or a parameter is not as it must be.
    ModelError
        When model and cohort do not fit.

    References
    ----------
    Liu et al., J Am Stat Assoc, 2008; Hennig, Comput Stat Data Anal, 2007; Celeux and Govaert,
    Comput Stat Data Anal, 1992.
    """
    began = time.perf_counter()
    _check(cohort, outcomes, layout, draws)
    fitted = over_volumes(model, cohort)
    pooled = pool_maps(fitted, cohort, streaming=streaming, progress=progress)
    axes = find_axes(pooled.maps)
    patient = _patients(cohort, pooled.index)
    why_not = _why_not(cohort, int(patient.max()) + 1)
    groups = (
        no_groups(axes.score)
        if why_not
        else find_groups(axes.score, patient, draws=draws, seed=seed, progress=progress)
    )
    found: list[Difference] = []
    if groups.medoids.size:
        maps = [str(MapRef(fitted.spec.layer, k)) for k in range(fitted.spec.n_maps)]
        sides = Sides(patient, groups.label)
        found = _differences(cohort, pooled, sides, maps, outcomes or {}, progress)
    return Clusters(
        cases=tuple(cohort.cases[i] for i in pooled.index),
        patients=tuple(cohort.patients[i] for i in pooled.index),
        labels=groups.label,
        outlier=groups.outlier,
        medoids=groups.medoids,
        embedding=lay_out(axes, layout, seed),
        layout=layout,
        explained=_first_two(axes),
        stability=groups.stability,
        patients_in=groups.patients_in,
        asked=not why_not,
        why_not=why_not,
        depth=groups.depth,
        null=groups.null,
        p=groups.p,
        n=int(patient.max()) + 1,
        unit_name=cohort.unit_name,
        activation=_in_sd(pooled.maps),
        alike=_alike(axes.score),
        differences=tuple(found),
        provenance=Provenance(
            method="cluster_cases",
            params={"layout": layout, "draws": draws, **left_out(pooled.broken)},
            seed=seed,
            model_sha256=fitted.spec.sha256,
            data_sha256=pooled.sha256,
            versions=installed_versions(fitted.spec.device),
            seconds=round(time.perf_counter() - began, 3),
        ),
    )


def _check(
    cohort: CaseSource,
    outcomes: Mapping[str, Sequence[object]] | None,
    layout: str,
    draws: int,
) -> None:
    if layout not in get_args(Layout):
        raise InputError(f"layout must be {' or '.join(get_args(Layout))}, got {layout!r}")
    if isinstance(draws, bool) or not isinstance(draws, int | np.integer) or draws < 19:
        raise InputError(
            f"draws must be a whole number of at least 19, so that p can reach 0.05; got {draws!r}"
        )
    if len(cohort) < 3:
        raise InputError(
            f"{len(cohort)} cases have no groups; add cases, at least {FEWEST_PATIENTS} patients"
        )
    for name, values in (outcomes or {}).items():
        if len(values) != len(cohort):
            raise InputError(
                f"outcome {name!r} has {len(values)} values, the cohort {len(cohort)} cases; give "
                "one a case"
            )


def _why_not(cohort: CaseSource, n: int) -> str:
    """Reason why no groups are sought; empty when they are."""
    if cohort.unit_name != PATIENTS:
        return f"the cases are {cohort.unit_name}, and groups of cases need many people."
    if n < FEWEST_PATIENTS:
        return (
            f"{n} patients are too few to tell groups from chance; "
            f"it takes at least {FEWEST_PATIENTS}."
        )
    return ""


def _patients(cohort: CaseSource, index: Sequence[int]) -> Int:
    """Count the independent units from 0, and say which each case belongs to."""
    names = [cohort.units[i] for i in index]
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _first_two(axes: Axes) -> tuple[float, float]:
    first, second = np.pad(axes.explained, (0, 1))[:2]
    return float(first), float(second)


def _in_sd(values: Float64) -> Float64:
    spread = values.std(axis=0)
    return np.asarray((values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0))


def _alike(score: Float64) -> Int:
    """Positions of the cases nearest to each, without itself."""
    most = min(_MOST_ALIKE, len(score) - 1)
    rows = []
    for place in score:
        distance = ((score - place) ** 2).sum(axis=1)
        rows.append(np.argsort(distance, kind="stable")[: most + 1])
    return np.array(
        [[j for j in row if j != i][:most] for i, row in enumerate(rows)], dtype=np.int64
    )


def _differences(
    cohort: CaseSource,
    pooled: Pooled,
    sides: Sides,
    maps: Sequence[str],
    outcomes: Mapping[str, Sequence[object]],
    progress: Progress,
) -> list[Difference]:
    """Compare the groups in maps, images and outcomes, each kind corrected by itself."""
    count = int(sides.label.max()) + 1
    others = labels_without(
        pooled.maps,
        sides.label,
        least=fewest_in_group(len(pooled.maps)),
        report=lambda done, total: progress.report(done, total, "what sets the groups apart"),
    )
    found = correct(
        compare_maps(maps, pooled.maps, sides, others),
        f"{count} groups x {len(maps)} maps, each between groups made by the other maps",
    )
    images = pooled.images
    found += correct(
        compare_values("image", cohort.channels, images, [sides] * images.shape[1]),
        f"{count} groups x {images.shape[1]} images",
    )
    said = [
        one
        for name, values in outcomes.items()
        for one in compare_outcome(name, [values[i] for i in pooled.index], sides)
    ]
    found += correct(said, f"{len(said)} comparisons of {count} groups by outcome")
    order = {"map": 0, "image": 1, "outcome": 2}
    return sorted(
        found, key=lambda d: (d.cluster, order[d.kind], np.nan_to_num(d.q, nan=2), -abs(d.estimate))
    )
