"""One small picture for each representative case; a click shows that case."""

from __future__ import annotations

from functools import partial
from html import escape

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QHBoxLayout

from napari_latentattr.core.clusters import Clusters, group_letter
from napari_latentattr.core.types import Float32
from napari_latentattr.widgets.case_tile import CaseTile
from napari_latentattr.widgets.text import Button, Card, Words

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
            card.clicked.connect(partial(self.picked.emit, case))
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


class CaseCard(CaseTile):
    """Picture, name, and what it stands for.

    Attributes
    ----------
    case : int
    """

    def __init__(self, case: int, name: str, group: int, cases: int) -> None:
        letter = group_letter(group)
        super().__init__(
            f"Show case {name}, which stands for group {letter}",
            f"<b>{letter}</b> {escape(name)}<br>stands for {cases}",
        )
        self.case = case
