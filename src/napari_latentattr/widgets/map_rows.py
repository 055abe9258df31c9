"""What is known of every latent map, row by row: text, numbers to sort by, thumbnails."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from qtpy.QtGui import QImage

from napari_latentattr.core.ranking_words import cluster_letter
from napari_latentattr.core.types import Evidence, Ranking
from napari_latentattr.session import Session
from napari_latentattr.widgets.lettering import tooltip
from napari_latentattr.widgets.thumbnails import map_thumbnail

Index: TypeAlias = "QModelIndex | QPersistentModelIndex"

PICTURE, MAP, IMPORTANCE, GROUP, Q, VERDICT = range(6)
_TITLES = ("", "Map", "Importance", "Group", "q", "Verdict")
_TIPS = (
    "The map in the case that is shown.",
    "Index of the latent map; beside it the verdict of the newest check of its picture.",
    "Loss of score when this map is exchanged between patients; bar = mean, line = 95 %.",
    "Maps of one group rise and fall together; the data cannot say which of them matters.",
    "Share of false finds to expect if you stop at this row.",
    "Supported, or not supported, by patients that were not trained on.",
)
_MOST_TOLD = 4  # checks in one tooltip
SORT = Qt.ItemDataRole.UserRole


class MapRows(QAbstractTableModel):
    """What is known of every map; reads the session."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._pictures: dict[int, QImage] = {}
        self._words: list[str] = []
        self._worded: Ranking | None = None
        session.study_changed.connect(self._on_study)
        session.results_changed.connect(self._reset)
        session.ranking_changed.connect(self._reset)
        session.latents_changed.connect(self._on_latents)

    @property
    def ranking(self) -> Ranking | None:
        """The ranking, where the gate passed: otherwise an order of the maps would be noise."""
        ranking = self._session.ranking
        return ranking if ranking is not None and ranking.gate.passed else None

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """One row a map."""
        study = self._session.study
        return 0 if study is None or parent.isValid() else study.model.spec.n_maps

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Six."""
        return len(_TITLES)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Titles with their explanation."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        texts = {Qt.ItemDataRole.DisplayRole: _TITLES, Qt.ItemDataRole.ToolTipRole: _TIPS}
        return texts[Qt.ItemDataRole(role)][section] if role in texts else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text for people and screen readers, numbers for sorting."""
        k, column = index.row(), index.column()
        if role == SORT:
            return self._sort_value(k, column)
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(k, column)
        if role == Qt.ItemDataRole.TextAlignmentRole and column in (MAP, GROUP, Q):
            return Qt.AlignmentFlag.AlignCenter
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._told(k)
        if role == Qt.ItemDataRole.AccessibleTextRole and column == MAP and self.check(k):
            return f"{k}, picture {self.check(k)}"
        return None

    def picture(self, k: int) -> QImage | None:
        """Thumbnail of a map in the case that is shown; made when it is first asked for."""
        latents = self._session.latents
        if latents is None:
            return None
        if k not in self._pictures:
            self._pictures[k] = map_thumbnail(latents.maps[k])
        return self._pictures[k]

    def verdict(self, k: int) -> str:
        """Word of a map: also those that it cannot be told apart from."""
        ranking = self.ranking
        if ranking is None:
            return "not ranked"
        if self._worded is not ranking:
            self._words, self._worded = _verdicts(ranking), ranking
        return self._words[k]

    def check(self, k: int) -> str:
        """Verdict of the newest check of a picture of a map; empty where there is none."""
        found = self._session.results.checks_of_map(k)
        return found[0].verdict if found else ""

    @property
    def any_checked(self) -> bool:
        """Whether a picture of any map was checked."""
        return bool(self._session.results.checks)

    def _told(self, k: int) -> str | None:
        """Everything about a map, for columns that a small window leaves out."""
        ranking, lines = self.ranking, [f"Map {k}: {self.verdict(k)}"]
        if ranking is not None:
            e = ranking.evidence[k]
            lines += [
                f"Importance {e.estimate:.3f}, 95 % {e.low:.3f} to {e.high:.3f}, n = {e.n}",
                f"Group {self._text(k, GROUP)}, q {self._text(k, Q)}",
                _explained(e),
            ]
        lines += [
            f"Its picture by {found.method}, case {found.case}: {found.verdict} (similarity to "
            f"random weights {found.similarity[-1]:.2f})"
            for found in self._session.results.checks_of_map(k)[:_MOST_TOLD]
        ]
        return tooltip(lines) if len(lines) > 1 else None

    def _text(self, k: int, column: int) -> str:
        ranking = self.ranking
        if column == MAP:
            return str(k)
        if column == VERDICT:
            return self.verdict(k)
        if ranking is None or column == PICTURE:
            return ""
        if column == GROUP:
            return cluster_letter(int(ranking.cluster[k]))
        if column == Q:
            q = float(ranking.q[k])
            return "–" if np.isnan(q) else "<.001" if q < 0.001 else f"{q:.3f}".lstrip("0")  # noqa: RUF001
        return f"{ranking.importance[k]:.3f}"

    def _sort_value(self, k: int, column: int) -> float:
        ranking = self.ranking
        if column == MAP or ranking is None:
            return float(k)
        if column == GROUP:
            return float(ranking.cluster[k])
        if column == Q:
            return _number(ranking.q[k], 2.0)
        if column == VERDICT:
            return float(ranking.verdict[k] != "supported")
        return _number(ranking.importance[k], -1.0)

    def _on_study(self) -> None:
        self._pictures.clear()
        self._reset()

    def _reset(self) -> None:
        self.beginResetModel()
        self.endResetModel()

    def _on_latents(self) -> None:
        self._pictures.clear()
        if self.rowCount():
            self.dataChanged.emit(self.index(0, PICTURE), self.index(self.rowCount() - 1, PICTURE))


def _explained(evidence: Evidence) -> str:
    """Say in one sentence what the verdict means and what it was compared with."""
    found = "beat" if evidence.verdict == "supported" else "was not shown to beat"
    return f"The map {found} its null ({evidence.null}); q corrected over {evidence.family}."


def _verdicts(ranking: Ranking) -> list[str]:
    """Word of every map; of those that rise and fall together, only the first is named."""
    first: dict[int, int] = {}
    for k in ranking.order.tolist():
        first.setdefault(int(ranking.cluster[k]), k)
    heads = [first[int(cluster)] for cluster in ranking.cluster]
    return [
        f"tied with {head}" if word == "supported" and head != k else word
        for k, (word, head) in enumerate(zip(ranking.verdict.tolist(), heads, strict=True))
    ]


def _number(value: float, missing: float) -> float:
    return missing if np.isnan(value) else float(value)
