"""Jobs of the session that need no window."""

from __future__ import annotations

from tests.toy import linear_model, people

from napari_latentattr import jobs, methods
from napari_latentattr.cohort.study import Study
from napari_latentattr.core.progress import SILENT
from napari_latentattr.session import Opened, Session


def picture_of(key: str):
    session = Session()
    session.use(Opened(Study("s", None, linear_model(), people(), None, 0)))
    return jobs.attribute(session, methods()[key], {}).work(SILENT)


def test_a_picture_that_cannot_tell_images_apart_says_so_and_lies_over_each_of_them() -> None:
    found = picture_of("grad_cam")
    assert found.volume.shape == (3, 8, 8)
    assert (found.volume[0] == found.volume[2]).all()
    assert found.note == "one picture for all images: this method cannot tell them apart"


def test_a_picture_that_adds_up_says_how_well() -> None:
    assert picture_of("integrated_gradients").note.startswith("adds up within")
    assert picture_of("swaps").note == ""
