"""The verdict beside a picture: offered, shown with shape and words, and drawn as it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QFont, QImage, QPainter
from tests.core.test_sanity import checked, curve

from napari_latentattr.core.types import Provenance
from napari_latentattr.widgets.check_part import HEADLINES, CheckPart
from napari_latentattr.widgets.curve_chart import CurveChart, curve_points, curve_words, paint_curve
from napari_latentattr.widgets.lettering import without_breaks
from napari_latentattr.widgets.map_rows import MAP, MapRows
from napari_latentattr.widgets.palette import Colours

from .sessions import make_session, picture

VERDICTS = {"supported": (0.1,), "undecided": (0.1, 0.9), "not supported": (0.9, 0.95)}


@pytest.fixture
def session():
    return make_session()


def check_of(shown, *similar: float):
    params = {**shown.provenance.params, "method": shown.method}
    made = Provenance("check", params)
    return replace(
        checked(*similar), target=shown.target, case=shown.case, method=shown.method,
        provenance=made,
    )  # fmt: skip


@pytest.fixture
def part(qtbot, session):
    made = CheckPart(session)
    qtbot.addWidget(made)
    made.show()
    return made


def test_a_picture_that_was_not_checked_is_offered_to_be_with_the_time_it_takes(
    part, session, qtbot
):
    shown = picture(session)
    session.pass_seconds = 0.1
    part.show_picture(shown)
    assert part.button.text() == "Check this picture  ~24 s"
    assert not part.pill.isVisible()
    with qtbot.waitSignal(part.wanted) as heard:
        part.button.click()
    assert heard.args == [shown]


def test_without_a_picture_nothing_is_offered(part):
    part.show_picture(None)
    assert not part.isVisible()


@pytest.mark.parametrize(("verdict", "similar"), VERDICTS.items())
def test_the_verdict_is_said_in_words_beside_its_shape(part, session, verdict, similar):
    shown = picture(session)
    found = check_of(shown, *similar)
    session.results = session.results.with_check(found)
    part.show_picture(shown)
    assert found.verdict == verdict
    assert part.pill.accessibleName() == HEADLINES[verdict]
    assert part.words.isVisible()
    assert found.sentence()[:60] in without_breaks(part.words.text())
    assert not part.button.isVisible()
    other = replace(shown, provenance=Provenance("occlusion", {"patch": 4.0}))
    part.show_picture(other)
    assert part.button.isVisible()
    assert not part.pill.isVisible()


@pytest.mark.parametrize(("verdict", "similar"), VERDICTS.items())
def test_the_table_of_maps_knows_the_newest_verdict_of_each_map(session, verdict, similar):
    rows = MapRows(session)
    shown = picture(session, which=4)
    assert rows.check(4) == ""
    assert not rows.any_checked
    assert rows.data(rows.index(4, MAP), Qt.ItemDataRole.ToolTipRole) is None
    session.results = session.results.with_check(check_of(shown, *similar))
    assert [rows.check(k) for k in (3, 4)] == ["", verdict]
    assert f"{verdict} (similarity" in rows.data(rows.index(4, MAP), Qt.ItemDataRole.ToolTipRole)
    spoken = rows.data(rows.index(4, MAP), Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == f"4, picture {verdict}"


def test_a_curve_begins_at_the_lower_left_and_ends_with_the_whole_move() -> None:
    rect, shown = QRectF(10, 20, 60, 120), curve(0.5)
    points = curve_points(rect, shown, shown.moved)
    assert (points[0].x(), points[0].y()) == (10, 140)
    assert points[-1].x() == 70
    assert points[-1].y() == pytest.approx(140 - 120 / 1.2)
    still = replace(shown, moved=np.zeros(3))
    assert {p.y() for p in curve_points(rect, still, still.moved)} == {140}


def test_the_curve_is_painted_in_its_colour_above_random_orders(qapp) -> None:
    image = QImage(240, 160, QImage.Format.Format_RGB32)
    image.fill(0)
    colours = Colours.of(qapp.palette())
    painter = QPainter(image)
    paint_curve(painter, QRectF(image.rect()), "deletion", curve(0.5), colours, QFont())
    painter.end()
    wanted = np.array(QColor(colours.drives).getRgb()[:3])
    line = np.array(
        [(x, y) for x in range(240) for y in range(160)
         if np.abs(np.array(image.pixelColor(x, y).getRgb()[:3]) - wanted).max() < 50]
    )  # fmt: skip
    assert len(line) > 60
    assert np.ptp(line[:, 0]) > 150


def test_the_chart_says_its_numbers_and_a_map_that_nothing_moves_has_none(qtbot) -> None:
    chart = CurveChart()
    qtbot.addWidget(chart)
    still = replace(curve(), moved=np.zeros(3), random=np.zeros((19, 3)))
    found = checked(0.1, deletion=still)
    chart.set_check(found)
    assert "deletion: nothing moves the map" in chart.accessibleDescription()
    assert "insertion: 0.20 of the whole move ahead of 19 random orders, p = 0.05" in curve_words(
        found
    )
    chart.grab()
    chart.set_check(None)
    assert chart.toolTip() == ""
