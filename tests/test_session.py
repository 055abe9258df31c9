"""What a session holds on to: the newest pictures and a few steps back, and no more."""

from __future__ import annotations

import gc
import weakref

import numpy as np
from tests.widgets.sessions import make_session, picture

from napari_latentattr.core.results import MOST_PICTURES
from napari_latentattr.core.so_far import RatiosSoFar
from napari_latentattr.session import Session


def add_pictures(session: Session, n: int) -> list[weakref.ref[np.ndarray]]:
    volumes = []
    for k in range(n):
        made = picture(session, which=k % 8, case=k // 8)
        volumes.append(weakref.ref(made.volume))
        session.keep(session.results.with_picture(made))
    del made
    gc.collect()
    return volumes


def test_a_picture_that_made_room_for_another_is_let_go() -> None:
    session = make_session()
    volumes = add_pictures(session, MOST_PICTURES + 6)
    assert session.can_undo
    assert [volume() is not None for volume in volumes] == [False] * 6 + [True] * MOST_PICTURES


def test_undo_brings_back_all_pictures_that_were_cleared() -> None:
    session = make_session()
    add_pictures(session, MOST_PICTURES)
    session.clear()
    assert not session.results.pictures
    assert session.undo()
    assert len(session.results.pictures) == MOST_PICTURES


def test_undo_brings_back_the_picture_that_a_new_one_replaced() -> None:
    session = make_session()
    add_pictures(session, MOST_PICTURES)
    first = next(iter(session.results.pictures.values()))
    session.keep(session.results.with_picture(picture(session, which=first.target.index)))
    assert session.results.pictures[first.key] is not first
    session.undo()
    assert session.results.pictures[first.key] is first


def test_a_result_takes_away_what_was_known_so_far() -> None:
    session = make_session()
    told: list[object] = []
    session.ratios_changed.connect(lambda: told.append(session.ratios))
    found = RatiosSoFar(np.zeros((8, 3)), "", done=1, of=3)
    session.show_ratios(found)
    session.show_ratios(found)
    session.keep(session.results)
    assert told == [found]
    assert session.ratios is None
