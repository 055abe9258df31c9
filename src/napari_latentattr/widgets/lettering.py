"""Sizes of type that follow the application's font, and words that never leave their rectangle."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

from qtpy.QtCore import QEvent, QRectF, Qt, Signal
from qtpy.QtGui import QColor, QFont, QFontMetricsF, QPainter
from qtpy.QtWidgets import QLabel, QWidget

LEFT = Qt.AlignmentFlag.AlignLeft
RIGHT = Qt.AlignmentFlag.AlignRight
CENTRE = Qt.AlignmentFlag.AlignHCenter

SMALL = 0.85
LARGE = 1.15
_BREAK = "\N{ZERO WIDTH SPACE}"
_GAP = "\N{NO-BREAK SPACE}"


class TypeSize(QLabel):
    """Hidden label that tells a painted widget its font.

    A style sheet that sets the size of type of labels does not reach ``font()`` of a plain widget.
    """

    changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.hide()

    def face(self) -> QFont:
        """Font that labels have here now."""
        self.ensurePolished()
        return self.font()

    def changeEvent(self, event: QEvent | None) -> None:
        """Pass a new font on; a style sheet reaches what is hidden only when it is asked for."""
        super().changeEvent(event)
        if event is None:
            return
        if event.type() == QEvent.Type.StyleChange:
            self.ensurePolished()
        elif event.type() == QEvent.Type.FontChange:
            self.changed.emit()


def follow(widget: QWidget, fit: Callable[[int], object] | None = None) -> TypeSize:
    """Give a widget, and all in it that has no font of its own, the font of labels for good.

    Parameters
    ----------
    fit : callable, optional
        Called with the height of a line in pixels, to set what depends on it.
    """
    label = TypeSize(widget)

    def take() -> None:
        face = label.face()
        if widget.font() != face:
            widget.setFont(face)
        if fit is not None:
            fit(round(em(face)))

    label.changed.connect(take)
    take()
    return label


def em(font: QFont) -> float:
    """Height of a line in pixels; every other length is a multiple of it."""
    return float(QFontMetricsF(font).height())


def width(font: QFont, text: str) -> float:
    """Width of one line in pixels, with room for rounding."""
    return float(QFontMetricsF(font).horizontalAdvance(text)) + 2


def scaled(font: QFont, factor: float, *, bold: bool = False) -> QFont:
    """Return the same font in another size."""
    other = QFont(font)
    if font.pointSizeF() > 0:
        other.setPointSizeF(font.pointSizeF() * factor)
    else:
        other.setPixelSize(round(font.pixelSize() * factor))
    other.setBold(bold or font.bold())
    return other


def wrapped(font: QFont, text: str, room: float) -> list[str]:
    """Break text between words into lines that fit `room` pixels; a longer word stays whole."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".lstrip()
        if lines[-1] and width(font, longer) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def write(
    painter: QPainter,
    rect: QRectF,
    text: str,
    colour: str,
    *,
    align: Qt.AlignmentFlag = LEFT,
) -> None:
    """Write one line in the middle of the height of `rect`; what does not fit ends in dots."""
    metrics = QFontMetricsF(painter.font())
    said = metrics.elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
    painter.setPen(QColor(colour))
    flags = align.value | Qt.AlignmentFlag.AlignVCenter.value | Qt.TextFlag.TextSingleLine.value
    painter.drawText(rect, flags, said)


def write_lines(painter: QPainter, rect: QRectF, lines: list[str], colour: str) -> None:
    """Write lines below each other, around the middle of `rect`."""
    tall = em(painter.font())
    for number, line in enumerate(lines):
        top = rect.center().y() + tall * (number - len(lines) / 2)
        write(painter, QRectF(rect.left(), top, rect.width(), tall), line, colour)


def tooltip(lines: list[str]) -> str:
    """Lines for a tooltip, shown literally: a name from a file may look like HTML."""
    return "<qt>" + "<br>".join(escape(line) for line in lines) + "</qt>"


def unbroken(html: str) -> str:
    """Keep a number on one line with its sign of percent, and with what it is equal to."""
    together = re.sub(r"(?<=\d) (?=%)", _GAP, html)
    return re.sub(r"(?<=\b[pqn]) (=|<|&lt;) (?=\d)", rf"{_GAP}\1{_GAP}", together)


def breakable(html: str) -> str:
    """Let a path or another long word be broken: a label is never narrower than its longest word.

    Tags and entities are left alone.
    """
    return re.sub(r"<[^>]*>|&[^;\s]*;|[^\s<&]{16,}", _broken, html)


def without_breaks(text: str) -> str:
    """Return the text as it was before `breakable`, for the clipboard."""
    return text.replace(_BREAK, "")


def _broken(found: re.Match[str]) -> str:
    word = found[0]
    if word[0] in "<&":
        return word
    word = re.sub(r"(?<=[/\\_.:,-])(?=\w)", _BREAK, word)
    return re.sub(rf"[^{_BREAK}]{{20}}(?=[^{_BREAK}])", rf"\g<0>{_BREAK}", word)
