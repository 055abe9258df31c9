from __future__ import annotations

import pytest
from qtpy.QtCore import QTimer

from napari_latentattr.widgets.turns import Turns


@pytest.fixture
def turns(qapp):
    made = Turns()
    yield made
    made.stop()


def counting(seen, n=3, name=""):
    for i in range(n):
        seen.append(f"{name}{i}")
        yield


def test_the_window_gets_its_turn_between_two_steps(turns, qtbot):
    seen = []

    def steps():
        for i in range(3):
            QTimer.singleShot(0, lambda: seen.append("window"))
            seen.append(i)
            yield

    turns.start(steps())
    assert seen == []
    assert turns.busy
    qtbot.waitUntil(lambda: not turns.busy)
    qtbot.waitUntil(lambda: seen.count("window") == 3)
    assert [one for one in seen if one != "window"] == [0, 1, 2]
    assert seen.index("window") < seen.index(1)


def test_all_at_once_is_done_on_return(turns):
    seen = []
    turns.start(counting(seen), at_once=True)
    assert seen == ["0", "1", "2"]
    assert not turns.busy


@pytest.mark.parametrize("at_once", [True, False])
def test_new_steps_take_the_place_of_those_that_are_left(turns, qtbot, at_once):
    seen = []
    turns.start(counting(seen, name="old"))
    turns.start(counting(seen, name="new"), at_once=at_once)
    qtbot.waitUntil(lambda: not turns.busy)
    qtbot.wait(20)
    assert seen == ["new0", "new1", "new2"]


def test_steps_may_start_others(turns, qtbot):
    seen = []

    def steps():
        turns.start(counting(seen, name="other"))
        yield
        seen.append("never")

    turns.start(steps())
    qtbot.waitUntil(lambda: not turns.busy)
    assert seen == ["other0", "other1", "other2"]


def test_after_a_failure_nothing_is_left(turns, qtbot):
    def steps():
        yield
        raise RuntimeError("the unforeseen")

    with qtbot.captureExceptions() as caught:
        turns.start(steps())
        qtbot.waitUntil(lambda: not turns.busy)
    assert [str(error) for _, error, _ in caught] == ["the unforeseen"]


def test_what_was_stopped_does_not_go_on(turns, qtbot):
    seen = []
    turns.start(counting(seen))
    turns.stop()
    qtbot.wait(20)
    assert seen == []
    assert not turns.busy
