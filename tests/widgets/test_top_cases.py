"""The view Top cases: empty states, lists, and one selection in both directions; no network."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from html import unescape

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication
from tests.retrieval.test_find import CHANNELS, model, planted

from napari_latentattr import Cohort, find_cases
from napari_latentattr.cohort.study import Study
from napari_latentattr.core.case_sheet import CaseSheet
from napari_latentattr.core.types import MapRef
from napari_latentattr.retrieval.sheet import picture_cases
from napari_latentattr.session import Opened, Session
from napari_latentattr.widgets.case_tile import CaseTile
from napari_latentattr.widgets.top_cases import TopCases

N = 12


@cache
def cohort() -> Cohort:
    x, *_ = planted(2, n=N)
    x[:, :, :4] -= 30
    return Cohort.from_arrays(x, channels=CHANNELS)


@cache
def sheet(which: int = 0) -> CaseSheet:
    return picture_cases(find_cases(model(2), cohort(), which, top=8), cohort())


def session_of(cases: Cohort) -> Session:
    session = Session()
    session.use(Opened(Study("s", None, model(2), cases, None, 0)))
    return session


@pytest.fixture
def part(qtbot) -> TopCases:
    made = TopCases(session_of(cohort()))
    qtbot.addWidget(made)
    made.resize(400, 600)
    made.show()
    return made


def show(part: TopCases, *sheets: CaseSheet) -> None:
    for one in sheets:
        part._session.keep(part._session.results.with_cases(one))
    QApplication.processEvents()


def names(part: TopCases, rows: str = "most") -> list[str]:
    return [said(tile)[0] for tile in getattr(part, rows).tiles if tile.isVisible()]


def said(tile: CaseTile) -> list[str]:
    text = unescape(tile.words._html).replace("<b>", "").replace("</b>", "")
    return text.split("<br>")


def test_before_cases_were_looked_for_there_is_a_question_and_one_button(part):
    assert "Which cases have most of map 0" in part.question.text()
    assert part.find.isVisible()
    assert not part.most.isVisible()
    part._session.pass_seconds = 2.0
    part.refresh()
    assert part.find.text() == f"Find cases  ~{2 * N} s"


def test_one_case_is_no_cohort_and_nothing_is_offered(qtbot):
    x, *_ = planted(2, n=1)
    part = TopCases(session_of(Cohort.from_arrays(x, channels=CHANNELS)))
    qtbot.addWidget(part)
    part.show()
    assert "One case is not a cohort" in part.question.text()
    assert not part.find.isVisible()


def test_eight_with_most_stand_above_four_that_are_called_random(part):
    show(part, sheet())
    assert names(part) == list(sheet().found.top.cases)
    assert names(part, "random") == list(sheet().found.random.cases[:4])
    assert "random" in part.random_words.text()
    assert part.title.text().count("Most of map 0") == 1
    sd = [float(said(tile)[1].removesuffix(" sd")) for tile in part.most.tiles]
    np.testing.assert_allclose(sd, sheet().found.in_sd("top"), atol=0.05)


def test_the_lowest_cases_take_their_place(part, qtbot):
    show(part, sheet())
    qtbot.mouseClick(part.lowest, Qt.MouseButton.LeftButton)
    assert names(part) == list(sheet().found.bottom.cases)
    assert "Least of map 0" in part.title.text()
    qtbot.mouseClick(part.lowest, Qt.MouseButton.LeftButton)
    assert names(part) == list(sheet().found.top.cases)


def test_pictures_follow_map_and_image(part):
    show(part, sheet(1), sheet(0))
    assert names(part) == list(sheet(0).found.top.cases)
    first = part.most.tiles[0].picture
    for image in (0, 1):
        part._session.select(channel=image)
        np.testing.assert_array_equal(first.image, sheet(0).views["top"][0].planes[image])
    part._session.select(map=1)
    assert names(part) == list(sheet(1).found.top.cases)
    part._session.select(map=2)
    assert not part.most.isVisible()
    assert "map 2" in part.question.text()


def test_a_click_or_a_key_asks_for_the_case_and_its_peak(part, qtbot):
    show(part, sheet())
    asked = []
    part.picked.connect(lambda case, voxel: asked.append((case, voxel)))
    qtbot.mouseClick(part.most.tiles[2].picture, Qt.MouseButton.LeftButton)
    picture = part.random.tiles[1].picture
    picture.setFocus()
    qtbot.keyClick(picture, Qt.Key.Key_Space)
    wanted = [sheet().views["top"][2], sheet().views["random"][1]]
    assert asked == [(cohort().cases.index(v.case), v.voxel) for v in wanted]
    assert part.most.tiles[2].picture.toolTip()
    assert part.most.tiles[2].picture.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_the_case_that_is_shown_is_framed(part):
    show(part, sheet())
    case = cohort().cases.index(sheet().found.top.cases[3])
    part._session.select(case=case)
    assert [t.picture.is_framed for t in part.most.tiles] == [i == 3 for i in range(8)]


def test_the_outcome_of_a_case_stands_below_it(qtbot, monkeypatch):
    session = session_of(cohort())
    session.study = replace(session.study, outcome_name="grade")
    monkeypatch.setattr(Cohort, "columns", ("grade",))
    monkeypatch.setattr(Cohort, "values", lambda self, name: [*"ab" * (N // 2)])
    part = TopCases(session)
    qtbot.addWidget(part)
    part.show()
    show(part, sheet())
    index = sheet().found.top.index
    assert [said(t)[2] for t in part.most.tiles] == [f"grade {'ab'[i % 2]}" for i in index]


def test_a_name_from_a_file_is_shown_literally(part):
    view = replace(sheet().views["top"][0], name="<b>x</b>")
    views = {**sheet().views, "top": (view, *sheet().views["top"][1:])}
    show(part, replace(sheet(), views=views))
    assert "&lt;b&gt;x" in part.most.tiles[0].words._html
    assert "&lt;b&gt;x" in part.most.tiles[0].picture.toolTip()


def test_fewer_cases_leave_no_empty_tiles_behind(part):
    few = picture_cases(find_cases(model(2), cohort(), 0, top=3), cohort())
    show(part, sheet(), few)
    assert len(names(part)) == 3
    assert len(names(part, "random")) == 3


def test_a_sheet_of_a_map_takes_the_place_of_an_earlier_one_and_can_be_undone(part):
    show(part, replace(sheet(), found=replace(sheet().found, target=MapRef("encoder", 1))), sheet())
    part._session.undo()
    QApplication.processEvents()
    assert part.question.isVisible()
