"""The answer card: a sentence with a verdict in colour, above any chart.

It shows the answer that it is given; it makes no words of its own.
"""

from __future__ import annotations

from html import escape

from qtpy.QtCore import QEvent
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QHBoxLayout, QLabel, QWidget

from napari_latentattr.widgets.answer_words import Answer, answer_of, no_answer
from napari_latentattr.widgets.lettering import LARGE, SMALL, breakable, unbroken
from napari_latentattr.widgets.palette import Colours
from napari_latentattr.widgets.pill import Pill
from napari_latentattr.widgets.text import Button, Card, ClearLabel

__all__ = ["Answer", "AnswerCard", "answer_of", "no_answer"]


class AnswerCard(Card):
    """Verdict, sentence, what it rests on, and a button that copies all of it."""

    _answer: Answer | None = None

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.pill = Pill("undecided")
        self.sentence = ClearLabel()
        self.small = ClearLabel()
        self.copy_button = Button("Copy")
        self.copy_button.setToolTip("Copy the sentence and the line below it")
        self.copy_button.setAccessibleName("Copy the answer")
        self.copy_button.clicked.connect(self.copy)
        self._arrange()
        self.setAccessibleName("Answer")

    def set_answer(self, answer: Answer) -> None:
        """Show this answer."""
        self._answer = answer
        self.pill.set_verdict(answer.verdict_word, answer.headline, tip=answer.tip)
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

    def _arrange(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.pill, 1)
        top.addWidget(self.copy_button)
        self.box.addLayout(top)
        self.box.addWidget(self.sentence)
        self.box.addWidget(self.small)

    def _fit(self, em: int) -> None:
        super()._fit(em)
        self._say()

    def _say(self) -> None:
        """Set all text, in the sizes and colours of now."""
        if self._answer is None:
            return
        colours = Colours.of(self.palette())
        verdict = colours.verdict(self._answer.verdict_word)
        face = self.font()
        size = face.pointSizeF() if face.pointSizeF() > 0 else face.pixelSize()
        unit_name = "pt" if face.pointSizeF() > 0 else "px"
        style = f".verdict {{ color: {verdict}; font-weight: bold; }}"
        large = f"font-size: {LARGE * size:.2f}{unit_name}"
        body = f'<div style="{large}">{breakable(unbroken(self._answer.html))}</div>'
        self._show(self.sentence, f"<style>{style}</style>{body}")
        small = f"font-size: {SMALL * size:.2f}{unit_name}; color: {colours.muted}"
        line = breakable(unbroken(escape(self._answer.small_line)))
        self._show(self.small, f'<div style="{small}">{line}</div>')

    @staticmethod
    def _show(label: QLabel, html: str) -> None:
        if label.text() != html:
            label.setText(html)
