"""Choose layers of the viewer as the images, in the order of the model, and a model file."""

from __future__ import annotations

from typing import Any

from napari.layers import Image, Labels
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
)

from napari_latentattr import jobs
from napari_latentattr.core.errors import InputError, LatentAttrError
from napari_latentattr.jobs import Job
from napari_latentattr.session import Session
from napari_latentattr.widgets.lettering import follow
from napari_latentattr.widgets.model_form import ModelForm
from napari_latentattr.widgets.open_layers import is_ours, open_image
from napari_latentattr.widgets.text import Button, Card, Choice, PrimaryButton, Words

_NONE = "none"
_SCALINGS = {"scale to 1–99 % of each image": "percentile", "leave as they are": "none"}  # noqa: RUF001


class UseLayers(Card):
    """A list of layers to tick and drag, a model, an outcome.

    Signals
    -------
    wanted : callable
        Makes the job, given the session and whether code may run.
    failed : Exception
    given_up : None
    """

    wanted = Signal(object)
    failed = Signal(object)
    given_up = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__("Use open layers")
        self._viewer = viewer
        self.images = QListWidget()
        self.images.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.images.setAccessibleName("layers to use as images")
        self.images.setToolTip("Tick one layer an image; drag them into the order of the model")
        self.model = ModelForm()
        tip = "A Labels layer: paint the region that you ask about"
        self.outcome = Choice("outcome", tip)
        tip = "Intensities as in the training of the model"
        self.scaling = Choice("scaling of the images", tip)
        self.scaling.addItems(list(_SCALINGS))
        self.go = PrimaryButton("Use these")
        self.go.clicked.connect(self._on_go)
        back = Button("Back")
        back.clicked.connect(self.given_up)
        self.model.add_row("Intensities", self.scaling)
        self.model.add_row("Outcome", self.outcome)
        row = QHBoxLayout()
        row.addWidget(back)
        row.addStretch(1)
        row.addWidget(self.go)
        self.box.addWidget(Words("Tick one layer for each image, in the order of the model."))
        self.box.addWidget(self.images)
        self.box.addWidget(self.model)
        self.box.addLayout(row)
        follow(self.images, lambda em: self._fit_list())

    def refresh(self) -> None:
        """List the layers that are open now; the first on top, as in the order of opening."""
        self.images.clear()
        self.outcome.clear()
        self.outcome.addItem(_NONE)
        for layer in self._viewer.layers:
            if isinstance(layer, Labels):
                self.outcome.addItem(layer.name)
            elif isinstance(layer, Image) and not is_ours(layer):
                item = QListWidgetItem(layer.name)
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                item.setCheckState(Qt.CheckState.Checked)
                self.images.addItem(item)
        if self.outcome.count() > 1:
            self.outcome.setCurrentIndex(1)
        self._fit_list()

    def chosen(self) -> list[str]:
        """Names of the ticked layers, in order."""
        items = [self.images.item(i) for i in range(self.images.count())]
        return [item.text() for item in items if item.checkState() == Qt.CheckState.Checked]

    def _fit_list(self) -> None:
        rows = min(max(self.images.count(), 1), 8)
        tall = max(self.images.sizeHintForRow(0), self.images.fontMetrics().height())
        self.images.setFixedHeight(rows * tall + 8)

    def hide_used(self) -> None:
        """Hide the layers that were taken: the study shows its own, as the model sees them."""
        for name in self.chosen():
            if name in self._viewer.layers:
                self._viewer.layers[name].visible = False

    def _on_go(self) -> None:
        try:
            self.wanted.emit(self._command())
        except LatentAttrError as error:
            self.failed.emit(error)

    def _command(self) -> Any:
        names, weights = self.chosen(), self.model.path
        if not names:
            raise InputError("no layer is ticked; open the images first, then tick one an image")
        if weights is None:
            raise InputError("no model file is chosen; use Open model… first")
        images = [open_image(self._viewer.layers[name]) for name in names]
        outcome = self.outcome.currentText()
        labels = [] if outcome == _NONE else [open_image(self._viewer.layers[outcome])]
        arguments, architecture = self.model.given_arguments(), self.model.given_architecture()
        scaling: Any = _SCALINGS[self.scaling.currentText()]

        def make(session: Session, trust: bool) -> Job[Any]:
            return jobs.open_images(
                session,
                images,
                labels,
                weights,
                architecture=architecture,
                arguments=arguments,
                scaling=scaling,
                trust=trust,
            )

        return make
