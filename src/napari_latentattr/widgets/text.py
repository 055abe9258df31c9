"""Labels and buttons that follow the theme and the font; they know nothing of studies."""

from __future__ import annotations

from html import escape

from qtpy.QtCore import QEvent, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QFrame, QPushButton, QVBoxLayout, QWidget

from napari_latentattr.widgets.answer import ClearLabel
from napari_latentattr.widgets.palette import Colours


class Words(ClearLabel):
    """Wrapped rich text whose colours follow the theme: ``{muted}`` and others are filled in."""

    def __init__(self, html: str = "", *, muted: bool = False, parent: QWidget | None = None):
        super().__init__(parent)
        self._muted, self._html = muted, ""
        self.say(html)

    def say(self, html: str) -> None:
        """Show rich text; what came from files must be escaped before."""
        self._html = html
        self._paint_text()
        self.setVisible(bool(html))

    def say_plain(self, text: str) -> None:
        """Show text literally."""
        self.say(escape(text))

    def changeEvent(self, event: QEvent) -> None:
        """Colour the text anew when the theme changes."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.PaletteChange):
            self._paint_text()

    def _paint_text(self) -> None:
        colour = Colours.of(self.palette()).muted
        html = f'<span style="color:{QColor(colour).name()}">{self._html}</span>'
        wanted = html if self._muted else self._html
        if wanted != self.text():
            self.setText(wanted)


class PrimaryButton(QPushButton):
    """The one button of a step that leads on."""

    def sizeHint(self) -> QSize:
        """Leave room around the words."""
        em = self.fontMetrics().height()
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + 2 * em, round(1.7 * em))

    def minimumSizeHint(self) -> QSize:
        """Never narrower than the words."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the words on the accent colour; grey when it cannot be clicked."""
        colours = Colours.of(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        fill = QColor(colours.accent if self.isEnabled() else colours.muted)
        if self.isDown():
            fill = fill.darker(115)
        elif self.underMouse() and self.isEnabled():
            fill = fill.lighter(110)
        painter.setBrush(fill)
        painter.setPen(QPen(QColor(colours.text), 2) if self.hasFocus() else Qt.PenStyle.NoPen)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 4, 4)
        font = self.font()
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(QColor("white"))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())


class Card(QFrame):
    """A group of things that belong together."""

    def __init__(self, title: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.box = QVBoxLayout(self)
        em = self.fontMetrics().height()
        self.box.setContentsMargins(*(round(em * f) for f in (0.8, 0.6, 0.8, 0.7)))
        self.box.setSpacing(round(0.45 * em))
        if title:
            self.box.addWidget(Words(f"<b>{escape(title)}</b>"))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the card itself."""
        colours = Colours.of(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(colours.line), 1))
        painter.setBrush(QColor(colours.card))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)


class EmptyState(QWidget):
    """What a page says before it has anything to show: what it is for, and the next click."""

    def __init__(self, title: str, text: str, *buttons: QPushButton) -> None:
        super().__init__()
        box = QVBoxLayout(self)
        box.setSpacing(self.fontMetrics().height() // 2)
        box.addWidget(Words(f'<span style="font-size:large"><b>{escape(title)}</b></span>'))
        box.addWidget(Words(escape(text)))
        for button in buttons:
            box.addWidget(button, alignment=Qt.AlignmentFlag.AlignLeft)
