"""A verdict as a pill: its shape, its colour and a few words."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QRectF, QSize
from qtpy.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_latentattr.widgets.lettering import TypeSize, em, tooltip, width, write
from napari_latentattr.widgets.palette import Colours, faded
from napari_latentattr.widgets.verdict_shapes import paint_verdict

_TALL = 1.6  # lines of type


def paint_pill(
    painter: QPainter, rect: QRectF, word: str, text: str, colours: Colours, font: QFont
) -> None:
    """Paint a verdict into a rounded box.

    Parameters
    ----------
    word : str
        The verdict: gives shape and colour.
    text : str
        What is written; ends in dots where it does not fit.
    """
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    colour = colours.verdict(word)
    unit = em(font)
    painter.setBrush(faded(colour, 0.18))
    painter.setPen(QPen(QColor(colour), 1))
    box = rect.adjusted(0.5, 0.5, -0.5, -0.5)
    painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
    shape = QRectF(rect.left() + 0.5 * unit, rect.center().y() - 0.4 * unit, 0.8 * unit, 0.8 * unit)
    paint_verdict(painter, shape, word, colours)
    painter.setFont(font)
    words = rect.adjusted(1.6 * unit, 0, -0.6 * unit, 0)
    write(painter, words, text, colours.text)


class Pill(QWidget):
    """Shows one verdict."""

    def __init__(self, word: str = "ok", text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._type = TypeSize(self)
        self._type.changed.connect(self._fit)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.set_verdict(word, text)

    def set_verdict(self, word: str, text: str = "", *, tip: Sequence[str] = ()) -> None:
        """Show a verdict.

        Parameters
        ----------
        word : str
            The verdict: gives shape and colour.
        text : str
            What is written; the word itself when empty.
        tip : sequence of str
            Lines that explain it when the pointer rests on it.
        """
        self._word, self._text = word, text or word
        self.setAccessibleName(self._text)
        self.setToolTip(tooltip([self._text, *tip]))
        self._fit()

    def sizeHint(self) -> QSize:
        """Room for all words."""
        face = self._type.face()
        return QSize(self._room(self._text), round(_TALL * em(face)))

    def minimumSizeHint(self) -> QSize:
        """Room for the shape and the first letters."""
        unit = em(self._type.face())
        return QSize(round(5 * unit), round(_TALL * unit))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint in the colours of the palette, no wider than the words.

        A last part after a dot is left out where there is no room for it: better none than half a
        number.
        """
        painter = QPainter(self)
        rect = QRectF(self.rect())
        text = self._text
        if self._room(text) > rect.width():
            text = text.rpartition(" · ")[0] or text
        rect.setWidth(min(rect.width(), self._room(text)))
        colours = Colours.of(self.palette())
        paint_pill(painter, rect, self._word, text, colours, self._type.face())
        painter.end()

    def _room(self, text: str) -> int:
        face = self._type.face()
        return round(width(face, text) + 2.3 * em(face))

    def _fit(self) -> None:
        self.updateGeometry()
        self.update()
