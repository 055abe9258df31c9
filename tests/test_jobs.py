"""Commands on a session, with a network but without a window."""

from __future__ import annotations

import numpy as np
import pytest
from tests.toy import CHANNELS, SIDE, linear_model, people, planes, skipping_model

from napari_latentattr import Cohort, jobs, methods, traverse
from napari_latentattr.cohort.study import Study
from napari_latentattr.core.progress import SILENT
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.session import Opened, Session


def session_of(model: LatentModel) -> Session:
    session = Session()
    session.use(Opened(Study("s", None, model, people(), None, 0)))
    session.select(map=2, case=3)
    return session


def test_a_traversal_of_what_is_selected_is_one_job_and_can_be_undone() -> None:
    session = session_of(linear_model())
    job = jobs.traverse(session, steps=3)
    assert job.text == f"Traversal of map 2 of {people().cases[3]}"
    job.keep(job.work(SILENT))
    kept = session.results.traversal
    cohort = people()
    expected = traverse(linear_model(), cohort[3], 2, cohort=cohort, steps=3)
    np.testing.assert_array_equal(kept.pictures, expected.pictures)
    assert session.undo()
    assert session.results.traversal is None


def test_a_traversal_of_a_study_that_was_left_is_not_kept() -> None:
    session = session_of(linear_model())
    job = jobs.traverse(session, steps=2)
    found = job.work(SILENT)
    session.use(Opened(Study("other", None, linear_model(), people(), None, 0)))
    job.keep(found)
    assert session.results.traversal is None


@pytest.mark.parametrize("key", ["main_effect", "shapley", "leave_one_out", "solo"])
def test_the_note_of_a_drawn_picture_tells_of_a_way_around_the_maps(key) -> None:
    session = session_of(skipping_model())
    picture = jobs.attribute(session, methods()[key], {}).work(SILENT)
    assert "around the latent maps (first)" in picture.note
    plain = jobs.attribute(session_of(linear_model()), methods()[key], {}).work(SILENT)
    assert plain.note == ""


def test_the_note_of_a_picture_of_where_does_not() -> None:
    session = session_of(skipping_model())
    picture = jobs.attribute(session, methods()["swaps"], {}).work(SILENT)
    assert picture.note == ""


def picture_of(key: str):
    session = session_of(linear_model())
    return jobs.attribute(session, methods()[key], {}).work(SILENT)


def test_a_picture_that_cannot_tell_images_apart_says_so_and_lies_over_each_of_them() -> None:
    found = picture_of("grad_cam")
    assert found.volume.shape == (3, 8, 8)
    assert (found.volume[0] == found.volume[2]).all()
    assert found.note == "one picture for all images: this method cannot tell them apart"


def test_a_picture_that_adds_up_says_how_well() -> None:
    assert picture_of("integrated_gradients").note.startswith("adds up within")
    assert picture_of("swaps").note == ""


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
