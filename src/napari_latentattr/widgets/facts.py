"""Rows of small facts: names over values, images with their thumbnail, checks with their tick."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QImage, QPainter, QPaintEvent, QResizeEvent
from qtpy.QtWidgets import QGridLayout, QWidget

from napari_latentattr.core.types import Float32
from napari_latentattr.widgets.lettering import follow, scaled, width
from napari_latentattr.widgets.palette import Colours
from napari_latentattr.widgets.text import MUTED, Words
from napari_latentattr.widgets.thumbnails import middle_thumbnail
from napari_latentattr.widgets.verdict_shapes import paint_verdict


class Facts(QWidget):
    """Small names over bold values, as many in a row as fit without breaking one."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = _grid(self)
        self._facts: dict[str, str] = {}
        self._cells: list[Words] = []
        follow(self, lambda em: self._arrange())

    def show_facts(self, facts: dict[str, str]) -> None:
        """Show these, in this order."""
        self._facts = facts
        while len(self._cells) < len(facts):
            self._cells.append(Words(parent=self))
        texts = [
            f'<span style="color:{MUTED}">{escape(name)}</span><br><b>{escape(value)}</b>'
            for name, value in facts.items()
        ]
        for cell, text in zip(self._cells, texts, strict=False):
            cell.say(text)
        for cell in self._cells[len(facts) :]:
            cell.say("")
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Take as many columns as there is room for."""
        super().resizeEvent(event)
        self._arrange()

    def columns(self) -> int:
        """Facts in a row: three unless several do not fit; one that does not has its own row."""
        return 3 if sum(not self._fits(fact, 3) for fact in self._facts.items()) <= 1 else 2

    def _fits(self, fact: tuple[str, str], columns: int) -> bool:
        bold = scaled(self.font(), 1.0, bold=True)
        wide = max(width(self.font(), fact[0]), width(bold, fact[1]))
        return columns * (wide + int(self._grid.horizontalSpacing())) <= int(self.width())

    def _arrange(self) -> None:
        columns, place = self.columns(), 0
        for fact, cell in zip(self._facts.items(), self._cells, strict=False):
            span = 1 if self._fits(fact, columns) else columns
            place += -place % span  # a long one starts a row
            self._grid.addWidget(
                cell, place // columns, place % columns, 1, span, Qt.AlignmentFlag.AlignTop
            )
            place += span
        for column in range(3):
            self._grid.setColumnStretch(column, int(column < columns))


class Rows(QWidget):
    """One row a thing: a mark, its name, and what is known of it on the right.

    Parameters
    ----------
    mark : type
        `Thumb` or `Tick`.
    """

    def __init__(self, mark: type[Thumb] | type[Tick]) -> None:
        super().__init__()
        self._mark = mark
        self._grid = _grid(self)
        self._grid.setColumnStretch(1, 1)
        self._rows: list[tuple[Thumb | Tick, Words, Words]] = []

    def show_rows(self, rows: Sequence[tuple[Any, str, str]]) -> None:
        """Show these: what the mark shows, the name in rich text, what stands on the right."""
        for index in range(len(self._rows), len(rows)):
            parts = (self._mark(), Words(), Words(muted=True))
            for column, part in enumerate(parts):
                self._grid.addWidget(part, index, column)
            self._rows.append(parts)
        for mark, name, known in self._rows[len(rows) :]:
            mark.setVisible(False)
            name.say("")
            known.say("")
        for (mark, name, known), (value, text, right) in zip(self._rows, rows, strict=False):
            mark.setVisible(True)
            mark.set_value(value)
            name.say(text)
            known.say_plain(right)


class Thumb(QWidget):
    """The middle slice of an image, made when it is first seen."""

    def __init__(self) -> None:
        super().__init__()
        self._data: Float32 | None = None
        self._image: QImage | None = None
        follow(self, lambda em: self.setFixedSize(QSize(1, 1) * round(1.8 * em)))

    def set_value(self, data: Float32 | None) -> None:
        """Show this image; None leaves the place empty."""
        self._data, self._image = data, None
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the thumbnail."""
        if self._data is None:
            return
        if self._image is None:
            ratio = self.devicePixelRatioF()
            self._image = middle_thumbnail(self._data, self.width(), ratio=ratio)
        painter = QPainter(self)
        painter.drawImage(self.rect(), self._image)
        painter.end()


class Tick(QWidget):
    """A tick where something holds, a cross where it does not."""

    def __init__(self) -> None:
        super().__init__()
        self._holds = True
        follow(self, lambda em: self.setFixedSize(QSize(1, 1) * em))

    def set_value(self, holds: bool) -> None:
        """Tick or cross."""
        self._holds = holds
        self.setAccessibleName("holds" if holds else "does not hold")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the shape."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        word = "ok" if self._holds else "not supported"
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        paint_verdict(painter, box, word, Colours.of(self.palette()))
        painter.end()


def _grid(parent: QWidget) -> QGridLayout:
    grid = QGridLayout(parent)
    grid.setContentsMargins(0, 0, 0, 0)
    return grid
