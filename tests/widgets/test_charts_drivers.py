from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import nan, sqrt

import numpy as np
import pytest
from qtpy.QtCore import QRectF
from qtpy.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPalette
from qtpy.QtWidgets import QApplication

from napari_latentattr.widgets.driver_rows import DriverRow, fold, rest_words
from napari_latentattr.widgets.drivers_chart import axis_end, paint_drivers
from napari_latentattr.widgets.drivers_layout import chart_height, lay_out
from napari_latentattr.widgets.palette import Colours

WIDTH = 400
THEMES = {"dark": ("#23242b", "#f0f1f2"), "light": ("#ebe7e6", "#1e1e21")}
TAU = 0.03


class Recorder(QPainter):
    """Keeps every text with its rectangle and its width."""

    def __init__(self, device: QImage) -> None:
        super().__init__(device)
        self.texts: list[tuple[QRectF, str, float]] = []

    def drawText(self, rect: QRectF, flags: int, text: str) -> None:
        advance = QFontMetricsF(self.font()).horizontalAdvance(text)
        self.texts.append((QRectF(rect), text, advance))
        super().drawText(rect, flags, text)


def colours(theme: str = "dark") -> Colours:
    window, text = (QColor(name) for name in THEMES[theme])
    palette = QPalette(window)
    palette.setColor(QPalette.ColorRole.Window, window)
    palette.setColor(QPalette.ColorRole.WindowText, text)
    return Colours.of(palette)


def font(size: int) -> QFont:
    face = QFont(QApplication.font())
    face.setPointSize(size)
    return face


def row(name: str = "T2", ratio: float = 0.6, verdict: str = "drives", **other) -> DriverRow:
    numbers = {"low": 0.8 * ratio, "high": 1.2 * ratio, "q": 0.01, "p": 0.004}
    return DriverRow(name, ratio, verdict=verdict, **{**numbers, **other})


def every_verdict() -> list[DriverRow]:
    found = (0.6, "drives"), (0.04, "undecided"), (0.01, "negligible"), (0, "no dependence found")
    names = ("T2", "PD", "PET", "SPECT")
    return [row(n, r, v) for n, (r, v) in zip(names, found, strict=True)]


def painted(rows, *, size=9, theme="dark", density=1.0, **how):
    """Pixels (y, x, rgb) in device pixels, the layout, and all texts."""
    face = font(size)
    height = chart_height(rows, face)
    image = QImage(round(WIDTH * density), round(height * density), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(density)
    image.fill(QColor(colours(theme).background))
    rect = QRectF(0, 0, WIDTH, height)
    painter = Recorder(image)
    paint_drivers(painter, rect, rows, TAU, colours(theme), face, **how)
    painter.end()
    shown = image.convertToFormat(QImage.Format.Format_RGB888)
    bits = shown.constBits()
    if hasattr(bits, "setsize"):  # PyQt
        bits.setsize(shown.sizeInBytes())
    lines = np.frombuffer(bits, np.uint8).reshape(shown.height(), shown.bytesPerLine())
    pixels = lines[:, : 3 * shown.width()].reshape(shown.height(), shown.width(), 3)
    return pixels, lay_out(rect, rows, face, how.get("end")), painter.texts


def near(pixels, name: str, tolerance: int = 12):
    wanted = np.array(QColor(name).getRgb()[:3])
    return (abs(pixels.astype(int) - wanted) <= tolerance).all(axis=-1)


@pytest.mark.parametrize("density", [1.0, 2.0])
@pytest.mark.parametrize("ratio", [0.05, 0.25, 0.6, 1.0])
def test_bar_ends_at_the_square_root_of_the_ratio(qapp, ratio, density):
    pixels, layout, _ = painted([row(ratio=ratio, low=nan, high=nan)], density=density)
    y = layout.row(0).center().y() + 4
    bar = np.flatnonzero(near(pixels[round(y * density)], colours().drives))
    bar = bar[bar < density * (layout.right + 3)]
    end = layout.left + (layout.right - layout.left) * sqrt(ratio)
    assert bar.max() / density == pytest.approx(end, abs=2)
    assert bar.min() / density == pytest.approx(layout.left, abs=2)


def test_tau_line_stands_at_the_square_root_of_tau(qapp):
    pixels, layout, _ = painted([row(verdict="negligible", ratio=0.001)])
    plot = pixels[round(layout.top) : round(layout.bottom)]
    columns = near(plot, colours().undecided, 40).sum(axis=0)
    expected = layout.left + (layout.right - layout.left) * sqrt(TAU)
    assert int(columns.argmax()) == pytest.approx(expected, abs=2)
    assert columns.max() > 0.4 * len(plot)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_each_verdict_has_its_colour_beside_its_row(qapp, theme):
    rows = every_verdict()
    pixels, layout, _ = painted(rows, theme=theme)
    for place, found in enumerate(rows):
        box = layout.row(place)
        area = pixels[round(box.top()) : round(box.bottom()), round(layout.right + 2) :]
        present = {
            name: near(area, getattr(colours(theme), name), 30).sum()
            for name in ("drives", "undecided", "negligible")
        }
        present = {k: v for k, v in present.items() if v >= 4}
        wanted = "negligible" if found.verdict == "no dependence found" else found.verdict
        assert wanted in present
        assert "drives" not in present or wanted == "drives"


def test_interval_spans_low_to_high(qapp):
    pixels, layout, _ = painted([row(ratio=0.3, low=0.15, high=0.5)])
    y = round(layout.row(0).center().y())
    line = near(pixels[y - 1 : y + 2].max(axis=0), colours().text, 60)
    line[: round(layout.left)] = line[round(layout.right) :] = False
    x = np.flatnonzero(line)
    assert x.min() == pytest.approx(layout.x(0.15), abs=2)
    assert x.max() == pytest.approx(layout.x(0.5), abs=2)


def test_no_line_is_drawn_without_an_interval(qapp):
    pixels, layout, _ = painted([row(ratio=0.3, low=nan, high=nan)])
    plot = pixels[
        round(layout.top) : round(layout.bottom), round(layout.left) : round(layout.right)
    ]
    assert not near(plot, colours().text, 60).any()


def test_an_interval_beyond_the_axis_ends_in_an_arrow_at_its_end(qapp):
    pixels, layout, _ = painted([row(ratio=2.0, low=1.0, high=30.0)])
    y, x = round(layout.row(0).center().y()), round(layout.right)
    cap = near(pixels[:, x - 1 : x + 4].max(axis=1), colours().text, 60)
    assert layout.end == pytest.approx(1.06 * 4)
    assert cap[y]
    assert 3 <= cap[y - 8 : y + 9].sum() <= 14


@pytest.mark.parametrize(
    ("rows", "end"),
    [
        ([row(ratio=0.2)], 1.0),
        ([row(ratio=1.5, low=nan, high=nan)], 1.59),
        ([row(ratio=0.5, high=2.0)], 2.12),
        ([row(ratio=6.0, high=9.0)], 6.36),
        ([row(ratio=nan, low=nan, high=nan)], 1.0),
    ],
)
def test_axis_reaches_one_and_every_ratio(rows, end):
    assert axis_end(rows) == pytest.approx(end)


@pytest.mark.parametrize("size", [9, 14])
@pytest.mark.parametrize("furthest", [0.5, 1.4, 3.0, 17.0, 400.0])
def test_numbers_below_the_axis_never_touch(qapp, size, furthest):
    rows = [row(ratio=furthest, low=nan, high=nan), row("PD", 0.01, "negligible")]
    _, layout, texts = painted(rows, size=size)
    ticks = sorted(
        (rect.center().x() - advance / 2, rect.center().x() + advance / 2, text)
        for rect, text, advance in texts
        if rect.top() == layout.bottom
    )
    said = [float(text) for *_, text in ticks]
    assert said[0] == 0.0
    assert 1.0 in said or furthest == 400.0
    assert len(said) >= 3
    assert said == sorted(said)
    assert all(b[0] - a[1] > 1 for a, b in pairwise(ticks))


@pytest.mark.parametrize("size", [9, 14])
@pytest.mark.parametrize("n", [4, 13])
def test_no_word_is_cut_or_leaves_its_rectangle(qapp, size, n):
    rows = [replace(every_verdict()[k % 4], image=f"image {k}") for k in range(n)]
    _, layout, texts = painted(rows, size=size)
    for rect, text, advance in texts:
        assert "…" not in text
        assert advance <= rect.width()
        assert layout.rect.adjusted(-0.5, -0.5, 0.5, 0.5).contains(rect)
    said = " ".join(text for _, text, _ in texts)
    for word in ("drives", "undecided", "negligible", "no dependence found", "image 0"):
        assert word in said
    assert "left of this line: too small to matter" in said


def test_a_long_name_ends_in_dots(qapp):
    _, _, texts = painted([row("apparent diffusion coefficient after registration")])
    assert [text for _, text, _ in texts if text.startswith("appa") and text.endswith("…")]


def test_a_map_that_does_not_vary_gets_words_and_no_axis(qapp):
    still = [row(ratio=nan, low=nan, high=nan, verdict="no dependence found")] * 2
    _, _, texts = painted(still)
    assert [text for _, text, _ in texts] == ["does not vary between these cases"]


def test_thumbnails_are_drawn_left_of_the_names(qapp):
    picture = QImage(20, 20, QImage.Format.Format_RGB32)
    picture.fill(QColor("#ff0000"))
    pixels, layout, _ = painted([row(thumbnail=picture), row("PD", 0.2)])
    area = near(pixels, "#ff0000")
    y, x = np.nonzero(area)
    assert len(y) == pytest.approx(layout.pictures**2, rel=0.2)
    assert x.max() < layout.left
    assert y.max() < layout.row(1).top()


def test_more_than_twelve_rows_are_summed_up_truly():
    rows = [row(f"image {k}", 0.5 - 0.03 * k, "negligible") for k in range(16)]
    kept, rest = fold(rows[::-1])
    assert [rows[::-1][k].image for k in kept] == [f"image {k}" for k in range(10)]
    assert len(rest) == 6
    assert fold(rows[:12])[1] == []
    assert rest_words(rows[10:]) == "and 6 more, all negligible"
    mixed = [*rows[10:13], row(verdict="drives"), row(verdict="no dependence found")]
    assert rest_words(mixed) == "and 5 more: 3 negligible, 1 drives, 1 without dependence"
    assert rest_words([row()] * 3) == "and 3 more, all drive"
