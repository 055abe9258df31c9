from __future__ import annotations

from itertools import combinations
from math import nan

import numpy as np
import pytest
from qtpy.QtCore import QRectF
from qtpy.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPalette
from qtpy.QtWidgets import QApplication

from napari_latentattr.core.types import Gate
from napari_latentattr.widgets.dial import (
    EntanglementDial,
    dial_x,
    entanglement_sentence,
    paint_dial,
)
from napari_latentattr.widgets.gate_chart import GateChart, gate_axis, gate_words, paint_gate
from napari_latentattr.widgets.importance_bar import importance_x, paint_importance
from napari_latentattr.widgets.palette import Colours

NULL = tuple(np.random.default_rng(0).normal(0.5, 0.07, 199).clip(0, 1).tolist())
PASSED = Gate(0.83, NULL, 0.005, True)
COLOURS = Colours.of(QPalette(QColor("#23242b")))


class Recorder(QPainter):
    def __init__(self, device: QImage) -> None:
        super().__init__(device)
        self.texts: list[tuple[QRectF, str, float]] = []

    def drawText(self, rect: QRectF, flags: int, text: str) -> None:
        advance = QFontMetricsF(self.font()).horizontalAdvance(text)
        self.texts.append((QRectF(rect), text, advance))
        super().drawText(rect, flags, text)


def painted(paint, width: int, height: int):
    """Image on a dark ground, and its texts."""
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor(COLOURS.background))
    painter = Recorder(image)
    paint(painter, QRectF(0, 0, width, height))
    painter.end()
    return image, painter.texts


def columns(image: QImage, y: int, colour: str, tolerance: int = 20) -> list[int]:
    """Pixels of a row that have a colour."""
    wanted = QColor(colour).getRgb()[:3]

    def alike(x: int) -> bool:
        pairs = zip(image.pixelColor(x, y).getRgb()[:3], wanted, strict=True)
        return all(abs(a - b) <= tolerance for a, b in pairs)

    return [x for x in range(image.width()) if alike(x)]


def font(size: int) -> QFont:
    face = QFont(QApplication.font())
    face.setPointSize(size)
    return face


@pytest.mark.parametrize("auc", [0.55, 0.71, 0.83, 1.0])
def test_the_own_line_stands_at_the_auc(qapp, auc):
    gate = Gate(auc, NULL, 0.01, True)
    face = font(9)
    image, _ = painted(lambda p, r: paint_gate(p, r, gate, COLOURS, face), 400, 150)
    axis = gate_axis(QRectF(0, 0, 400, 150), gate, face)
    found = columns(image, 60, COLOURS.drives)
    assert np.mean(found) == pytest.approx(axis.x(auc), abs=2)
    half = (axis.x(1.0) - axis.x(axis.low)) / (1 - axis.low) * (auc - axis.low)
    assert axis.x(auc) == pytest.approx(axis.left + half)


def test_the_own_line_of_a_gate_that_did_not_pass_is_not_in_the_colour_of_drivers(qapp):
    gate = Gate(0.55, NULL, 0.3, False)
    face = font(9)
    image, _ = painted(lambda p, r: paint_gate(p, r, gate, COLOURS, face), 400, 150)
    assert columns(image, 60, COLOURS.not_supported)
    assert not columns(image, 60, COLOURS.drives)


def test_bars_are_as_tall_as_their_counts(qapp):
    null = (0.51,) * 10 + (0.71,) * 5
    gate = Gate(0.9, null, 0.06, True)
    face = font(9)
    image, _ = painted(lambda p, r: paint_gate(p, r, gate, COLOURS, face), 400, 200)
    axis = gate_axis(QRectF(0, 0, 400, 200), gate, face)
    tall = []
    for auc in (0.508, 0.706):
        x = round(axis.x(auc))
        tall.append(sum(x in columns(image, y, COLOURS.negligible) for y in range(200)))
    assert tall[0] > 50
    assert tall[0] / tall[1] == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize("size", [9, 14])
@pytest.mark.parametrize("auc", np.linspace(0.3, 1.0, 15).round(3).tolist())
def test_labels_of_the_gate_never_overlap_and_stay_inside(qapp, size, auc):
    gate = Gate(auc, NULL, 0.01, auc > 0.7)
    face = font(size)
    width, height = 380, round(10 * QFontMetricsF(face).height())
    _, texts = painted(lambda p, r: paint_gate(p, r, gate, COLOURS, face), width, height)
    boxes = []
    for rect, text, advance in texts:
        assert "…" not in text
        assert advance <= rect.width()
        assert rect.left() >= -0.5
        assert rect.right() <= width + 0.5
        boxes.append(rect.adjusted(0.1, 0.1, -0.1, -0.1))
    assert not any(a.intersects(b) for a, b in combinations(boxes, 2))
    label = next(r for r, text, _ in texts if text.startswith("95 %"))
    own = gate_axis(QRectF(0, 0, width, height), gate, face).x(auc)
    assert own < label.left() or own > label.right()


def test_the_gate_is_told_in_words(qtbot):
    chart = GateChart()
    qtbot.addWidget(chart)
    chart.set_gate(PASSED)
    limit = np.quantile(NULL, 0.95)
    words = f"gate passed: AUC 0.83; 199 exchanged outcomes, 95 % of them up to {limit:.2f}; "
    assert chart.accessibleDescription() == words + "p = 0.005"
    assert gate_words(Gate(0.5, NULL, 0.5, False)).startswith("gate did not pass")
    chart.set_gate(None)
    assert chart.accessibleDescription() == chart.toolTip() == ""


def test_an_empty_gate_chart_is_blank(qtbot):
    chart = GateChart()
    qtbot.addWidget(chart)
    chart.resize(200, 100)
    image = chart.grab().toImage()
    assert len({image.pixel(x, y) for x in range(200) for y in range(100)}) == 1


def test_an_importance_bar_ends_at_its_value_and_its_line_at_the_interval(qapp):
    image, _ = painted(lambda p, r: paint_importance(p, r, 0.1, 0.05, 0.15, 0.2, COLOURS), 300, 20)
    rect = QRectF(0, 0, 300, 20)
    x = {value: importance_x(rect, value, 0.2) for value in (0, 0.05, 0.1, 0.15)}
    bar, line = columns(image, 5, COLOURS.drives), columns(image, 10, COLOURS.text, 60)
    assert (bar[0], bar[-1]) == pytest.approx((x[0], x[0.1]), abs=2)
    assert (line[0], line[-1]) == pytest.approx((x[0.05], x[0.15]), abs=2)
    assert x[0.1] - x[0] == pytest.approx((300 - x[0]) / 2)


def test_a_negative_importance_goes_left_of_zero_and_never_out_of_its_cell(qapp):
    rect = QRectF(10, 0, 100, 20)
    zero = importance_x(rect, 0.0, 0.2)
    assert rect.left() < importance_x(rect, -0.01, 0.2) < zero
    assert importance_x(rect, -5.0, 0.2) == rect.left()
    assert importance_x(rect, 5.0, 0.2) == rect.right()


def test_an_importance_that_was_not_measured_has_no_bar(qapp):
    image, _ = painted(lambda p, r: paint_importance(p, r, nan, nan, nan, 0.2, COLOURS), 200, 20)
    assert not columns(image, 10, COLOURS.drives)
    assert not columns(image, 10, COLOURS.text, 60)


def test_a_bar_without_a_scale_is_refused():
    with pytest.raises(ValueError, match="must be positive, got 0"):
        importance_x(QRectF(0, 0, 10, 10), 1.0, 0.0)


@pytest.mark.parametrize(("value", "shown"), [(0.0, 0.0), (0.18, 0.18), (1.0, 1.0), (1.7, 1.0)])
def test_the_marker_of_the_dial_stands_at_its_value(qapp, value, shown):
    face = font(9)
    image, _ = painted(lambda p, r: paint_dial(p, r, value, COLOURS, face), 300, 45)
    rect = QRectF(0, 0, 300, 45)
    found = columns(image, 8, COLOURS.text, 60)
    left, right = dial_x(rect, 0, face), dial_x(rect, 1, face)
    assert np.mean(found) == pytest.approx(left + shown * (right - left), abs=2)


def test_a_dial_without_value_has_no_marker(qapp):
    image, _ = painted(lambda p, r: paint_dial(p, r, nan, COLOURS, font(9)), 300, 45)
    assert not columns(image, 8, COLOURS.text, 60)


@pytest.mark.parametrize("size", [9, 14])
@pytest.mark.parametrize("width", [120, 260, 400])
def test_the_ends_of_the_dial_never_touch(qapp, size, width):
    face = font(size)
    _, texts = painted(lambda p, r: paint_dial(p, r, 0.2, COLOURS, face), width, 70)
    (_, own, left), (rect, others, right) = texts
    assert own.startswith("0")
    assert others.endswith("1")
    assert left + right < rect.width()


def test_the_dial_says_what_its_number_means(qtbot):
    dial = EntanglementDial()
    qtbot.addWidget(dial)
    assert dial.accessibleDescription() == "Entanglement is not measured yet."
    dial.set_value(0.18)
    assert dial.accessibleDescription() == entanglement_sentence(0.18)
    assert "0.18 times its size" in dial.toolTip()
