"""A small picture of a case with a few words below it; a click shows that case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from html import escape

from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent
from qtpy.QtWidgets import QGridLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_latentattr.core.case_sheet import Box, Grey
from napari_latentattr.widgets.lettering import TypeSize, em, tooltip
from napari_latentattr.widgets.palette import Colours
from napari_latentattr.widgets.text import Words
from napari_latentattr.widgets.thumbnails import Plane, thumbnail

ACROSS = 4
_SIDES = 3.8, 6.5  # smallest and largest, in lines of type
_GREYS = (0.0, 255.0)
_OUTLINE = "#ffd166"  # as the letters at the edges of the canvas


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """What one tile shows.

    Attributes
    ----------
    words : tuple of str
        Lines below the picture, the first one bold.
    tip : str
        What a click does.
    image : (h, w) uint8 array
    box : ((float, float), (float, float)) or None
        Rows and columns to outline.
    framed : bool
        Whether it is what one looks at.
    """

    words: tuple[str, ...]
    tip: str
    image: Grey
    box: Box | None = None
    framed: bool = False


class CaseTile(QWidget):
    """Picture and words.

    Signals
    -------
    clicked
    """

    clicked = Signal()

    def __init__(self, tip: str = "", html: str = "") -> None:
        super().__init__()
        self.picture, self.words = CasePicture(), Words()
        self.picture.clicked.connect(self.clicked)
        self._say(tip, html)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.picture, alignment=Qt.AlignmentFlag.AlignLeft)
        box.addWidget(self.words)
        box.addStretch(1)

    def show_tile(self, tile: Tile) -> None:
        """Show another case."""
        first, *others = map(escape, tile.words)
        self._say(", ".join([tile.tip, *tile.words[1:]]), "<br>".join([f"<b>{first}</b>", *others]))
        self.picture.set_image(tile.image, _GREYS, tile.box)
        self.picture.set_framed(framed=tile.framed)

    def _say(self, tip: str, html: str) -> None:
        self.picture.setToolTip(tooltip([tip]) if tip else "")
        self.picture.setAccessibleName(tip)
        self.words.say(html)


class TileRows(QWidget):
    """Tiles in rows; they are used again for the next map.

    Parameters
    ----------
    most : int
        Tiles.
    live : bool
        Whether a click does something.

    Signals
    -------
    picked : int
        Position of the tile that was clicked.
    """

    picked = Signal(int)

    def __init__(self, most: int, *, live: bool = True) -> None:
        super().__init__()
        self.tiles = [CaseTile() for _ in range(most)]
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        for i, tile in enumerate(self.tiles):
            tile.clicked.connect(partial(self.picked.emit, i))
            if not live:
                tile.picture.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            grid.addWidget(tile, i // ACROSS, i % ACROSS)
        for column in range(ACROSS):
            grid.setColumnStretch(column, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Let the pictures fill their columns, within reason."""
        super().resizeEvent(event)
        gap = self.layout().spacing() if self.layout() else 0
        room = (self.width() - (ACROSS - 1) * max(gap, 0)) // ACROSS
        for tile in self.tiles:
            tile.picture.fill(room)

    def show_tiles(self, tiles: Sequence[Tile]) -> None:
        """Show these, and hide what is left over."""
        for i, place in enumerate(self.tiles):
            if i < len(tiles):
                place.show_tile(tiles[i])
            place.setVisible(i < len(tiles))


class CasePicture(QPushButton):
    """A plane of one image; black until there is one."""

    def __init__(self) -> None:
        super().__init__()
        self._image: Plane | None = None
        self._limits: tuple[float, float] | None = None
        self._box: Box | None = None
        self._framed = False
        self._room = 0
        self._pixmap: tuple[int, float, QPixmap] | None = None
        self._type = TypeSize(self)
        self._type.changed.connect(self.updateGeometry)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    @property
    def image(self) -> Plane | None:
        """What is pictured."""
        return self._image

    @property
    def is_framed(self) -> bool:
        """Whether it is of what is looked at."""
        return self._framed

    def set_image(
        self,
        image: Plane | None,
        limits: tuple[float, float] | None = None,
        box: Box | None = None,
    ) -> None:
        """Show a plane (h, w).

        Parameters
        ----------
        limits : (float, float), optional
            Black and white.
        box : ((float, float), (float, float)), optional
            Rows and columns to outline.
        """
        self._image, self._limits, self._box, self._pixmap = image, limits, box, None
        self.update()

    def set_framed(self, *, framed: bool) -> None:
        """Frame it, because it is what one looks at."""
        if framed != self._framed:
            self._framed = framed
            self.update()

    def fill(self, room: int) -> None:
        """Grow into this many pixels, as far as the size of type lets it."""
        if room != self._room:
            self._room = room
            self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Follow the size of type, and the room."""
        least, most = (round(side * em(self._type.face())) for side in _SIDES)
        side = min(max(self._room, least), most)
        return QSize(side, side)

    def minimumSizeHint(self) -> QSize:
        """Narrow enough for four in a row."""
        least = round(_SIDES[0] * em(self._type.face()))
        return QSize(least, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint picture, outline and frame."""
        painter, colours = QPainter(self), Colours.of(self.palette())
        painter.fillRect(self.rect(), QColor("black"))
        if self._image is not None:
            painter.drawPixmap(0, 0, self._drawn(self._image))
            if self._box is not None:
                painter.setPen(QPen(QColor(_OUTLINE), 1))
                painter.drawRect(self._outline(self._image, self._box))
        if self._framed or self.hasFocus():
            painter.setPen(QPen(QColor(colours.accent), 5 if self._framed else 2))
            painter.drawRect(self.rect().adjusted(1, 1, -2, -2))
        painter.end()

    def _drawn(self, image: Plane) -> QPixmap:
        side, ratio = min(self.width(), self.height()), self.devicePixelRatioF()
        if self._pixmap is None or self._pixmap[:2] != (side, ratio):
            drawn = thumbnail(image, self._limits, side, ratio=ratio)
            self._pixmap = (side, ratio, QPixmap.fromImage(drawn))
        return self._pixmap[2]

    def _outline(self, image: Plane, box: Box) -> QRectF:
        side, (tall, wide) = min(self.width(), self.height()), image.shape
        scale = side / max(tall, wide)
        left, top = (side - wide * scale) / 2, (side - tall * scale) / 2
        (y0, y1), (x0, x1) = box
        first = QPointF(left + scale * x0, top + scale * y0)
        rect = QRectF(first, QPointF(left + scale * x1 - 1, top + scale * y1 - 1))
        return rect.intersected(QRectF(0, 0, side - 1, side - 1))
