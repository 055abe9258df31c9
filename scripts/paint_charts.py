"""Paint every chart of the dock in every state, in both themes and two sizes of type.

Usage: QT_QPA_PLATFORM=offscreen python scripts/paint_charts.py OUT

OUT gets one PNG for each theme and size of type, to be looked at.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from math import nan
from pathlib import Path

import numpy as np
from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QFont, QImage, QPainter, QPalette
from qtpy.QtWidgets import QApplication, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_latentattr.core.types import Gate
from napari_latentattr.widgets.answer import AnswerCard
from napari_latentattr.widgets.answer_words import Answer, marked, no_answer
from napari_latentattr.widgets.dial import EntanglementDial
from napari_latentattr.widgets.driver_rows import DriverRow
from napari_latentattr.widgets.drivers_chart import DriversChart
from napari_latentattr.widgets.gate_chart import GateChart
from napari_latentattr.widgets.importance_bar import paint_importance
from napari_latentattr.widgets.palette import Colours
from napari_latentattr.widgets.pill import Pill
from napari_latentattr.widgets.thumbnails import Colormap, map_thumbnail, thumbnail

THEMES = {"dark": ("#23242b", "#f0f1f2", "#414851"), "light": ("#ebe7e6", "#1e1e21", "#d6d0ce")}
SIZES = (9, 14)
COLUMN = 400  # pixels: what the dock leaves to a card
NAMES = ("T2", "PD", "EPI", "T1", "PET", "SPECT")
WORDS = ("drives", "drives", "undecided", "negligible", "negligible", "no dependence found")
VERDICTS = (
    "drives", "negligible", "no dependence found", "undecided", "tie", "mixed", "not supported",
    "ok", "supported",
)  # fmt: skip


class Picture(QWidget):
    """A widget that is one painting function."""

    def __init__(self, height: int, paint: Callable[[QPainter, QRectF, Colours], None]) -> None:
        super().__init__()
        self.setFixedHeight(height)
        self.draw = paint

    def paintEvent(self, event: object) -> None:
        """Call the function."""
        painter = QPainter(self)
        self.draw(painter, QRectF(self.rect()), Colours.of(self.palette()))
        painter.end()


def head(seed: int, side: int = 90) -> np.ndarray:
    """Draw an ellipse with a bright rim and two dark holes, with noise."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    r = np.hypot(x / 0.75, y / 0.92)
    image = 0.6 * (r < 1) + 0.4 * (abs(r - 0.93) < 0.05)
    image[np.hypot((abs(x) - 0.16) / 0.1, y / 0.3) < 1] = 0.1 * seed
    return image + 0.03 * np.random.default_rng(seed).normal(size=image.shape)


def rows(n: int = 6) -> list[DriverRow]:
    """Rows with every verdict, the largest ratio first."""
    numbers = [(0.61, 0.52, 0.71), (0.34, 0.27, 0.42), (0.031, 0.018, 0.055)]
    numbers += [(0.015, 0.01, 0.024), (0.006, 0.002, 0.012), (0.0, 0.0, 0.0)]
    found = [
        DriverRow(name, *values, word, 0.0004, 0.0001, thumbnail(head(k), size=32))
        for k, (name, values, word) in enumerate(zip(NAMES, numbers, WORDS, strict=True))
    ]
    more = [replace(found[k % 2 + 3], image=f"bundle {k}", verdict="negligible") for k in range(n)]
    return (found + more)[:n]


def drivers(kind: str) -> DriversChart:
    """Chart in one state."""
    chart = DriversChart()
    given = rows(16 if kind == "many" else 6)
    if kind == "wide":
        given = [replace(r, ratio=3 * r.ratio, low=2 * r.low, high=9 * r.high) for r in given]
    if kind == "few cases":
        given = [replace(r, low=nan, high=nan, verdict="undecided") for r in given[:3]]
    if kind == "still":
        given = [replace(r, ratio=nan, low=nan, high=nan) for r in given]
    if kind == "long names":
        given = [replace(r, image=f"a very long name of {r.image}", thumbnail=None) for r in given]
    chart.set_rows(given, 0.03)
    chart.set_selected(0)
    return chart


def gates() -> list[GateChart]:
    """One that passed, one that did not, one at the end of the axis."""
    null = tuple(np.random.default_rng(0).normal(0.5, 0.07, 999).clip(0, 1).tolist())
    charts = []
    for gate in (Gate(0.83, null, 0.001, True), Gate(0.62, null, 0.06, False)):
        charts.append(GateChart())
        charts[-1].set_gate(gate)
    charts.append(GateChart())
    charts[-1].set_gate(Gate(1.0, (0.3, 0.9, 0.95, 1.0), 0.4, False))
    return charts


def answers() -> list[AnswerCard]:
    """One card for every kind of answer."""
    small = "24 cases x 4 donors · τ 0.03 · FDR 5 % over 64 maps x 6 images, Benjamini-Hochberg"
    said = [
        ("Map encoder:17 is driven by T2 (ratio 0.61, 95 % 0.52-0.71, 24 cases) and PD (ratio 0.34,"
         " 95 % 0.27-0.42); T1, PET and SPECT are negligible; EPI is undecided.",
         ["T2", "PD"], "driven by", "drives", "driven by T2 and PD"),
        ("Map encoder:4 is driven by T1 & T2 or <b>, the data cannot say which: swapped together "
         "ratio 0.71, 95 % 0.60-0.83, near-copies in these cases (r 0.78).",
         ["T1 & T2", "<b>"], "the data cannot say which", "tie", "tie: T1 & T2 or <b>"),
        ("Map encoder:22 is mixed: 6 images drive it (ratios 0.11 to 0.24) and none stands out, so "
         "naming one would be wrong.", [], "is mixed", "mixed", "mixed: 6 images"),
        ("Map encoder:52: not enough evidence yet, T2 moves it most (ratio 0.04, 95 % 0.02-0.08, 24"
         " cases).", ["T2"], "not enough evidence yet", "undecided", "undecided"),
        ("Map encoder:30 does not vary between these cases; there is nothing to explain.", [],
         "does not vary", "no dependence found", "does not vary"),
    ]  # fmt: skip
    found = [
        Answer(marked(plain, names, mark), plain, word, small, head)
        for plain, names, mark, word, head in said
    ]
    found.append(no_answer("A copy of this model with shuffled weights gives the same result."))
    cards = []
    for answer in found:
        cards.append(AnswerCard())
        cards[-1].set_answer(answer)
    return cards


def thumbnails(painter: QPainter, rect: QRectF, colours: Colours) -> None:
    """Paint the three colour maps, large and small."""
    volume = np.stack([head(k, 12) for k in range(4)]) - 0.3
    maps: tuple[Colormap, ...] = ("gray", "inferno", "signed")
    pictures: list[QImage] = [thumbnail(head(3), size=72), thumbnail(head(3)[:40], size=72)]
    pictures += [map_thumbnail(volume, 72, kind) for kind in maps]
    for place, picture in enumerate(pictures):
        painter.drawImage(QRectF(4 + 78 * place, 2, 72, 72), picture, QRectF(picture.rect()))


def importance(painter: QPainter, rect: QRectF, colours: Colours) -> None:
    """Paint four bars below each other."""
    shown = ((0.14, 0.1, 0.19, "drives"), (0.06, -0.01, 0.1, "undecided"))
    shown += ((-0.01, -0.03, 0.004, "negligible"), (0.1, nan, nan, "tie"))
    for place, (value, low, high, word) in enumerate(shown):
        box = QRectF(4, 30 * place + 6, 160, 18)
        paint_importance(painter, box, value, low, high, 0.18, colours, verdict=word)


def column(*parts: QWidget) -> QVBoxLayout:
    """Widgets below each other, in the width of a card."""
    box = QVBoxLayout()
    for part in parts:
        part.setFixedWidth(COLUMN)
        box.addWidget(part)
    box.addStretch(1)
    return box


def sheet() -> QWidget:
    """Everything on one page."""
    page = QWidget()
    across = QHBoxLayout(page)
    kinds = ("all verdicts", "many", "wide", "few cases", "still", "long names")
    charts = [w for kind in kinds for w in (QLabel(f"drivers: {kind}"), drivers(kind))]
    dials = [EntanglementDial() for _ in range(3)]
    for dial, value in zip(dials, (0.18, 1.0, nan), strict=True):
        dial.set_value(value)
    small = [Picture(78, thumbnails), Picture(122, importance)]
    across.addLayout(column(*charts[:6]))
    across.addLayout(column(*charts[6:], *gates()))
    across.addLayout(column(*answers()))
    across.addLayout(column(*(Pill(word) for word in VERDICTS), *dials, *small))
    return page


def main(out: Path) -> None:
    """Write one sheet for every theme and size."""
    out.mkdir(parents=True, exist_ok=True)
    app = QApplication.instance() or QApplication([])
    for theme, (window, text, button) in THEMES.items():
        palette = QPalette(QColor(button), QColor(window))
        palette.setColor(QPalette.ColorRole.WindowText, QColor(text))
        palette.setColor(QPalette.ColorRole.ButtonText, QColor(text))
        for size in SIZES:
            font = QFont(QApplication.font())
            font.setPointSize(size)
            QApplication.setFont(font)
            QApplication.setPalette(palette)
            page = sheet()
            page.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
            page.show()
            page.adjustSize()
            app.processEvents()
            page.grab().save(str(out / f"charts_{theme}_{size}.png"))
            print(out / f"charts_{theme}_{size}.png")
            page.close()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
