"""Look at one map in four ways: where, what is drawn, top cases, what excites it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QHBoxLayout,
    QVBoxLayout,
)

from napari_latentattr import picture_jobs
from napari_latentattr.core.results import Picture, PictureKind
from napari_latentattr.jobs import Job
from napari_latentattr.session import Session
from napari_latentattr.widgets.cell_order import MOST_CELLS, STRONGEST
from napari_latentattr.widgets.check_part import CheckPart
from napari_latentattr.widgets.dial import EntanglementDial, entanglement_sentence
from napari_latentattr.widgets.excites import Excites
from napari_latentattr.widgets.footer import clock
from napari_latentattr.widgets.form import ParameterForm
from napari_latentattr.widgets.lettering import follow
from napari_latentattr.widgets.place_choice import PlaceChoice
from napari_latentattr.widgets.segments import Segments
from napari_latentattr.widgets.text import Button, Card, Choice, Name, Part, PrimaryButton, Words
from napari_latentattr.widgets.top_cases import TopCases

if TYPE_CHECKING:
    from napari_latentattr.methods._registry import Method

View: TypeAlias = PictureKind | Literal["cases", "excites"]

# With a short name for large type.
_VIEWS: tuple[tuple[View, str, str], ...] = (
    ("where", "Show where", "Where"),
    ("drawn", "What it draws", "Drawn"),
    ("cases", "Top cases", "Cases"),
    ("excites", "What excites it", "Excites"),
)
# The methods whose pictures say most, with the fewest assumptions.
_FIRST = {"where": "swaps", "drawn": "main_effect"}


class LookCloser(Card):
    """One tab a view; the parameters of a method appear below it, never in a dialog.

    Signals
    -------
    wants : callable
        Makes a job.
    side_by_side : bool
    every_image : bool
        Whether side by side shows more than the strongest few.
    shown : str
        The view that was opened.
    picked : int, tuple of float
        A case and the voxel to look at.
    """

    wants = Signal(object)
    side_by_side = Signal(bool)
    every_image = Signal(bool)
    shown = Signal(str)
    picked = Signal(int, object)

    def __init__(self, viewer: Any, session: Session) -> None:
        super().__init__("Look closer")
        self._session = session
        self._methods: dict[str, Method] = {}
        self._form: ParameterForm | None = None
        self.views = Segments(*(v[1] for v in _VIEWS), short=[v[2] for v in _VIEWS])
        self.views.setAccessibleName("what to look at")
        self.image, self.method = Choice("image to show"), Choice("method")
        self.place, self.check = PlaceChoice(viewer, session), CheckPart(session)
        self.help, self.warning, self.note = Words(muted=True), Words(), Words(muted=True)
        self.dial = EntanglementDial()
        self.all = QCheckBox("All images side by side   G")
        self.all.setToolTip("One cell an image, with the same colours in all of them (key G)")
        self.every = Button()
        self.every.setCheckable(True)
        self.every.setToolTip("Also the images that matter less; their cells get small")
        self.every.setAccessibleName("show all images side by side, or the strongest few")
        self.go, self.traverse = PrimaryButton("Show where"), Button("Traverse")
        self.traverse.setToolTip(
            "Draw this case while the map goes from weak to strong; the slider “step” runs through"
        )
        self.asked, self.cases, self.excites = Part(), TopCases(session), Excites(session)
        self._lay_out()
        for part in (self.cases, self.excites):
            part.wants.connect(self.wants)
            part.picked.connect(self.picked)
        self.views.currentChanged.connect(self._on_view)
        self.method.currentTextChanged.connect(self._on_method)
        self.image.activated.connect(lambda c: session.select(channel=c))
        self.all.toggled.connect(self.side_by_side)
        self.all.toggled.connect(self._name_every)
        self.every.toggled.connect(self.every_image)
        self.every.toggled.connect(self._name_every)
        self.go.clicked.connect(self._on_go)
        self.check.wanted.connect(self._on_check)
        self.traverse.clicked.connect(
            lambda: self.wants.emit(lambda: picture_jobs.traverse(session))
        )
        session.study_changed.connect(self._start_anew)
        for signal in (session.study_changed, session.results_changed, session.selection_changed):
            signal.connect(self.refresh)

    @property
    def view(self) -> View:
        """Key of the view that is open."""
        view: View = _VIEWS[self.views.currentIndex()][0]
        return view

    @property
    def kind(self) -> PictureKind:
        """Kind of picture that can be asked for, now or when its view was open last."""
        if self.view in _FIRST:
            self._kind: PictureKind = "drawn" if self.view == "drawn" else "where"
        return self._kind

    def _lay_out(self) -> None:
        form = self._fields = QFormLayout()
        form.addRow(Name("Image"), self.image)
        form.addRow(Name("Of"), self.place)
        form.addRow(Name("Method"), self.method)
        self._place = QVBoxLayout()
        for part in (self.views, self.asked, self.cases, self.excites):
            self.box.addWidget(part)
        box = QVBoxLayout(self.asked)
        box.setContentsMargins(0, 0, 0, 0)
        follow(self.asked, lambda em: box.setSpacing(round(0.45 * em)))
        box.addLayout(form)
        box.addWidget(self.place.hint)
        box.addWidget(self.help)
        box.addLayout(self._place)
        for part in (self.warning, self.dial, self.note, self.check):
            box.addWidget(part)
        row = QHBoxLayout()
        row.addWidget(self.traverse)
        row.addStretch(1)
        row.addWidget(self.go)
        box.addLayout(row)
        box.addWidget(self.all)
        box.addWidget(self.every, alignment=Qt.AlignmentFlag.AlignLeft)

    def refresh(self, *_: object) -> None:
        """Follow the study, the selection and the results."""
        study = self._session.study
        self.setEnabled(study is not None)
        if study is None:
            return
        if not self._methods:
            self._load_methods()
        self._list_images()
        self.place.refresh()
        self._show_picture()
        self._name_every()

    def _start_anew(self) -> None:
        """Do as the canvas, which left side by side with the last study."""
        self.all.setChecked(False)
        self.every.setChecked(False)

    def _name_every(self, *_: object) -> None:
        study = self._session.study
        n = 0 if study is None else len(study.channels)
        self.every.setVisible(self.all.isChecked() and n > MOST_CELLS)
        few = self.every.isChecked()
        self.every.setText(f"Show the strongest {STRONGEST}" if few else f"Show all {n} images")

    def _load_methods(self) -> None:
        from napari_latentattr.methods import _registry  # loads torch, so not with the window

        self._methods = dict(_registry.methods())
        self._on_view()

    def _list_images(self) -> None:
        study, selection = self._session.study, self._session.selection
        if study is None:
            return
        found = self._session.results.about(selection.map)
        blocker = QSignalBlocker(self.image)
        self.image.clear()
        for c, name in enumerate(study.channels):
            word = "" if found is None else f" ({found.verdict[found.row(selection.map), c]})"
            self.image.addItem(f"{name}{word}")
        self.image.setCurrentIndex(selection.channel)
        del blocker
        self._warn()

    def _warn(self) -> None:
        study, selection = self._session.study, self._session.selection
        found = self._session.results.about(selection.map)
        if study is None or found is None:
            self.warning.say("")
            return
        word = found.verdict[found.row(selection.map), selection.channel]
        if word in ("negligible", "no dependence found") and self.kind == "where":
            name = study.channels[selection.channel]
            self.warning.say_plain(f"{name} does not drive this map; what you will see is noise.")
        else:
            self.warning.say("")

    def _on_view(self, *_: object) -> None:
        self.asked.setVisible(self.view in _FIRST)
        self.cases.setVisible(self.view == "cases")
        self.excites.setVisible(self.view == "excites")
        self.shown.emit(self.view)
        if self.view not in _FIRST:
            return
        blocker = QSignalBlocker(self.method)
        self.method.clear()
        for key, method in self._methods.items():
            if method.view == self.kind:
                self.method.addItem(method.title, key)
        self.method.setCurrentIndex(max(0, self.method.findData(_FIRST[self.kind])))
        del blocker
        self._fields.setRowVisible(self.place, self.kind == "where")
        self.traverse.setVisible(self.kind == "drawn")
        self._on_method()
        self._show_picture()
        self._warn()

    def _on_method(self, *_: object) -> None:
        method = self._chosen()
        if self._form is not None:
            self._form.hide()
            self._place.removeWidget(self._form)
            self._form.deleteLater()
            self._form = None
        if method is None:
            return
        self.place.set_able(method.view == "where" and "latents" in method.context)
        self.help.say_plain(method.help)
        self.method.setToolTip(f"{method.title}. {method.source}")
        self._form = ParameterForm(method.parameters, self)
        self._form.setVisible(bool(method.parameters))
        self._place.addWidget(self._form)
        self._name_button()

    def _name_button(self) -> None:
        method = self._chosen()
        seconds = None if method is None else self._session.took(method.key)
        words = "Show where" if self.kind == "where" else "Draw"
        self.go.setText(words if seconds is None else f"{words}  ~{clock(seconds)}")
        self.go.updateGeometry()
        if self._session.study is not None:
            about = picture_jobs.traverse_seconds(self._session)
            self.traverse.setText("Traverse" if about is None else f"Traverse  ~{clock(about)}")
            self.traverse.updateGeometry()

    def _show_picture(self) -> None:
        picture = self._session.picture(self.kind) if self._session.study else None
        self._name_button()
        self.check.show_picture(picture if self.kind == "where" else None)
        said = [] if picture is None else [f"Shown: {picture.title}", picture.note]
        traversal = self._session.traversal
        if self.kind == "drawn" and traversal is not None:
            said.append(traversal.sentence())
        entanglement = None if picture is None else picture.numbers.get("entanglement")
        self.dial.setVisible(entanglement is not None)
        if entanglement is not None:
            self.dial.set_value(entanglement)
            said.append(entanglement_sentence(entanglement))
        self.note.say_plain("; ".join(part for part in said if part))

    def _chosen(self) -> Method | None:
        return self._methods.get(self.method.currentData() or "")

    def _on_go(self) -> None:
        method, form = self._chosen(), self._form
        if method is None or form is None:
            return
        values = form.values()

        def make() -> Job[Any]:
            if method.view == "drawn":
                return picture_jobs.attribute(self._session, method, values)
            place = self.place.place()
            labels = self.place.labels(place)
            self._session.select(place=place)
            return picture_jobs.attribute(self._session, method, values, place=place, labels=labels)

        self.wants.emit(make)

    def _on_check(self, picture: Picture) -> None:
        def make() -> Job[Any]:
            labels = self.place.labels(picture.place)
            return picture_jobs.check(self._session, picture, labels=labels)

        self.wants.emit(make)
