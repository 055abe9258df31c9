"""Nothing is clipped and all type follows napari's, at its smallest and at a large size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import napari
import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QFontMetrics, QGuiApplication
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QListWidget,
    QPlainTextEdit,
    QTabBar,
    QTableView,
    QWidget,
)

from napari_latentattr.core.errors import InputError
from napari_latentattr.widgets.dock import LatentAttribution
from napari_latentattr.widgets.entrance import dock_in
from napari_latentattr.widgets.facts import Facts
from napari_latentattr.widgets.lettering import breakable, unbroken, without_breaks
from napari_latentattr.widgets.map_rows import GROUP, Q
from napari_latentattr.widgets.map_table import MapTable
from napari_latentattr.widgets.palette import Colours
from napari_latentattr.widgets.pill import Pill
from napari_latentattr.widgets.segments import Segments
from napari_latentattr.widgets.text import Button, Words

from .conftest import put_away

SIZES = [(1366, 768), (1600, 1000)]
WITH_TEXT = (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QListWidget,
    QPlainTextEdit,
    QTabBar,
    QTableView,
)
LONG = (
    "case c1: image FLAIR has a grid of 182x218x182, the first image 91x109x91; resample it, or "
    "set resample: true"
)
PATH = "/data/" + "a_folder_with_a_long_name/" * 5 + "x" * 80 + ".safetensors"


@pytest.fixture
def viewer(shared_viewer: napari.Viewer) -> napari.Viewer:
    return shared_viewer


@pytest.fixture(params=[(9, "dark"), (14, "light")], ids=lambda p: f"{p[0]} pt, {p[1]}")
def dock(
    request, viewer: napari.Viewer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot
) -> Iterator[LatentAttribution]:
    """A dock whose type and theme change after it is there."""
    from napari.settings import get_settings

    monkeypatch.setenv("NAPARI_LATENTATTR_DATA", str(tmp_path / "store"))
    appearance = get_settings().appearance
    before = appearance.font_size, appearance.theme
    made = dock_in(viewer)
    appearance.font_size, viewer.theme = request.param
    qtbot.wait(60)
    yield made
    appearance.font_size, appearance.theme = before
    put_away(made, qtbot)


@pytest.fixture
def check(dock: LatentAttribution, viewer: napari.Viewer, qtbot) -> Callable[[str], None]:
    """Looks at everything that can be seen now, in a small and a large window."""

    def look(state: str) -> None:
        for size in SIZES:
            viewer.window._qt_window.resize(*size)
            qtbot.wait(20)
            for _ in range(20):  # layouts settle in several rounds
                if not _clipped(dock):
                    break
                qtbot.wait(20)
            where = f"{state} at {size}"
            assert not _other_type(dock), where
            assert not _clipped(dock), where
            area = dock.pages.currentWidget()
            assert area.widget().minimumSizeHint().width() <= area.viewport().width(), where
            assert dock.width() <= 490, where

    return look


def test_nothing_is_clipped_before_a_study_is_open(dock, check) -> None:
    for step in ("study", "maps", "inspect"):
        dock.show_step(step)
        check(step)
    dock.help.setChecked(True)
    check("keys")
    assert dock.keys.isVisible()

    dock.footer.show_error(InputError(LONG), fix=("Open in trusted mode…", lambda: None))
    check("an error with a way out")
    dock.footer.show_error(InputError(f"{PATH} does not exist"))
    check("a long path")
    dock.footer.show_error(RuntimeError(LONG), doing="Ranking 8 maps")
    dock.footer.details.click()
    check("an unknown error")
    assert dock.footer.trace.isVisible()


def test_nothing_is_clipped_when_open_layers_are_used(dock, check, viewer, tiny_study) -> None:
    viewer.add_image(np.zeros((4, 8, 8), dtype=np.float32), name="a")
    dock.study.use_layers.click()
    dock.open_path(tiny_study.parent / "weights.safetensors")
    dock.study.layers.model.arguments.setText("n_maps: 8, ndim: 2, encoder: grouped, width: 16")
    check("use open layers")


def test_nothing_is_clipped_from_the_study_to_the_answer(dock, check, tiny_study, qtbot) -> None:
    dock.open_path(tiny_study)
    for ask in ("open", "rank", "measure"):
        buttons = {"rank": dock.maps.rank, "measure": dock.inspect.measure_all}
        if ask in buttons:
            buttons[ask].click()
        _wait(dock, qtbot)
        for step in ("study", "maps", "inspect"):
            dock.show_step(step)
            check(f"{step} after {ask}")
    _ends_below_its_last_card(dock)
    closer = dock.inspect.closer
    closer.go.click()
    _wait(dock, qtbot)
    closer.check.button.click()
    _wait(dock, qtbot)
    assert closer.check.chart.isVisible()
    check("a checked picture")
    closer.place.activated.emit(closer.place.count() - 1)  # one latent, at the cursor
    closer.go.click()
    _wait(dock, qtbot)
    assert dock.session.picture("where").place.latent
    check("a picture of one latent")
    closer.views.setCurrentIndex(1)
    check("what it draws")
    _has_the_colours_of_its_card(closer.views)
    closer.traverse.click()
    _wait(dock, qtbot)
    assert "Traversal: 9 steps" in without_breaks(closer.note.text())
    check("a traversal")
    for view in (2, 3):
        closer.views.setCurrentIndex(view)
        check(f"view {view}, not asked yet")
    closer.excites.go.click()
    _wait(dock, qtbot)
    check("a made-up picture")
    closer.views.setCurrentIndex(2)
    closer.cases.find.click()
    _wait(dock, qtbot)
    assert closer.cases.most.isVisible()
    check("top cases")
    dock.show_step("cohort")
    check("cohort, not asked yet")
    dock.cohort.look.click()
    _wait(dock, qtbot)
    assert dock.cohort.case.isVisible()
    check("cohort")
    dock.show_step("maps")
    _leaves_columns_out(dock.maps.table, qtbot)


def _wait(dock: LatentAttribution, qtbot) -> None:
    for _ in range(2):
        qtbot.waitUntil(lambda: not dock.runner.busy and not dock.canvas.busy, timeout=60_000)
        qtbot.wait(20)


def _ends_below_its_last_card(dock: LatentAttribution) -> None:
    """Words that wrap must not make a page higher than what is in it."""
    page = dock.pages.currentWidget()
    page.verticalScrollBar().setValue(page.verticalScrollBar().maximum())
    below = page.widget().height() - dock.inspect.closer.geometry().bottom()
    assert below > 0
    assert page.verticalScrollBar().maximum() == 0 or below < 2 * dock.fontMetrics().height()


def _has_the_colours_of_its_card(views: Segments) -> None:
    """A style sheet gives a tab bar a palette of its own, black on black in the light theme."""
    closed = views.tabRect(0)
    painted = QColor(views.grab().toImage().pixel(closed.left() + 6, closed.center().y()))
    card = QColor(Colours.of(views.parentWidget().palette()).card)
    assert abs(painted.lightnessF() - card.lightnessF()) < 0.12


def _leaves_columns_out(table: MapTable, qtbot) -> None:
    """A narrow table leaves columns out instead of cutting them, and brings them back."""
    for ems, hidden in ((16, True), (40, False)):
        table.setFixedWidth(ems * table.fontMetrics().height())
        qtbot.wait(40)
        assert [table.isColumnHidden(c) for c in (GROUP, Q)] == [hidden, hidden]


def _seen(dock: LatentAttribution) -> list[QWidget]:
    return [w for w in dock.findChildren(QWidget) if w.isVisible()]


def _other_type(dock: LatentAttribution) -> list[str]:
    """Widgets with words whose type is not that of labels; napari makes some one point smaller."""
    label = QLabel("as napari has it", dock)
    label.ensurePolished()
    size = label.font().pointSizeF()
    label.setParent(None)
    fonts = [(w, w.font().pointSizeF()) for w in _seen(dock) if isinstance(w, WITH_TEXT)]
    return [f"{type(w).__name__}: {p} instead of {size}" for w, p in fonts if abs(p - size) > 1.5]


def _clipped(dock: LatentAttribution) -> list[str]:
    return [f"{type(w).__name__}: {said}" for w in _seen(dock) if (said := _lost(w))]


def _lost(widget: QWidget) -> str:
    """Say what of a widget cannot be read; empty where all can be, or is said by a tooltip."""
    metrics, inside = QFontMetrics(widget.font()), widget.contentsRect().width()
    if isinstance(widget, QLabel):
        needed = widget.heightForWidth(widget.width()) if widget.wordWrap() else 0
        fits = widget.height() >= needed
        fits &= widget.wordWrap() or widget.width() >= widget.sizeHint().width()
        return "" if fits else widget.text()
    if isinstance(widget, Button | Pill):
        hint = widget.sizeHint()
        small = widget.width() < hint.width() and not widget.toolTip()
        return "" if not small and widget.height() >= hint.height() else widget.accessibleName()
    if isinstance(widget, QLineEdit) and not isinstance(widget.parent(), QComboBox):
        text = widget.text() or widget.placeholderText()
        return "" if metrics.horizontalAdvance(text) <= inside or text in widget.toolTip() else text
    if isinstance(widget, QComboBox):
        text = widget.currentText()
        room = inside - 2 * metrics.height()
        return "" if metrics.horizontalAdvance(text) <= room or text in widget.toolTip() else text
    if isinstance(widget, Segments):
        shown = [(widget.painted(i), widget.tabRect(i).width()) for i in range(widget.count())]
        return "".join(said for said, room in shown if metrics.horizontalAdvance(said) > room)
    if isinstance(widget, MapTable):
        return _lost_in(widget)
    return ""


def _lost_in(table: MapTable) -> str:
    header, model, rows = table.horizontalHeader(), table.model(), range(table.model().rowCount())
    metrics = header.fontMetrics()
    for column in (c for c in range(header.count()) if not table.isColumnHidden(c)):
        room = header.sectionSize(column)
        cells = [table.sizeHintForIndex(model.index(r, column)) for r in rows]
        title = model.headerData(column, Qt.Orientation.Horizontal)
        arrow = metrics.height() if column == header.sortIndicatorSection() else 0
        needed = max([metrics.horizontalAdvance(title) + arrow, *(c.width() for c in cells)])
        if room < needed or any(c.height() > table.rowHeight(0) for c in cells):
            return f"column {column}: {room} of {needed} pixels"
    return ""


def test_facts_that_fit_stand_three_in_a_row_and_a_long_one_alone(qtbot) -> None:
    facts = Facts()
    qtbot.addWidget(facts)
    facts.show_facts({"a": "1", "b": "2", "c": "3"})
    facts.resize(400, 100)
    assert facts.columns() == 3
    facts.show_facts({"a": "1", "b": 30 * "wide ", "c": "3"})
    cells = [facts._grid.getItemPosition(i) for i in range(3)]
    assert [(row, column, span) for row, column, _, span in cells] == [
        (0, 0, 1), (1, 0, 3), (2, 0, 1),
    ]  # fmt: skip
    facts.show_facts({"a": "1", "b": 30 * "wide ", "c": 30 * "wide "})
    assert facts.columns() == 2


def test_a_long_path_can_be_broken_and_is_copied_as_it_was(qtbot) -> None:
    words = Words()
    qtbot.addWidget(words)
    words.say_plain(PATH)
    assert words.minimumSizeHint().width() < 30 * words.fontMetrics().averageCharWidth()
    words.setSelection(0, len(words.text()))
    qtbot.keyClick(words, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == PATH


def test_words_that_belong_together_stay_on_one_line_and_tags_whole() -> None:
    assert unbroken("95 % of 3, p = 0.025") == "95\u00a0% of 3, p\u00a0=\u00a00.025"
    tag = f'<span style="{"a" * 40}">a_b</span> &lt;'
    assert breakable(tag) == tag
    assert without_breaks(breakable(PATH)) == PATH
