from __future__ import annotations

from itertools import combinations

import pytest
from qtpy.QtCore import QRectF
from qtpy.QtGui import QColor, QFont, QImage, QPainter, QPalette
from qtpy.QtWidgets import QWidget

from napari_latentattr.widgets.lettering import scaled, width, wrapped
from napari_latentattr.widgets.palette import Colours, faded
from napari_latentattr.widgets.pill import Pill
from napari_latentattr.widgets.verdict_shapes import paint_verdict

THEMES = {"dark": ("#23242b", "#f0f1f2"), "light": ("#ebe7e6", "#1e1e21")}
WORDS = (
    "drives", "negligible", "no dependence found", "undecided", "tie", "mixed", "not supported",
    "ok",
)  # fmt: skip
SIDE = 21


def palette(theme: str) -> QPalette:
    window, text = (QColor(name) for name in THEMES[theme])
    made = QPalette(window)
    made.setColor(QPalette.ColorRole.Window, window)
    made.setColor(QPalette.ColorRole.WindowText, text)
    return made


def contrast(one: str, other: str) -> float:
    """Ratio of luminances after WCAG 2."""

    def luminance(name: str) -> float:
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb(name)]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def rgb(name: str) -> tuple[float, ...]:
    return QColor(name).getRgbF()[:3]


def shape(word: str, theme: str = "dark") -> QImage:
    image = QImage(SIDE, SIDE, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(QColor(0, 0, 0, 0))
    painter = QPainter(image)
    paint_verdict(painter, QRectF(0, 0, SIDE, SIDE), word, Colours.of(palette(theme)))
    painter.end()
    return image


def inked(image: QImage) -> set[tuple[int, int]]:
    every = ((x, y) for x in range(SIDE) for y in range(SIDE))
    return {(x, y) for x, y in every if image.pixelColor(x, y).alpha() > 127}


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_colours_come_from_the_palette_and_can_be_read_on_a_card(theme):
    colours = Colours.of(palette(theme))
    assert (colours.background, colours.text) == THEMES[theme]
    assert colours.dark == (theme == "dark")
    for ground in (colours.background, colours.card):
        assert contrast(colours.text, ground) > 11
        assert contrast(colours.muted, ground) > 5.5
        for word in WORDS:
            assert contrast(colours.verdict(word), ground) > 4.0, word
    assert contrast("#ffffff", colours.accent) > 4.5
    assert contrast(colours.line, colours.background) > 1.2


def test_an_unknown_verdict_is_refused(qapp):
    with pytest.raises(ValueError, match="a verdict is one of drives, .* got 'significant'"):
        Colours.of(palette("dark")).verdict("significant")


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("word", WORDS)
def test_a_shape_is_inside_its_square_in_its_colour(qapp, word, theme):
    image = shape(word, theme)
    ink = inked(image)
    wanted = QColor(Colours.of(palette(theme)).verdict(word)).name()
    assert wanted in {image.pixelColor(x, y).name() for x, y in ink}
    assert len(ink) > 40
    assert all(0 < x < SIDE - 1 and 0 < y < SIDE - 1 for x, y in ink)


def test_no_two_shapes_look_alike_without_colour(qapp):
    inks = {word: inked(shape(word)) for word in WORDS}
    for one, other in combinations(WORDS, 2):
        different = inks[one] ^ inks[other]
        assert len(different) > 0.2 * max(len(inks[one]), len(inks[other])), (one, other)


def test_disc_is_filled_ring_is_not_and_half_disc_is_left(qapp):
    middle = SIDE // 2
    filled = {w: (middle, middle) in inked(shape(w)) for w in ("drives", "negligible", "undecided")}
    assert filled == {"drives": True, "negligible": False, "undecided": True}
    half = inked(shape("mixed"))
    assert (middle - 4, middle) in half
    assert (middle + 4, middle) not in half


def test_faded_keeps_the_colour(qapp):
    assert faded("#56B4E9", 0.5).name() == "#56b4e9"
    assert faded("#56B4E9", 0.5).alphaF() == pytest.approx(0.5, abs=0.01)


def test_lines_are_broken_between_words_only(qapp):
    font = QFont()
    text = "and 6 more, no dependence found on any"
    lines = wrapped(font, text, width(font, "and 6 more, no"))
    assert len(lines) > 2
    assert " ".join(lines) == text
    assert all(width(font, line) <= width(font, "and 6 more, no") for line in lines)
    assert wrapped(font, "dependence", 3) == ["dependence"]


def test_type_in_pixels_can_be_scaled_too():
    font = QFont()
    font.setPixelSize(20)
    assert scaled(font, 0.85).pixelSize() == 17
    font.setPointSizeF(10)
    assert scaled(font, 1.2, bold=True).pointSizeF() == pytest.approx(12)


def test_a_pill_is_as_wide_as_its_words_and_names_itself(qtbot):
    pill = Pill("tie", "tie: T2 or PD")
    qtbot.addWidget(pill)
    wide = pill.sizeHint().width()
    assert pill.accessibleName() == "tie: T2 or PD"
    pill.set_verdict("mixed")
    assert pill.accessibleName() == "mixed"
    assert pill.sizeHint().width() < wide
    pill.set_verdict("tie", "<b>x</b>")
    assert "&lt;b&gt;" in pill.toolTip()


def test_a_pill_grows_with_the_type_of_labels(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    pill = Pill("ok", "supported", window)
    sizes = []
    for points in (9, 18):
        window.setStyleSheet(f"QLabel {{ font-size: {points}pt; }}")
        sizes.append(pill.sizeHint().height())
    assert sizes[1] == pytest.approx(2 * sizes[0], rel=0.15)


def test_a_pill_leaves_out_a_number_that_it_has_no_room_for(qtbot):
    long, short = (
        Pill("undecided", "Gate not passed · AUC 0.48"),
        Pill("undecided", "Gate not passed"),
    )
    for pill in (long, short):
        qtbot.addWidget(pill)
    wide, room = long.sizeHint(), long.sizeHint().width() - short.fontMetrics().height()
    assert room > short.sizeHint().width()
    for pill in (long, short):
        pill.resize(room, wide.height())
    assert long.grab().toImage() == short.grab().toImage()
    for pill in (long, short):
        pill.resize(wide)
    assert long.grab().toImage() != short.grab().toImage()
