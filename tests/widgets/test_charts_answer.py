from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QRect, Qt
from qtpy.QtGui import QColor, QGuiApplication, QPalette, QTextDocument
from qtpy.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from napari_latentattr.core.dependence import ChannelDependence, JointSwap
from napari_latentattr.core.types import MapRef, Provenance
from napari_latentattr.widgets.answer import AnswerCard, answer_of, no_answer
from napari_latentattr.widgets.answer_words import basis, drivers_caption, marked
from napari_latentattr.widgets.driver_rows import driver_rows, row_lines
from napari_latentattr.widgets.palette import Colours

NAMES = ("T2", "PD", "T1")
DRIVES, UNDECIDED, NEGLIGIBLE, NONE = (
    "drives", "undecided", "negligible", "no dependence found",
)  # fmt: skip


def dependence(
    answer: str, verdicts=(DRIVES, DRIVES, NEGLIGIBLE), names=NAMES, ratios=(0.6, 0.3, 0.01)
) -> ChannelDependence:
    """Maps 3 and 17; map 17 has this answer."""
    ratio = np.array([[0.5, 0.02, 0.01], ratios])
    tied = tuple(answer.removeprefix("tie: ").split(" | ")) if answer.startswith("tie") else ()
    joint = JointSwap(tuple(names[:2]), 0.97, *np.full((3, 2), 0.7), ((), tied))
    return ChannelDependence(
        maps=(MapRef("encoder", 3), MapRef("encoder", 17)),
        channels=tuple(names),
        ratio=ratio,
        low=0.8 * ratio,
        high=1.2 * ratio,
        p=ratio / 100,
        q=ratio / 50,
        counting=np.full(ratio.shape, 24.0),
        verdict=np.array([(DRIVES, NEGLIGIBLE, NEGLIGIBLE), verdicts]),
        answer=np.array([names[0], answer]),
        interaction=ratio.sum(axis=1) - 1,
        same_lead=np.array([2, 2]),
        varying=2,
        joint=(joint,) if tied else (),
        likeness=np.eye(len(names)),
        tau=0.03,
        n=24,
        donors=4,
        unit_name="patients",
        n_cases=24,
        region="",
        approximate="",
        family="64 maps x 6 images, Benjamini-Hochberg",
        provenance=Provenance("channel_dependence"),
    )


def read(html: str) -> str:
    """What a person reads of rich text."""
    document = QTextDocument()
    document.setHtml(html)
    return document.toPlainText()


def test_a_driven_map_names_its_drivers_in_bold():
    found = dependence("T2, PD")
    answer = answer_of(found, 17)
    assert answer.plain == found.sentence(17)
    assert answer.html.startswith(
        'Map encoder:17 is <span class="verdict">driven by</span> <b>T2</b> (ratio 0.60'
    )
    assert "and <b>PD</b> (ratio 0.30" in answer.html
    assert answer.html.count("<b>") == 2
    assert (answer.verdict_word, answer.headline) == ("drives", "driven by T2 and PD")


@pytest.mark.parametrize(
    ("answer", "verdicts", "word", "headline", "part"),
    [
        ("tie: T2 | PD", (DRIVES, UNDECIDED, NEGLIGIBLE), "tie", "tie: T2 or PD",
         '<b>T2</b> or <b>PD</b>, <span class="verdict">the data cannot say which</span>'),
        ("mixed", (DRIVES,) * 3, "mixed", "mixed: 3 images",
         '<span class="verdict">is mixed</span>: 3 images'),
        ("undecided", (UNDECIDED, NEGLIGIBLE, NEGLIGIBLE), "undecided", "undecided",
         '<span class="verdict">not enough evidence yet</span>, <b>T2</b> moves'),
        ("nothing", (NEGLIGIBLE,) * 3, "negligible", "no single image drives it",
         '<span class="verdict">driven by no single image</span>'),
        ("nothing", (NONE,) * 3, "no dependence found", "no single image drives it",
         '<span class="verdict">driven by no single image</span>'),
    ],
)  # fmt: skip
def test_every_answer_has_its_word_and_its_marked_part(answer, verdicts, word, headline, part):
    found = answer_of(dependence(answer, verdicts), 17)
    assert (found.verdict_word, found.headline) == (word, headline)
    assert part in found.html


def test_a_map_that_does_not_vary_is_told_as_such():
    found = dependence("nothing", (NONE,) * 3, ratios=(np.nan,) * 3)
    answer = answer_of(found, 17)
    assert answer.verdict_word == "no dependence found"
    assert '<span class="verdict">does not vary</span>' in answer.html


@pytest.mark.parametrize(
    "names",
    [
        ("<b>", "T1 & T2", '"x"'),
        ("ratio", "is", "and"),
        ("</span><script>", "Map", "driven by"),
        ("T1", "T1c", "T1 c"),
        ("a.*", "(95", "95 %"),
    ],
)
def test_names_from_files_are_shown_literally(qapp, names):
    found = dependence(f"{names[0]}, {names[1]}", names=names)
    answer = answer_of(found, 17)
    assert read(answer.html) == found.sentence(17)
    assert answer.html.count("<b>") == 2
    assert answer.html.count('<span class="verdict">') == 1
    assert "<script" not in answer.html


def test_bold_goes_to_the_driver_and_not_to_the_same_letters_elsewhere():
    html = marked("Map T1 is driven by T1c (ratio) and T1 (ratio); T1 d is negligible.",
                  ["T1c", "T1"], "driven by")  # fmt: skip
    assert html == (
        'Map T1 is <span class="verdict">driven by</span> <b>T1c</b> (ratio) and <b>T1</b> '
        "(ratio); T1 d is negligible."
    )


def test_the_small_line_says_what_the_numbers_rest_on():
    found = dependence("T2, PD")
    times = "\N{MULTIPLICATION SIGN}"
    assert basis(found) == (
        f"24 cases {times} 4 donors · τ 0.03 · FDR 5 % over 64 maps {times} 6 images, "
        "Benjamini-Hochberg · “driven” is about this model, not about biology"
    )
    assert "12 patients" in basis(replace(found, n=12))
    sliced = replace(found, unit_name="slices of one person", approximate="slices of one person")
    assert basis(sliced).startswith(f"24 slices {times} 4 donors · approximate: slices of one pers")
    assert "FDR" not in basis(sliced)
    assert "another patient" in drivers_caption(found)
    assert "another case" in drivers_caption(sliced)


def test_rows_of_the_chart_are_those_of_the_asked_map():
    found = dependence("T2, PD")
    rows = driver_rows(found, 17)
    assert [r.image for r in rows] == list(NAMES)
    assert [r.ratio for r in rows] == [0.6, 0.3, 0.01]
    assert rows[1].low == pytest.approx(0.24)
    assert rows[1].high == pytest.approx(0.36)
    assert (rows[2].verdict, rows[2].q, rows[2].p) == (NEGLIGIBLE, 0.0002, 0.0001)
    assert driver_rows(found, 3)[0].ratio == 0.5
    with pytest.raises(KeyError, match="map 5 was not measured"):
        driver_rows(found, 5)


def card(qtbot, answer, width: int = 360) -> AnswerCard:
    made = AnswerCard()
    qtbot.addWidget(made)
    made.set_answer(answer)
    made.resize(width, made.heightForWidth(width))
    made.show()
    return made


def test_copy_puts_the_sentence_and_the_small_line_on_the_clipboard(qtbot):
    answer = answer_of(dependence("T2, PD"), 17)
    made = card(qtbot, answer)
    qtbot.mouseClick(made.copy_button, Qt.MouseButton.LeftButton)
    assert made.copied_text() == f"{answer.plain}\n{answer.small_line}"
    assert QGuiApplication.clipboard().text() == made.copied_text()
    made.set_answer(no_answer("The weights do not matter."))
    assert made.copied_text() == "No answer. The weights do not matter."
    assert made.small.isHidden()


@pytest.mark.parametrize("size", [9, 14])
@pytest.mark.parametrize("width", [260, 420])
def test_no_line_of_the_sentence_is_cut_in_a_scrolling_page(qtbot, size, width):
    area, page = QScrollArea(), QWidget()
    qtbot.addWidget(area)
    area.setStyleSheet(f"QLabel {{ font-size: {size}pt; }}")
    area.setWidgetResizable(True)
    column = QVBoxLayout(page)
    made = AnswerCard()
    made.set_answer(answer_of(dependence("T2, PD"), 17))
    column.addWidget(made)
    area.setWidget(page)
    area.resize(width, 150)
    area.show()
    qtbot.waitExposed(area)
    qtbot.wait(20)
    for label in (made.sentence, made.small):
        assert label.height() >= label.heightForWidth(label.width())
        inside = QRect(label.mapTo(made, QPoint(0, 0)), label.size())
        assert made.rect().contains(inside)
    assert made.minimumSizeHint().width() <= width


def test_the_sentence_can_be_selected_and_is_read_aloud(qtbot):
    answer = answer_of(dependence("<b>, PD", names=("<b>", "PD", "T1")), 17)
    made = card(qtbot, answer)
    flags = made.sentence.textInteractionFlags()
    assert flags & Qt.TextInteractionFlag.TextSelectableByMouse
    assert flags & Qt.TextInteractionFlag.TextSelectableByKeyboard
    assert made.accessibleName() == "Answer"
    assert made.sentence.accessibleName() == made.accessibleDescription() == answer.plain
    assert "&lt;b&gt;" in made.sentence.text()


@pytest.mark.parametrize(("window", "text"), [("#23242b", "#f0f1f2"), ("#ebe7e6", "#1e1e21")])
def test_under_a_style_sheet_text_stands_on_the_card_with_its_verdict_in_colour(
    qtbot, window, text
):
    around = QWidget()
    qtbot.addWidget(around)
    made = AnswerCard()
    QVBoxLayout(around).addWidget(made)
    made.set_answer(answer_of(dependence("T2, PD"), 17))
    around.setStyleSheet(
        f"QWidget {{ background-color: {window}; color: {text}; border: 0px; padding: 1px; }}"
        "QLabel { font-size: 14pt; }"
    )
    around.resize(400, 300)
    around.show()
    qtbot.waitExposed(around)
    colours = Colours.of(made.palette())
    assert (colours.background, colours.text) == (window, text)
    image = around.grab().toImage()
    box = QRect(made.sentence.mapTo(around, QPoint(0, 0)), made.sentence.size())
    seen: dict[str, int] = {}
    for x in range(box.left(), box.right()):
        for y in range(box.top(), box.bottom()):
            name = image.pixelColor(x, y).name()
            seen[name] = seen.get(name, 0) + 1
    assert max(seen, key=seen.__getitem__) == colours.card
    assert seen.get(QColor(colours.drives).name(), 0) > 50
    assert seen.get(window, 0) == 0


def test_the_verdict_changes_its_colour_with_the_theme(qtbot):
    made = card(qtbot, answer_of(dependence("T2, PD"), 17))
    for window, colour in (("#ffffff", "#0069A6"), ("#000000", "#56B4E9")):
        made.setPalette(QPalette(QColor(window)))
        assert f"color: {colour}" in made.sentence.text()


def test_a_verdict_under_the_pointer_is_explained_in_a_sentence_with_all_it_rests_on(
    qtbot,
) -> None:
    found = dependence("undecided", (UNDECIDED, UNDECIDED, NEGLIGIBLE))
    answer = answer_of(found, 17)
    card = AnswerCard()
    qtbot.addWidget(card)
    card.set_answer(answer)
    tip = card.pill.toolTip()
    assert "No image is surely above τ 0.03, and at least one is not surely below." in tip
    for said in ("ratio ", "95 % ", "24 cases", "FDR 5 % over"):
        assert said in tip
    row = next(r for r in driver_rows(found, 17) if r.verdict == UNDECIDED)
    told = "\n".join(row_lines(row, 0.03, answer.small_line))
    assert "settle it" in told
    for said in ("ratio ", "95 % ", "against a ratio of at most 0.03", "24 cases", "FDR 5 % over"):
        assert said in told


def test_a_tie_behind_a_stronger_image_keeps_its_place(qapp) -> None:
    found = dependence("T2, tie: PD | T1", (DRIVES, UNDECIDED, NEGLIGIBLE))
    joint = JointSwap(("PD", "T1"), 0.97, *np.full((3, 2), 0.4), ((), ("PD", "T1")))
    answer = answer_of(replace(found, joint=(joint,)), 17)
    assert (answer.verdict_word, answer.headline) == ("tie", "T2 and tie: PD or T1")
    assert "driven by <b>T2</b> (ratio" in answer.html
    assert (
        'also driven by <b>PD</b> or <b>T1</b>, <span class="verdict">the data cannot say which'
        in answer.html
    )
