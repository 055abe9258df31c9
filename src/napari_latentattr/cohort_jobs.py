"""Commands on a session that ask about the cases, as in `jobs`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from napari_latentattr.core.case_sheet import CaseSheet
from napari_latentattr.core.clusters import Clusters, Layout
from napari_latentattr.core.progress import Progress
from napari_latentattr.core.types import Float32
from napari_latentattr.jobs import Job
from napari_latentattr.session import Session

# Cases a list.
SHOWN = 8


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


def find_cases(session: Session) -> Job[CaseSheet]:
    """Find and picture the cases that have most and least of the selected map."""
    study, which = session.opened(), session.selection.map

    def work(progress: Progress) -> CaseSheet:
        from napari_latentattr.retrieval.find import find_cases
        from napari_latentattr.retrieval.sheet import picture_cases

        found = find_cases(
            study.model, study.cohort, which, top=SHOWN, seed=study.seed, progress=progress
        )
        return picture_cases(found, study.cohort, progress=progress)

    def keep(sheet: CaseSheet) -> None:
        if session.study is study:
            session.remember("find_cases", sheet.found.provenance.seconds)
            session.keep(session.results.with_cases(sheet))

    text = f"Cases with most and least of map {which}"
    return Job(text, work, keep, seconds=find_seconds(session))


def find_seconds(session: Session) -> float | None:
    """How long `find_cases` should take; None before a pass was timed."""
    timed, one = session.took("find_cases"), session.pass_seconds
    return len(session.volumes) * one if timed is None and one is not None else timed


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
