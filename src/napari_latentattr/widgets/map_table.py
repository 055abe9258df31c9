"""The latent maps as a sortable table that follows the selection, and sets it."""

from __future__ import annotations

from qtpy.QtCore import QSortFilterProxyModel, Qt, Signal
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from napari_latentattr.session import Session
from napari_latentattr.widgets.lettering import follow
from napari_latentattr.widgets.map_cells import MapCells, word_width
from napari_latentattr.widgets.map_rows import (
    GROUP,
    IMPORTANCE,
    MAP,
    SORT,
    VERDICT,
    Index,
    MapRows,
    Q,
)


class MapTable(QTableView):
    """Sortable table; a single click selects everywhere.

    Signals
    -------
    opened : int
        A map was double-clicked, or Enter was pressed on it.
    """

    opened = Signal(int)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._following = session, False
        self.rows = MapRows(session)
        self.proxy = QSortFilterProxyModel()
        self.proxy.setSourceModel(self.rows)
        self.proxy.setSortRole(SORT)
        self.proxy.setFilterKeyColumn(-1)
        self.setModel(self.proxy)
        self.setItemDelegate(MapCells(self))
        self._dress()
        follow(self, self._fit)
        self.rows.modelReset.connect(self._on_reset)
        self.rows.modelReset.connect(self._make_room)
        self.horizontalHeader().sortIndicatorChanged.connect(self._make_room)
        session.selection_changed.connect(self._follow)
        self.selectionModel().currentRowChanged.connect(self._on_row)
        self.doubleClicked.connect(lambda index: self.opened.emit(self._map(index)))
        self.activated.connect(lambda index: self.opened.emit(self._map(index)))
        self._on_reset()

    def _dress(self) -> None:
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setSortingEnabled(True)
        self.setAccessibleName("latent maps")
        self.verticalHeader().setVisible(False)
        header = self.horizontalHeader()
        header.setHighlightSections(False)  # bold titles need room that a small window lacks
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(IMPORTANCE, QHeaderView.ResizeMode.Stretch)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out what does not fit; hovering over a row tells it."""
        super().resizeEvent(event)
        self._make_room()

    def _fit(self, em: int) -> None:
        self.verticalHeader().setDefaultSectionSize(round(2.2 * em))
        self.setMinimumHeight(10 * em)
        self._make_room()

    def _make_room(self) -> None:
        header = self.horizontalHeader()
        wide = {column: self._wanted(column) for column in range(header.count())}
        room = self.viewport().width()
        for column in (GROUP, Q):
            hidden = sum(wide.values()) > room
            self.setColumnHidden(column, hidden)
            if hidden:
                del wide[column]
        one_line = self._verdict_width()
        if sum(wide.values()) - wide[VERDICT] + one_line <= room:
            wide[VERDICT] = max(wide[VERDICT], one_line)
        for column in wide:
            header.resizeSection(column, wide[column])

    def _wanted(self, column: int) -> int:
        """Room for the cells, and for the title with the arrow of sorting beside it."""
        header = self.horizontalHeader()
        title = self.rows.headerData(column, Qt.Orientation.Horizontal)
        room = 2.0 if column == header.sortIndicatorSection() else 0.8
        words = header.fontMetrics().horizontalAdvance(title) + room * header.fontMetrics().height()
        return max(round(words) if title else 0, int(self.sizeHintForColumn(column)))

    def _verdict_width(self) -> int:
        """Room for every verdict in one line."""
        words = {self.rows.verdict(k) for k in range(self.rows.rowCount())}
        return max((word_width(self.fontMetrics(), word) for word in words), default=0)

    def filter(self, text: str) -> None:
        """Keep rows in which any word occurs."""
        self.proxy.setFilterFixedString(text.strip())
        self.proxy.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)

    def _map(self, index: Index) -> int:
        return int(self.proxy.mapToSource(index).row())

    def _on_row(self, now: Index, before: Index) -> None:
        if now.isValid() and not self._following and self._session.study is not None:
            self._session.select(map=self._map(now))

    def _on_reset(self) -> None:
        column = MAP if self.rows.ranking is None else IMPORTANCE
        order = Qt.SortOrder.AscendingOrder if column == MAP else Qt.SortOrder.DescendingOrder
        self.sortByColumn(column, order)
        self._follow()

    def _follow(self, *_: object) -> None:
        if self._session.study is None:
            return
        wanted = self.rows.index(self._session.selection.map, MAP)
        index = self.proxy.mapFromSource(wanted)
        if index.isValid() and index.row() != self.currentIndex().row():
            self._following = True
            self.setCurrentIndex(index)
            self._following = False
            self.scrollTo(index)
