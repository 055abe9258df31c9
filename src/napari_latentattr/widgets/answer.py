"""The answer card: a sentence with a verdict in colour, above any chart.

It shows the answer that it is given; it makes no words of its own.
"""

from __future__ import annotations

from html import escape

from qtpy.QtCore import QEvent, QRectF, Qt
from qtpy.QtGui import QColor, QGuiApplication, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_latentattr.widgets.answer_words import Answer, answer_of, no_answer
from napari_latentattr.widgets.lettering import LARGE, SMALL, TypeSize, em
from napari_latentattr.widgets.palette import Colours
from napari_latentattr.widgets.pill import Pill

__all__ = ["Answer", "AnswerCard", "ClearLabel", "answer_of", "no_answer"]


class ClearLabel(QLabel):
    """Wrapped rich text that lets the card behind it show, under any style sheet."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setWordWrap(True)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        chosen = Qt.TextInteractionFlag
        self.setTextInteractionFlags(chosen.TextSelectableByMouse | chosen.TextSelectableByKeyboard)

    def event(self, event: QEvent | None) -> bool:
        """Take the background away that a style sheet has just given."""
        done = bool(super().event(event))
        if event is not None and event.type() in (QEvent.Type.Polish, QEvent.Type.StyleChange):
            self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, False)
        return done


class AnswerCard(QWidget):
    """Verdict, sentence, what it rests on, and a button that copies all of it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._answer: Answer | None = None
        self.pill = Pill("undecided")
        self.sentence = ClearLabel()
        self.small = ClearLabel()
        self.copy_button = QPushButton("Copy")
        self.copy_button.setToolTip("Copy the sentence and the line below it")
        self.copy_button.setAccessibleName("Copy the answer")
        self.copy_button.clicked.connect(self.copy)
        self._type = TypeSize(self)
        self._type.changed.connect(self._say)
        self._arrange()
        self.setAccessibleName("Answer")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)

    def set_answer(self, answer: Answer) -> None:
        """Show this answer."""
        self._answer = answer
        self.pill.set_verdict(answer.verdict_word, answer.headline)
        self.sentence.setAccessibleName(answer.plain)
        self.small.setAccessibleName(answer.small_line)
        self.small.setVisible(bool(answer.small_line))
        self.setAccessibleDescription(answer.plain)
        self._say()

    def copied_text(self) -> str:
        """Return what `copy` puts on the clipboard: the sentence, and the small line below."""
        if self._answer is None:
            return ""
        return "\n".join(filter(None, (self._answer.plain, self._answer.small_line)))

    def copy(self) -> None:
        """Put the answer on the clipboard."""
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(self.copied_text())

    def changeEvent(self, event: QEvent | None) -> None:
        """Colour the verdict anew when the theme changes."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.PaletteChange:
            self._say()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the card."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = Colours.of(self.palette())
        painter.setPen(QPen(QColor(colours.line), 1))
        painter.setBrush(QColor(colours.card))
        corner = 0.45 * em(self._type.face())
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), corner, corner)
        painter.end()

    def _arrange(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.pill, 1)
        top.addWidget(self.copy_button)
        column = self._column = QVBoxLayout(self)
        column.addLayout(top)
        column.addWidget(self.sentence)
        column.addWidget(self.small)

    def _say(self) -> None:
        """Set all text, in the sizes and colours of now."""
        face = self._type.face()
        unit = round(em(face))
        self._column.setContentsMargins(unit, round(0.7 * unit), unit, round(0.8 * unit))
        self._column.setSpacing(round(0.5 * unit))
        if self._answer is None:
            return
        colours = Colours.of(self.palette())
        verdict = colours.verdict(self._answer.verdict_word)
        size = face.pointSizeF() if face.pointSizeF() > 0 else face.pixelSize()
        unit_name = "pt" if face.pointSizeF() > 0 else "px"
        style = f".verdict {{ color: {verdict}; font-weight: bold; }}"
        body = f'<div style="font-size: {LARGE * size:.2f}{unit_name}">{self._answer.html}</div>'
        self._show(self.sentence, f"<style>{style}</style>{body}")
        small = f"font-size: {SMALL * size:.2f}{unit_name}; color: {colours.muted}"
        self._show(self.small, f'<div style="{small}">{escape(self._answer.small_line)}</div>')

    @staticmethod
    def _show(label: QLabel, html: str) -> None:
        if label.text() != html:
            label.setText(html)
