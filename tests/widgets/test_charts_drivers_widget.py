from __future__ import annotations

from math import nan

import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtWidgets import QWidget

from napari_latentattr.widgets.driver_rows import DriverRow, row_lines
from napari_latentattr.widgets.drivers_chart import DriversChart
from napari_latentattr.widgets.lettering import tooltip

WIDTH = 400
TAU = 0.03


def row(name: str = "T2", ratio: float = 0.6, verdict: str = "drives", **other) -> DriverRow:
    numbers = {"low": 0.8 * ratio, "high": 1.2 * ratio, "q": 0.01, "p": 0.004}
    return DriverRow(name, ratio, verdict=verdict, **{**numbers, **other})


def every_verdict() -> list[DriverRow]:
    found = (0.6, "drives"), (0.04, "undecided"), (0.01, "negligible"), (0, "no dependence found")
    names = ("T2", "PD", "PET", "SPECT")
    return [row(n, r, v) for n, (r, v) in zip(names, found, strict=True)]


def shown(qtbot, rows, **how) -> DriversChart:
    chart = DriversChart()
    qtbot.addWidget(chart)
    chart.set_rows(rows, TAU, **how)
    chart.resize(WIDTH, chart.sizeHint().height())
    chart.show()
    return chart


RISING = [row("PD", 0.1), row("T1", 0.3), row("T2", 0.6)]


def test_a_click_names_the_row_as_it_was_given(qtbot):
    chart = shown(qtbot, RISING)
    assert chart.row_rect(2).top() < chart.row_rect(1).top() < chart.row_rect(0).top()
    with qtbot.waitSignal(chart.image_clicked) as clicked:
        qtbot.mouseClick(chart, Qt.MouseButton.LeftButton, pos=chart.row_rect(0).center().toPoint())
    assert clicked.args == [0]


def test_a_click_beside_the_rows_names_nothing(qtbot):
    chart = shown(qtbot, RISING)
    with qtbot.assertNotEmitted(chart.image_clicked):
        qtbot.mouseClick(chart, Qt.MouseButton.LeftButton, pos=QPoint(100, 3))
        qtbot.mouseClick(
            chart, Qt.MouseButton.RightButton, pos=chart.row_rect(0).center().toPoint()
        )


def test_arrows_walk_down_the_drawn_rows_and_enter_chooses(qtbot):
    chart = shown(qtbot, RISING)
    heard = []
    chart.image_clicked.connect(heard.append)
    qtbot.keyClick(chart, Qt.Key.Key_Return)
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Up):
        qtbot.keyClick(chart, key)
    assert heard == [2]
    qtbot.keyClick(chart, Qt.Key.Key_Space)
    assert heard == [2, 1]


def test_an_alt_arrow_is_left_to_the_window(qtbot):
    chart = shown(qtbot, RISING)
    heard = []
    chart.image_clicked.connect(heard.append)
    qtbot.keyClick(chart, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    qtbot.keyClick(chart, Qt.Key.Key_Return)
    assert heard == [2]


def test_the_selected_row_is_highlighted_and_nobody_is_told(qtbot):
    chart = shown(qtbot, RISING)
    spot = (chart.row_rect(1).topLeft() + QPointF(3, 15)).toPoint()
    before = chart.grab().toImage().pixelColor(spot).name()
    with qtbot.assertNotEmitted(chart.image_clicked):
        chart.set_selected(1)
    assert chart.grab().toImage().pixelColor(spot).name() != before
    chart.set_selected(-1)
    assert chart.grab().toImage().pixelColor(spot).name() == before


def test_a_tooltip_gives_exact_numbers_and_shows_names_literally(qtbot):
    chart = shown(qtbot, [row("<b>T1</b> & T2", 0.612)], basis="24 patients")
    said = chart.tooltip_at(chart.row_rect(0).center())
    for words in (
        "&lt;b&gt;T1&lt;/b&gt; &amp; T2",
        "0.612",
        "0.49 to 0.734",
        "q = 0.010",
        "24 pat",
    ):
        assert words in said
    assert Qt.mightBeRichText(said)
    assert chart.tooltip_at(QPointF(5, 1)) == ""


def test_rows_without_interval_or_p_value_say_so():
    few = row(low=nan, high=nan, q=nan, p=nan, verdict="undecided")
    lines = row_lines(few, TAU, "")
    assert "no interval below 6 independent units" in lines[1]
    assert not any("q " in line for line in lines)
    assert tooltip(["a < b"]) == "<qt>a &lt; b</qt>"


def test_type_follows_the_labels_of_the_window(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    chart = DriversChart(window)
    chart.set_rows(RISING, TAU)
    heights = []
    for size in (9, 14):
        window.setStyleSheet(f"QLabel {{ font-size: {size}pt; }}")
        heights.append(chart.sizeHint().height())
    assert heights[1] / heights[0] == pytest.approx(14 / 9, rel=0.1)
    assert chart.minimumSizeHint().width() <= 400


def test_a_screen_reader_hears_all_rows(qtbot):
    chart = shown(qtbot, every_verdict())
    assert chart.accessibleName()
    assert chart.accessibleDescription().startswith("T2: drives, ratio 0.6, 95 % 0.48 to 0.72; PD")
    assert chart.focusPolicy() == Qt.FocusPolicy.StrongFocus


def test_a_name_that_is_too_long_for_the_chart_is_whole_in_the_tooltip(qtbot):
    name = "apparent diffusion coefficient after registration"
    chart = shown(qtbot, [row(name)])
    assert name in chart.tooltip_at(chart.row_rect(0).center())
