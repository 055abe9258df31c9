"""One small picture for each representative case; a click shows that case."""

from __future__ import annotations

from html import escape

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen, QPixmap
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_latentattr.core.clusters import Clusters, group_letter
from napari_latentattr.core.types import Float32
from napari_latentattr.widgets.lettering import TypeSize, em
from napari_latentattr.widgets.palette import Colours
from napari_latentattr.widgets.text import Button, Card, Words
from napari_latentattr.widgets.thumbnails import middle_thumbnail

_SIDE = 4.6  # lines of type
_ACROSS = 4


class CaseCards(Card):
    """Representative cases with the number of cases they stand for.

    Signals
    -------
    picked : int
        Position of the case that was clicked.
    all_wanted
        All of them are to be circled.
    """

    picked = Signal(int)
    all_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.cards: list[CaseCard] = []
        self.every = Button("Show all")
        self.every.setToolTip("Select all representative cases in the scatter")
        self.every.clicked.connect(self.all_wanted)
        top = QHBoxLayout()
        top.addWidget(Words("<b>Representative cases</b>"), 1)
        top.addWidget(self.every)
        self.box.addLayout(top)
        self._grid = QGridLayout()
        self.box.addLayout(self._grid)

    def set_clusters(self, found: Clusters | None) -> None:
        """Make one card a group."""
        for card in self.cards:
            self._grid.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.cards = []
        if found is None:
            return
        for group, case in enumerate(found.medoids.tolist()):
            card = CaseCard(case, found.cases[case], group, len(found.members(group)))
            card.clicked.connect(self.picked)
            self._grid.addWidget(card, group // _ACROSS, group % _ACROSS)
            self.cards.append(card)

    def set_pictures(self, pictures: dict[int, Float32]) -> None:
        """Show what the cases look like, where that is known."""
        for card in self.cards:
            if card.case in pictures:
                card.picture.set_image(pictures[card.case])

    def mark(self, case: int) -> None:
        """Frame the card of the case whose images are shown."""
        for card in self.cards:
            card.picture.set_framed(framed=card.case == case)


class CaseCard(QWidget):
    """Picture, name, and what it stands for.

    Signals
    -------
    clicked : int
        The case.
    """

    clicked = Signal(int)

    def __init__(self, case: int, name: str, group: int, cases: int) -> None:
        super().__init__()
        self.case = case
        self.picture = _Picture(f"Show case {name}, which stands for group {group_letter(group)}")
        self.picture.clicked.connect(lambda: self.clicked.emit(self.case))
        words = Words(f"<b>{group_letter(group)}</b> {escape(name)}<br>stands for {cases}")
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.picture, alignment=Qt.AlignmentFlag.AlignLeft)
        box.addWidget(words)
        box.addStretch(1)


class _Picture(QPushButton):
    """The middle slice of one image; black until it was read."""

    def __init__(self, tip: str) -> None:
        super().__init__()
        self._image: Float32 | None = None
        self._framed = False
        self._type = TypeSize(self)
        self._type.changed.connect(self.updateGeometry)
        self.setToolTip(tip)
        self.setAccessibleName(tip)

    def set_image(self, image: Float32) -> None:
        self._image = image
        self.update()

    def set_framed(self, *, framed: bool) -> None:
        self._framed = framed
        self.update()

    def sizeHint(self) -> QSize:
        side = round(_SIDE * em(self._type.face()))
        return QSize(side, side)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, colours = QPainter(self), Colours.of(self.palette())
        painter.fillRect(self.rect(), QColor("black"))
        if self._image is not None:
            ratio = self.devicePixelRatioF()
            drawn = middle_thumbnail(self._image, min(self.width(), self.height()), ratio=ratio)
            painter.drawPixmap(0, 0, QPixmap.fromImage(drawn))
        if self._framed or self.hasFocus():
            painter.setPen(QPen(QColor(colours.accent), 5 if self._framed else 2))
            painter.drawRect(self.rect().adjusted(1, 1, -2, -2))
        painter.end()
