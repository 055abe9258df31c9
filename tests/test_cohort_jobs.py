"""Questions about the cases, with a network but without a window."""

from __future__ import annotations

from tests.io.test_record_reading import assert_same
from tests.toy import linear_model, people, volumes

from napari_latentattr import cohort_jobs, find_cases
from napari_latentattr.cohort.study import Study
from napari_latentattr.core.progress import SILENT
from napari_latentattr.session import Opened, Session


def session_of(cohort) -> Session:
    session = Session()
    session.use(Opened(Study("s", None, linear_model(), cohort, None, 4)))
    session.select(map=2)
    return session


def test_cases_with_most_of_the_selected_map_are_found_with_the_seed_of_the_study() -> None:
    session = session_of(people())
    session.pass_seconds = 0.5
    job = cohort_jobs.find_cases(session)
    assert job.text == "Cases with most and least of map 2"
    assert job.seconds == 6 * 0.5
    job.keep(job.work(SILENT))
    expected = find_cases(linear_model(), people(), 2, top=cohort_jobs.SHOWN, seed=4)
    for name, listed in expected.lists.items():
        assert_same(session.case_sheet.found.lists[name], listed)
    assert cohort_jobs.find_seconds(session) == session.case_sheet.found.provenance.seconds
    session.select(map=1)
    assert session.case_sheet is None
    assert session.undo()
    assert not session.results.cases


def test_slices_of_one_person_are_cases_that_open_their_volume() -> None:
    whole = volumes(patients=False)
    session = session_of(whole.by_slice("axial"))
    job = cohort_jobs.find_cases(session)
    job.keep(job.work(SILENT))
    views = session.case_sheet.views["top"]
    assert {view.case for view in views} == set(session.volumes.cases)
    for view in views:
        assert view.name == f"{view.case}_z{int(view.voxel[0]):03d}"


def test_cases_of_a_study_that_was_left_are_not_kept() -> None:
    session = session_of(people())
    job = cohort_jobs.find_cases(session)
    found = job.work(SILENT)
    session.use(Opened(Study("other", None, linear_model(), people(), None, 0)))
    job.keep(found)
    assert not session.results.cases
