"""Step 1: bring the images and the model, then see what they are."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QFileDialog, QPushButton, QVBoxLayout, QWidget

from napari_latentattr import jobs
from napari_latentattr.jobs import Job
from napari_latentattr.session import Session
from napari_latentattr.widgets.pill import Pill
from napari_latentattr.widgets.study_cards import ModelCard, StudyCard
from napari_latentattr.widgets.text import Button, Card, PrimaryButton, Words
from napari_latentattr.widgets.use_layers import UseLayers

_SAMPLE = (
    "“Map encoder:5 is driven by <b>FA_x</b> (ratio 1.00, 95 % 1.00-1.00, 39 slices of one "
    "person), a ratio of 1 by construction: it sees no other image; no dependence found on FA, "
    "FA_y and FA_z (approximate: slices of one person; no claim about people).”"
)


class StudyPage(QWidget):
    """Empty: two ways in and a demo. Loaded: what was loaded.

    Signals
    -------
    wants : callable
        A command that makes a job, given whether code may run.
    next_step : None
    """

    wants = Signal(object)
    demo_wanted = Signal()
    next_step = Signal()

    def __init__(self, viewer: Any, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.empty = QWidget()
        self.layers = UseLayers(viewer)
        self.study_card, self.model_card = StudyCard(session), ModelCard(session)
        self.next = PrimaryButton("Next: rank the maps")
        self.next.setToolTip("Which latent maps carry the outcome (Ctrl+2)")
        self.next.clicked.connect(self.next_step)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        self._build_empty()
        for part in (self.empty, self.layers, self.study_card, self.model_card):
            box.addWidget(part)
        box.addWidget(self.next, alignment=Qt.AlignmentFlag.AlignRight)
        box.addStretch(1)
        self.layers.setVisible(False)
        self.layers.wanted.connect(self._on_layers)
        self.layers.given_up.connect(lambda: self._ask_layers(show=False))
        self.study_card.change.clicked.connect(self._on_change)
        session.study_changed.connect(self.refresh)
        self.refresh()

    def _build_empty(self) -> None:
        self.open = PrimaryButton("Open study…")
        self.open.setToolTip("A study.yaml: images, table of cases, model and outcome")
        self.open.clicked.connect(self._on_open)
        self.use_layers = Button("Use open layers…")
        self.use_layers.setToolTip("Take layers of this viewer as the images, and a model file")
        self.use_layers.clicked.connect(lambda: self._ask_layers(show=True))
        self.demo = Button("Try the demo study")
        self.demo.setToolTip("Real DTI images of one person and a trained model; no download")
        self.demo.clicked.connect(self.demo_wanted)
        box = QVBoxLayout(self.empty)
        box.setContentsMargins(0, 0, 0, 0)
        for card in (
            _card(
                "1  Bring the images and the model",
                "Drop a study file here (study.yaml).",
                self.open,
                dashed=True,
            ),
            _card(
                "2  Or start from what is open",
                "Use images that are open in the viewer, and drop a model here: safetensors, or a "
                "weights-only .pt.",
                self.use_layers,
                dashed=True,
            ),
            _card(
                "No data at hand?",
                "The real diffusion images of one person, four images, and a trained model with "
                "eight maps. Takes about 15 s, no download.",
                self.demo,
            ),
        ):
            box.addWidget(card)
        result = Card("What you will get")
        result.box.addWidget(Pill("drives", "driven by FA_x"))
        result.box.addWidget(Words(f"<i>{_SAMPLE}</i>"))
        box.addWidget(result)
        box.addWidget(
            Words(
                "Nothing leaves this computer. The tool never runs code from a model file without "
                "asking. Research use, not diagnosis.",
                muted=True,
            )
        )

    def refresh(self) -> None:
        """Show what is loaded, or how to load."""
        loaded = self._session.study is not None
        self.empty.setVisible(not loaded)
        self.layers.setVisible(False)
        for part in (self.study_card, self.model_card, self.next):
            part.setVisible(loaded)

    def open_path(self, path: Path) -> None:
        """Open a study file, or take a model file for the layers that are open."""
        if path.suffix.lower() in (".yaml", ".yml"):
            self.wants.emit(lambda trust: jobs.open_study_file(self._session, path, trust=trust))
        else:
            self._ask_layers(show=True)
            self.layers.model.use(path)

    def _ask_layers(self, *, show: bool) -> None:
        self.layers.setVisible(show)
        self.empty.setVisible(not show and self._session.study is None)
        for part in (self.study_card, self.model_card, self.next):
            part.setVisible(not show and self._session.study is not None)
        if show:
            self.layers.refresh()

    def _on_open(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Open study", "", "Study (*.yaml *.yml)")
        if name:
            self.open_path(Path(name))

    def _on_change(self) -> None:
        self.empty.setVisible(True)
        for part in (self.study_card, self.model_card, self.next):
            part.setVisible(False)

    def _on_layers(self, make: Callable[[Session, bool], Job[Any]]) -> None:
        self.wants.emit(lambda trust: make(self._session, trust))


def _card(title: str, text: str, button: QPushButton, *, dashed: bool = False) -> Card:
    card = Card(title, dashed=dashed)
    card.box.addWidget(Words(escape(text)))
    card.box.addWidget(button, alignment=Qt.AlignmentFlag.AlignLeft)
    return card
