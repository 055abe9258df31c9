"""Lists and steps with little room."""

from __future__ import annotations

import pytest
from qtpy.QtGui import QFontMetrics
from qtpy.QtWidgets import QStylePainter

from napari_latentattr.widgets import text
from napari_latentattr.widgets.step_bar import STEPS, StepBar


@pytest.mark.parametrize(("width", "whole"), [(500, True), (120, False)])
def test_a_choice_without_room_ends_in_dots_and_its_tooltip_says_all(
    qtbot, monkeypatch, width, whole
) -> None:
    painted = []

    class Spy(QStylePainter):
        def drawControl(self, element, option) -> None:
            painted.append(option.currentText)
            super().drawControl(element, option)

    monkeypatch.setattr(text, "QStylePainter", Spy)
    choice = text.Choice("method", "How")
    qtbot.addWidget(choice)
    choice.addItem("Swap images between cases")
    choice.resize(width, 30)
    choice.grab()
    (said,) = set(painted)
    assert (said == choice.currentText()) == whole
    assert said.endswith("…") != whole
    assert QFontMetrics(choice.font()).horizontalAdvance(said) < width
    assert "Swap images between cases" in choice.toolTip()


@pytest.mark.parametrize("size", [9, 14])
@pytest.mark.parametrize("here", range(len(STEPS)))
def test_no_step_reaches_into_the_next(qtbot, size, here) -> None:
    """In a dock of the usual width nothing is painted where two steps meet, but for the line."""
    bar = StepBar()
    qtbot.addWidget(bar)
    font = bar.font()
    font.setPointSize(size)
    bar.setFont(font)
    bar.setCurrentIndex(here)
    bar.resize(408, bar.sizeHint().height())
    picture = bar.grab().toImage()
    for index in range(len(STEPS) - 1):
        edge = bar.tabRect(index).right()
        between = {
            picture.pixel(x, y) for x in (edge, edge + 1) for y in range(picture.height() - 6)
        }
        assert between == {picture.pixel(0, 0)}
