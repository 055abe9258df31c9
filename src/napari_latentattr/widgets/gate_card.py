"""Whether the ranking is more than luck: a verdict, its sentence and its chart.

Where the window is low the verdict stands alone, for the table below is what one came for.
"""

from __future__ import annotations

from html import escape

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout

from napari_latentattr.core.ranking_words import gate_sentence
from napari_latentattr.core.types import Ranking
from napari_latentattr.widgets.gate_chart import GateChart
from napari_latentattr.widgets.pill import Pill
from napari_latentattr.widgets.text import Button, Card, Words


class GateCard(Card):
    """The gate of one ranking.

    Attributes
    ----------
    anyway : Button
        To inspect maps though the gate did not pass.
    """

    def __init__(self) -> None:
        super().__init__()
        self._ranking: Ranking | None = None
        self._low = False
        self.pill, self.words, self.chart = Pill("ok"), Words(), GateChart()
        self.more = Button("Details")
        self.more.setCheckable(True)
        self.more.setToolTip("Show the sentence and the chart of the gate")
        self.anyway = Button("Inspect maps anyway")
        top = QHBoxLayout()
        top.addWidget(self.pill, 1)
        top.addWidget(self.more)
        self.box.addLayout(top)
        self.box.addWidget(self.words)
        self.box.addWidget(self.chart)
        self.box.addWidget(self.anyway, alignment=Qt.AlignmentFlag.AlignLeft)
        self.more.toggled.connect(self._show)

    def set_ranking(self, ranking: Ranking | None) -> None:
        """Show the gate of a ranking; hidden without one."""
        self._ranking = ranking
        self.setVisible(ranking is not None)
        if ranking is None:
            return
        gate = ranking.gate
        self.chart.set_gate(gate)
        self.set_tone("" if gate.passed else "undecided")
        word, said = ("ok", "Gate passed") if gate.passed else ("undecided", "Gate not passed")
        self.pill.set_verdict(word, f"{said} · AUC {gate.auc:.2f}")
        self.words.say(_words(ranking))
        self._show()

    def set_low(self, low: bool) -> None:
        """Say whether room is short."""
        if low != self._low:
            self._low = low
            self._show()

    def _show(self, *_: object) -> None:
        if self._ranking is None:
            return
        whole, passed = not self._low or self.more.isChecked(), self._ranking.gate.passed
        self.more.setVisible(self._low)
        self.chart.setVisible(whole)
        # That there is no ranking must be read in any window.
        self.words.setVisible(whole or not passed)
        self.anyway.setVisible(not passed)


def _words(ranking: Ranking) -> str:
    said = gate_sentence(ranking).removeprefix("gate passed: ").removeprefix("not supported: ")
    words = escape(said[:1].upper() + said[1:])
    if ranking.gate.passed:
        return words
    return (
        f"<b>The gate did not pass: no ranking.</b> {words}. An importance list would be noise. "
        "You can still inspect any map."
    )
