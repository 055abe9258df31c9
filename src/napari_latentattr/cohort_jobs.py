"""Commands on a session that ask about the cases, as in `jobs`."""

from __future__ import annotations

from napari_latentattr.core.clusters import Clusters, Layout
from napari_latentattr.core.progress import Progress
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
