"""Commands on a session that ask about the cases, as in `jobs`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from napari_latentattr.core.clusters import Clusters, Layout
from napari_latentattr.core.progress import Progress
from napari_latentattr.core.types import Float32
from napari_latentattr.jobs import Job
from napari_latentattr.session import Session


def cluster(session: Session, layout: Layout) -> Job[Clusters]:
    """Look for groups of cases that look alike to the model."""
    study, cohort = session.opened(), session.volumes

    def work(progress: Progress) -> Clusters:
        from napari_latentattr.retrieval.cluster import cluster_cases

        outcomes = study.outcomes() if cohort is study.cohort else {}
        return cluster_cases(
            study.model,
            cohort,
            outcomes=outcomes,
            layout=layout,
            seed=study.seed,
            progress=progress,
        )

    def keep(found: Clusters) -> None:
        if session.study is study:
            session.keep(session.results.with_clusters(found))

    seconds = None if session.pass_seconds is None else len(cohort) * session.pass_seconds
    return Job(f"Looking for groups among {len(cohort)} cases", work, keep, seconds=seconds)


def picture_cases(
    session: Session, found: Clusters, take: Callable[[dict[int, Float32]], None]
) -> Job[dict[int, Float32]]:
    """Read the representative cases; `take` gets the middle slice of the first image of each."""
    study, cohort = session.opened(), session.volumes

    def work(progress: Progress) -> dict[int, Float32]:
        pictures = {}
        for done, i in enumerate(found.medoids.tolist()):
            data = cohort[cohort.cases.index(found.cases[i])].data[0]
            middle = data if data.ndim == 2 else data[len(data) // 2]
            pictures[i] = np.ascontiguousarray(middle)
            progress.report(done + 1, found.count, "representative cases")
        return pictures

    def keep(pictures: dict[int, Float32]) -> None:
        if session.study is study and session.results.clusters is found:
            take(pictures)

    return Job("Reading representative cases", work, keep)
