from __future__ import annotations

import pytest

from napari_latentattr.widgets.look_closer import LookCloser

from .sessions import make_session


@pytest.fixture
def make(qtbot, viewer_model):
    def made(n: int) -> LookCloser:
        closer = LookCloser(viewer_model, make_session(tuple("abcdefghijklm"[:n])))
        qtbot.addWidget(closer)
        closer.refresh()
        closer.show()
        return closer

    return made


def test_all_images_are_offered_where_side_by_side_leaves_some_out(make):
    closer = make(9)
    assert not closer.every.isVisible()
    closer.all.setChecked(True)
    assert closer.every.isVisible()
    assert closer.every.text() == "Show all 9 images"
    closer.every.click()
    assert closer.every.text() == "Show the strongest 6"
    closer.all.setChecked(False)
    assert not closer.every.isVisible()


def test_nothing_more_is_offered_where_all_images_are_shown(make):
    closer = make(8)
    closer.all.setChecked(True)
    assert not closer.every.isVisible()


def test_the_button_asks_for_all_images_and_takes_it_back(make, qtbot):
    closer = make(9)
    closer.all.setChecked(True)
    heard = []
    closer.every_image.connect(heard.append)
    closer.every.click()
    closer.every.click()
    assert heard == [True, False]


def test_another_study_starts_with_one_image(make):
    closer = make(9)
    closer.all.setChecked(True)
    closer.every.setChecked(True)
    closer._session.study_changed.emit()
    assert not closer.all.isChecked()
    assert not closer.every.isChecked()
