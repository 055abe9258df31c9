"""Commands on a session, with a network but without a window."""

from __future__ import annotations

import numpy as np
import pytest
from tests.toy import CHANNELS, SIDE, linear_model, planes

from napari_latentattr import Cohort, jobs
from napari_latentattr.cohort.study import Study
from napari_latentattr.core.progress import SILENT
from napari_latentattr.session import Opened, Session


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (4, 2)])
def test_a_ranking_leaves_one_core_to_the_window(monkeypatch, cores, threads) -> None:
    efforts = []
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    monkeypatch.setattr(
        "napari_latentattr.ranking.rank.rank_maps", lambda *_, effort, **__: efforts.append(effort)
    )
    session = Session()
    region = {"left": np.ones((6, SIDE, SIDE), dtype=bool)}
    cohort = Cohort.from_arrays(planes(), channels=CHANNELS, labels=region)
    session.use(Opened(Study("s", None, linear_model(), cohort, "left", 0)))
    jobs.rank(session).work(SILENT)
    assert [effort.threads for effort in efforts] == [threads]


def test_images_are_told_before_the_latent_maps_and_only_while_they_are_looked_at() -> None:
    session, seen = Session(), []
    cohort = Cohort.from_arrays(planes(), channels=CHANNELS)
    session.use(Opened(Study("s", None, linear_model(), cohort, None, 0)))
    session.images_read.connect(lambda stack: seen.append(stack.case))
    session.select(case=2)
    first, second = jobs.encode(session), jobs.encode(session)
    for job in (first, second):
        assert job.look is not None
        job.look()
        assert session.latents is None
    assert seen == []  # nothing was read yet
    first.work(SILENT)
    first.look()
    first.look()
    assert seen == [cohort.cases[2]]
    second.work(SILENT)
    session.select(case=1)
    second.look()
    assert seen == [cohort.cases[2]]
