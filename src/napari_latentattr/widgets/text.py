"""Labels, buttons and cards that follow the theme and the font; they know nothing of studies."""

from __future__ import annotations

from html import escape

from qtpy.QtCore import QEvent, QRectF, QSize, Qt
from qtpy.QtGui import (
    QColor,
    QContextMenuEvent,
    QFont,
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPen,
)
from qtpy.QtWidgets import (
    QComboBox,
    QFrame,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QVBoxLayout,
    QWidget,
)

from napari_latentattr.widgets.lettering import breakable, follow, tooltip, unbroken, without_breaks
from napari_latentattr.widgets.palette import Colours, faded


class ClearLabel(QLabel):
    """Wrapped rich text that lets the card behind it show, under any style sheet."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setWordWrap(True)
        self.setIndent(0)
        chosen = Qt.TextInteractionFlag
        self.setTextInteractionFlags(chosen.TextSelectableByMouse | chosen.TextSelectableByKeyboard)

    def follow_links(self) -> None:
        """Let links be clicked, and reached by key."""
        flags, links = self.textInteractionFlags(), Qt.TextInteractionFlag
        self.setTextInteractionFlags(
            flags | links.LinksAccessibleByMouse | links.LinksAccessibleByKeyboard
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy what is marked as it was written."""
        if event.matches(QKeySequence.StandardKey.Copy) and self.hasSelectedText():
            self._copy()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer the same to the mouse."""
        if self.hasSelectedText():
            menu = QMenu(self)
            menu.addAction("Copy", self._copy)
            menu.exec(event.globalPos())

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(without_breaks(self.selectedText()))

    def event(self, event: QEvent | None) -> bool:
        """Take the background away that a style sheet has just given."""
        done = bool(super().event(event))
        if event is not None and event.type() in (QEvent.Type.Polish, QEvent.Type.StyleChange):
            self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, False)
        return done


class Name(QLabel):
    """The name of a field beside it, flush with the words of a card."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.setIndent(0)


def fit_choice(combo: QComboBox, tip: str) -> None:
    """Let a list be narrower than what is in it; its tooltip explains and repeats the choice."""
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(4)
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def tell(text: str) -> None:
        combo.setToolTip(tooltip([tip, text]) if text else tip)

    combo.currentTextChanged.connect(tell)
    tell(combo.currentText())


class Choice(QComboBox):
    """A list that may be narrower than what is in it; dots stand for what has no room."""

    def __init__(self, name: str, tip: str = "") -> None:
        super().__init__()
        self.setAccessibleName(name)
        fit_choice(self, tip or name.capitalize())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the choice as the theme does, but never half a letter."""
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        combo, field = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
        painter.drawComplexControl(combo, option)
        room = self.style().subControlRect(combo, option, field, self).width()
        metrics = self.fontMetrics()
        option.currentText = metrics.elidedText(
            self.currentText(), Qt.TextElideMode.ElideRight, room - metrics.averageCharWidth()
        )
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)


class Part(QWidget):
    """Part of a card; a plain `QWidget` would get the background of a window."""


MUTED = "\1"  # stands for the colour of less important words, in the rich text of `Words`


class Words(ClearLabel):
    """Wrapped rich text in the colours of the theme."""

    def __init__(self, html: str = "", *, muted: bool = False, parent: QWidget | None = None):
        super().__init__(parent)
        self._muted, self._html = muted, ""
        self.say(html)

    def say(self, html: str) -> None:
        """Show rich text; what came from files must be escaped before."""
        self._html = html
        self._paint_text()
        if html and self.parent() is None:
            # It is shown with what it is put into; shown before, it were a window of its own.
            self.setAttribute(Qt.WidgetAttribute.WA_WState_ExplicitShowHide, False)
        else:
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
        html = f'<span style="color:{MUTED}">{self._html}</span>' if self._muted else self._html
        wanted = breakable(unbroken(html)).replace(MUTED, Colours.of(self.palette()).muted)
        if wanted != self.text():
            self.setText(wanted)


class Button(QPushButton):
    """One of several things that can be done."""

    _bold = False

    def sizeHint(self) -> QSize:
        """Leave room around the words."""
        metrics = QFontMetrics(self._face())
        em = metrics.height()
        return QSize(metrics.horizontalAdvance(self.text()) + round(1.4 * em), round(1.7 * em))

    def minimumSizeHint(self) -> QSize:
        """Never narrower than the words."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the words into a rounded box."""
        colours = Colours.of(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        fill = self._fill(colours)
        edge = fill if self._bold else QColor(colours.line)
        painter.setBrush(fill)
        painter.setPen(QPen(QColor(colours.text), 2) if self.hasFocus() else QPen(edge, 1))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 4, 4)
        painter.setPen(QColor(self._ink(colours)))
        self._write(painter)
        painter.end()

    def _write(self, painter: QPainter) -> None:
        painter.setFont(self._face())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())

    def _face(self) -> QFont:
        self.ensurePolished()
        font = QFont(self.font())
        font.setBold(self._bold)
        return font

    def _fill(self, colours: Colours) -> QColor:
        if self.isChecked():
            return faded(colours.accent, 0.45)
        strong = self.isEnabled() and (self.isDown() or self.underMouse())
        return faded(colours.text, 0.18 if strong else 0.08)

    def _ink(self, colours: Colours) -> str:
        return colours.text if self.isEnabled() else colours.muted


class PrimaryButton(Button):
    """The one button of a step that leads on; grey when it cannot be clicked."""

    _bold = True

    def _fill(self, colours: Colours) -> QColor:
        fill = QColor(colours.accent if self.isEnabled() else colours.muted)
        if self.isDown():
            return fill.darker(115)
        return fill.lighter(110) if self.underMouse() and self.isEnabled() else fill

    def _ink(self, colours: Colours) -> str:
        return "white"


class Card(QFrame):
    """A group of things that belong together.

    Parameters
    ----------
    title : str
    tone : str
        A verdict whose colour the card has, for what must be noticed.
    dashed : bool
        With a dashed edge: something is missing here and can be brought.
    """

    def __init__(
        self,
        title: str = "",
        parent: QWidget | None = None,
        *,
        tone: str = "",
        dashed: bool = False,
    ) -> None:
        super().__init__(parent)
        self._tone, self._dashed = tone, dashed
        self.box = QVBoxLayout(self)
        follow(self, self._fit)
        if title:
            self.box.addWidget(Words(f"<b>{escape(title)}</b>"))

    def set_tone(self, tone: str) -> None:
        """Take the colour of a verdict; none where empty."""
        self._tone = tone
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the card itself."""
        colours = Colours.of(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edge, fill = QColor(colours.line), QColor(colours.card)
        if self._tone:
            edge = QColor(colours.verdict(self._tone))
            fill = faded(edge.name(), 0.12)
        pen = QPen(edge, 1)
        if self._dashed:
            pen = QPen(faded(colours.muted, 0.7), 1.5, Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.setBrush(fill)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)

    def _fit(self, em: int) -> None:
        self.box.setContentsMargins(*(round(em * f) for f in (0.8, 0.6, 0.8, 0.7)))
        self.box.setSpacing(round(0.45 * em))


class EmptyState(Card):
    """What a page says before it has anything to show: what it is for, and the next click."""

    def __init__(self, title: str, text: str, *buttons: QPushButton) -> None:
        super().__init__(dashed=True)
        self.box.addWidget(Words(f'<span style="font-size:large"><b>{escape(title)}</b></span>'))
        self.box.addWidget(Words(escape(text)))
        for button in buttons:
            self.box.addWidget(button, alignment=Qt.AlignmentFlag.AlignLeft)
