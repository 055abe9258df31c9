"""The latent maps as a sortable table that follows the selection, and sets it."""

from __future__ import annotations

from qtpy.QtCore import QSortFilterProxyModel, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from napari_latentattr.session import Session
from napari_latentattr.widgets.map_cells import MapCells
from napari_latentattr.widgets.map_rows import (
    GROUP,
    IMPORTANCE,
    MAP,
    PICTURE,
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
        self._session = session
        self.rows = MapRows(session)
        self.proxy = QSortFilterProxyModel()
        self.proxy.setSourceModel(self.rows)
        self.proxy.setSortRole(SORT)
        self.proxy.setFilterKeyColumn(-1)
        self.setModel(self.proxy)
        self.setItemDelegate(MapCells(self))
        self._dress()
        self.rows.modelReset.connect(self._on_reset)
        session.selection_changed.connect(self._follow)
        self.selectionModel().currentRowChanged.connect(self._on_row)
        self.doubleClicked.connect(lambda index: self.opened.emit(self._map(index)))
        self.activated.connect(lambda index: self.opened.emit(self._map(index)))
        self._on_reset()

    def _dress(self) -> None:
        em = self.fontMetrics().height()
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setSortingEnabled(True)
        self.setAccessibleName("latent maps")
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setDefaultSectionSize(round(2.2 * em))
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(IMPORTANCE, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(VERDICT, QHeaderView.ResizeMode.ResizeToContents)
        for column, wide in ((PICTURE, 2.4), (MAP, 3.2), (GROUP, 3.9), (Q, 3.4)):
            header.resizeSection(column, round(wide * em))
        self.setMinimumHeight(12 * em)

    def filter(self, text: str) -> None:
        """Keep rows in which any word occurs."""
        self.proxy.setFilterFixedString(text.strip())
        self.proxy.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)

    def _map(self, index: Index) -> int:
        return int(self.proxy.mapToSource(index).row())

    def _on_row(self, now: Index, before: Index) -> None:
        if now.isValid() and self._session.study is not None:
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
            self.setCurrentIndex(index)
            self.scrollTo(index)
