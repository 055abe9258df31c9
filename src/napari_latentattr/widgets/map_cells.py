"""Paints the cells of the table of maps."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import QRect, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QFontMetrics, QImage, QPainter
from qtpy.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from napari_latentattr.core.types import Ranking
from napari_latentattr.widgets.importance_bar import paint_importance
from napari_latentattr.widgets.map_rows import (
    IMPORTANCE,
    MAP,
    PICTURE,
    VERDICT,
    Index,
    MapRows,
)
from napari_latentattr.widgets.palette import Colours
from napari_latentattr.widgets.verdict_shapes import paint_verdict


def word_width(metrics: QFontMetrics, verdict: str) -> int:
    """Room for a verdict beside its shape."""
    return int(metrics.horizontalAdvance(verdict) + round(1.9 * metrics.height()))


class MapCells(QStyledItemDelegate):
    """Paints thumbnails, bars and verdicts; leaves plain text to Qt."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one cell."""
        colours, column = Colours.of(option.palette), index.column()
        if option.state & QStyle.StateFlag.State_Selected:
            tint = QColor(colours.accent)
            tint.setAlpha(90)
            painter.fillRect(option.rect, tint)
        rows, k = self._source(index)
        painter.save()
        painter.setFont(option.font)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if column == PICTURE:
            self._paint_picture(painter, option.rect, rows.picture(k))
        elif column == IMPORTANCE:
            self._paint_bar(painter, option.rect, rows.ranking, k, colours)
        elif column == VERDICT:
            self._paint_word(painter, option, rows.verdict(k), colours)
        elif column == MAP and rows.check(k):
            self._paint_checked(painter, option, str(index.data()), rows.check(k), colours)
        else:
            painter.setPen(QColor(colours.text))
            painter.drawText(option.rect, Qt.AlignmentFlag.AlignCenter, str(index.data()))
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Room for the shape beside the word, for words in two lines, and around all."""
        self.initStyleOption(option, index)
        metrics, column = option.fontMetrics, index.column()
        em = metrics.height()
        if column == PICTURE:
            return QSize(2 * em, 2 * em)
        words = str(index.data())
        if column == VERDICT:
            return QSize(max(word_width(metrics, word) for word in words.split()), 2 * em)
        shape = 2 * em if column == MAP and self._source(index)[0].any_checked else 0
        return QSize(metrics.horizontalAdvance(words) + round(0.4 * em) + shape, 2 * em)

    def _source(self, index: Index) -> tuple[MapRows, int]:
        proxy: Any = index.model()
        return proxy.sourceModel(), proxy.mapToSource(index).row()

    def _paint_picture(self, painter: QPainter, rect: QRect, image: QImage | None) -> None:
        if image is None:
            return
        size = image.size().scaled(rect.size() * 0.86, Qt.AspectRatioMode.KeepAspectRatio)
        box = QRect(0, 0, size.width(), size.height())
        box.moveCenter(rect.center())
        painter.drawImage(box, image)

    def _paint_bar(
        self, painter: QPainter, rect: QRect, ranking: Ranking | None, k: int, colours: Colours
    ) -> None:
        if ranking is None:
            return
        highs = [ranking.importance, [e.high for e in ranking.evidence]]
        maximum = max(float(np.nanmax(np.asarray(h, dtype=float), initial=0.0)) for h in highs)
        e = ranking.evidence[k]
        box = QRectF(rect).adjusted(4, rect.height() * 0.28, -6, -rect.height() * 0.28)
        paint_importance(
            painter, box, float(ranking.importance[k]), e.low, e.high, maximum or 1.0, colours
        )

    def _paint_checked(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        text: str,
        check: str,
        colours: Colours,
    ) -> None:
        """Paint the number in the middle, as in every row, and the verdict at the right of it."""
        rect, em = option.rect, option.fontMetrics.height()
        painter.setPen(QColor(colours.text))
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)
        side = 0.7 * em
        left = rect.center().x() + option.fontMetrics.horizontalAdvance(text) / 2 + 0.25 * em
        paint_verdict(
            painter, QRectF(left, rect.center().y() - side / 2, side, side), check, colours
        )

    def _paint_word(
        self, painter: QPainter, option: QStyleOptionViewItem, word: str, colours: Colours
    ) -> None:
        rect, em = option.rect, option.fontMetrics.height()
        shape = "tie" if word.startswith("tied") else word
        if shape != "not ranked":
            side = 0.8 * em
            box = QRectF(rect.left() + 0.3 * em, rect.center().y() - side / 2, side, side)
            paint_verdict(painter, box, shape, colours)
        painter.setPen(QColor(colours.text))
        words = rect.adjusted(round(1.5 * em), 0, 0, 0)
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(words, flags | Qt.TextFlag.TextWordWrap, word)
