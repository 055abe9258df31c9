"""Pictures, checks and traversals of what is selected, with a network but without a window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.toy import (
    CHANNELS,
    SIDE,
    linear_model,
    people,
    planes,
    rectified_model,
    skipping_model,
    volumes,
)

from napari_latentattr import Cohort, attribute, check, maximise, methods, picture_jobs, traverse
from napari_latentattr.cohort.study import Study
from napari_latentattr.core.errors import GridMismatchError, InputError
from napari_latentattr.core.open_image import OpenImage
from napari_latentattr.core.place import WHOLE, Place
from napari_latentattr.core.progress import SILENT
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.session import Latents, Opened, Session


def session_of(model: LatentModel) -> Session:
    session = Session()
    session.use(Opened(Study("s", None, model, people(), None, 0)))
    session.select(map=2, case=3)
    return session


def test_a_traversal_of_what_is_selected_is_one_job_and_can_be_undone() -> None:
    session = session_of(linear_model())
    job = picture_jobs.traverse(session, steps=3)
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
    job = picture_jobs.traverse(session, steps=2)
    found = job.work(SILENT)
    session.use(Opened(Study("other", None, linear_model(), people(), None, 0)))
    job.keep(found)
    assert session.results.traversal is None


def test_what_excites_the_map_is_one_job_with_a_preview_and_can_be_undone() -> None:
    session = session_of(linear_model())
    job = picture_jobs.imagine(session, toward="low")
    assert job.text == "Making up what excites map 2"
    job.look()
    assert session.preview is None
    found = job.work(SILENT)
    job.look()
    assert session.preview[0] == 2
    assert session.preview[1].shape == (3, SIDE, SIDE)
    job.keep(found)
    assert session.preview is None
    expected = maximise(linear_model(), 2, cohort=people(), toward="low")
    np.testing.assert_array_equal(session.made_up.found.pictures, expected.pictures)
    assert picture_jobs.imagine_seconds(session) == found.found.provenance.seconds
    assert session.undo()
    assert session.made_up is None


def test_what_was_made_up_for_a_study_that_was_left_is_neither_shown_nor_kept() -> None:
    session = session_of(linear_model())
    job = picture_jobs.imagine(session)
    found = job.work(SILENT)
    session.use(Opened(Study("other", None, linear_model(), people(), None, 0)))
    job.look()
    job.keep(found)
    assert session.preview is None
    assert not session.results.made_up


def test_a_made_up_slice_takes_a_share_of_what_a_volume_would() -> None:
    cohort = volumes(patients=False)
    seconds = []
    for cases in (cohort, cohort.by_slice("axial")):
        session = Session()
        session.use(Opened(Study("s", None, linear_model(), cases, None, 0)))
        assert picture_jobs.imagine_seconds(session) is None
        stack = cohort[0]
        session.latents = Latents(stack.case, stack, np.zeros((4, 5, 4, 4)), linear_model().spec)
        session.pass_seconds = 1.0
        seconds.append(picture_jobs.imagine_seconds(session))
    whole, slice_ = seconds
    assert whole - slice_ == pytest.approx(0.8 * (whole - 3))


@pytest.mark.parametrize("key", ["main_effect", "shapley", "leave_one_out", "solo"])
def test_the_note_of_a_drawn_picture_tells_of_a_way_around_the_maps(key) -> None:
    session = session_of(skipping_model())
    picture = picture_jobs.attribute(session, methods()[key], {}).work(SILENT)
    assert "around the latent maps (first)" in picture.note
    plain = picture_jobs.attribute(session_of(linear_model()), methods()[key], {}).work(SILENT)
    assert plain.note == ""


def test_the_note_of_a_picture_of_where_does_not() -> None:
    session = session_of(skipping_model())
    picture = picture_jobs.attribute(session, methods()["swaps"], {}).work(SILENT)
    assert picture.note == ""


def picture_of(key: str):
    session = session_of(linear_model())
    return picture_jobs.attribute(session, methods()[key], {}).work(SILENT)


def test_a_picture_that_cannot_tell_images_apart_says_so_and_lies_over_each_of_them() -> None:
    found = picture_of("grad_cam")
    assert found.volume.shape == (3, 8, 8)
    assert (found.volume[0] == found.volume[2]).all()
    assert found.note == "one picture for all images: this method cannot tell them apart"


def test_a_picture_that_adds_up_says_how_well() -> None:
    assert picture_of("integrated_gradients").note.startswith("adds up within")
    assert picture_of("swaps").note == ""


CORNER = np.zeros((SIDE, SIDE), dtype=bool)
CORNER[:4, :4] = True


def labelled_session(model: LatentModel | None = None) -> Session:
    """Six people; the upper left quarter is labelled in each."""
    labels = {"corner": np.broadcast_to(CORNER, (6, SIDE, SIDE))}
    cohort = Cohort.from_arrays(planes(), channels=CHANNELS, labels=labels)
    session = Session()
    session.use(Opened(Study("s", None, model or linear_model(), cohort, None, 5)))
    session.select(map=2, case=3)
    return session


def painted(session: Session, voxels: np.ndarray = CORNER) -> OpenImage:
    return OpenImage("painted", voxels.astype(np.uint8), session.volumes[3].grid)


@pytest.mark.parametrize(
    ("place", "asked"),
    [
        (WHOLE, {}),
        (Place(region="corner"), {"region": "corner"}),
        (Place(layer="painted"), {"region": CORNER}),
        (Place(latent=(1, 2)), {"voxel": (1, 2)}),
    ],
)
def test_a_picture_and_its_check_are_of_the_part_that_was_asked(place, asked) -> None:
    session = labelled_session()
    labels = painted(session) if place.layer else None
    job = picture_jobs.attribute(session, methods()["swaps"], {}, place=place, labels=labels)
    job.keep(job.work(SILENT))
    session.select(place=place)
    shown = session.picture("where")
    question = {"method": "swaps", "cohort": session.opened().cohort, "seed": 5, **asked}
    expected = attribute(linear_model(), session.volumes[3], 2, **question)
    np.testing.assert_array_equal(shown.volume, expected.volume)
    of = "" if place.is_whole else f" ({place})"
    assert job.text.endswith(f": map 2{of} of {session.volumes.cases[3]}")

    assert session.results.check_of(shown) is None
    job = picture_jobs.check(session, shown, labels=labels)
    job.keep(job.work(SILENT))
    found = session.results.check_of(shown)
    same = check(linear_model(), session.volumes[3], 2, **question)
    np.testing.assert_array_equal(found.similarity, same.similarity)
    np.testing.assert_array_equal(found.deletion.moved, same.deletion.moved)
    assert session.undo()
    assert session.results.check_of(shown) is None


def test_a_check_asks_with_the_parameters_of_the_picture() -> None:
    session = labelled_session()
    job = picture_jobs.attribute(session, methods()["swaps"], {"donors": 2})
    job.keep(job.work(SILENT))
    shown = session.picture("where")
    found = picture_jobs.check(session, shown).work(SILENT)
    assert found.provenance.params["donors"] == 2
    assert session.results.with_check(found).check_of(shown) is found


@pytest.mark.parametrize("key", [k for k, m in methods().items() if m.view == "where"])
def test_the_picture_of_every_method_finds_its_check(key) -> None:
    session = labelled_session(rectified_model())
    shown = picture_jobs.attribute(session, methods()[key], {}).work(SILENT)
    found = picture_jobs.check(session, shown).work(SILENT)
    assert session.results.with_check(found).check_of(shown) is found


def test_labels_that_are_not_open_or_lie_elsewhere_are_refused() -> None:
    session, place = labelled_session(), Place(layer="painted")
    job = picture_jobs.attribute(session, methods()["swaps"], {}, place=place)
    with pytest.raises(InputError, match="layer painted is not open any more"):
        job.work(SILENT)
    moved = replace(painted(session), data=np.ones((4, 4)))
    job = picture_jobs.attribute(session, methods()["swaps"], {}, place=place, labels=moved)
    with pytest.raises(GridMismatchError, match="lie on another grid than the images"):
        job.work(SILENT)


def test_a_picture_of_labels_that_were_painted_on_since_is_not_checked() -> None:
    session, place = labelled_session(), Place(layer="painted")
    method = methods()["swaps"]
    labels = painted(session)
    shown = picture_jobs.attribute(session, method, {}, place=place, labels=labels).work(SILENT)
    with pytest.raises(InputError, match="layer painted was painted on since"):
        picture_jobs.check(session, shown, labels=painted(session, ~CORNER)).work(SILENT)


def test_a_second_check_is_timed_by_the_first() -> None:
    session = labelled_session()
    job = picture_jobs.attribute(session, methods()["grad_cam"], {})
    job.keep(job.work(SILENT))
    shown = session.picture("where")
    job = picture_jobs.check(session, shown)
    found = job.work(SILENT)
    job.keep(found)
    assert picture_jobs.check(session, shown).seconds == found.provenance.seconds


def test_undo_brings_back_the_last_traversal_and_no_older_one() -> None:
    session = session_of(linear_model())
    found = []
    for steps in (2, 3, 4):
        job = picture_jobs.traverse(session, steps)
        found.append(job.work(SILENT))
        job.keep(found[-1])
    assert session.traversal is found[2]
    session.select(map=1)
    assert session.traversal is None
    session.select(map=2)
    session.undo()
    assert session.traversal is found[1]
    session.undo()
    assert session.traversal is None
