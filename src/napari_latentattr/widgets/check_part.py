"""Whether the picture that is shown can be read: a button, then the verdict and its curves."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_latentattr import picture_jobs
from napari_latentattr.core.results import Picture
from napari_latentattr.core.sanity import SanityCheck
from napari_latentattr.session import Session
from napari_latentattr.widgets.curve_chart import CurveChart
from napari_latentattr.widgets.footer import clock
from napari_latentattr.widgets.pill import Pill
from napari_latentattr.widgets.text import Button, Words

HEADLINES = {
    "supported": "supported: it can be read",
    "undecided": "undecided",
    "not supported": "not supported: do not read it",
}
_TIP = (
    "Compares the picture with those of copies of the model with random weights, and exchanges the "
    "voxels that it marks"
)


class CheckPart(QWidget):
    """About one picture; hidden where there is none.

    Signals
    -------
    wanted : Picture
        It is to be checked.
    """

    wanted = Signal(object)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._picture: Picture | None = None
        self.button, self.pill, self.words = Button(), Pill("undecided"), Words(muted=True)
        self.chart = CurveChart()
        self.button.setToolTip(_TIP)
        self.button.clicked.connect(lambda: self.wanted.emit(self._picture))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        for part in (self.pill, self.words, self.chart):
            box.addWidget(part)
        box.addWidget(self.button, alignment=Qt.AlignmentFlag.AlignLeft)

    def show_picture(self, picture: Picture | None) -> None:
        """Show what is known of this picture, or offer to check it."""
        self._picture = picture
        self.setVisible(picture is not None)
        if picture is None:
            return
        found = self._session.results.check_of(picture)
        for part in (self.pill, self.words, self.chart):
            part.setVisible(found is not None)
        self.button.setVisible(found is None)
        if found is None:
            about = clock(picture_jobs.check_seconds(self._session, picture))
            self.button.setText(f"Check this picture  ~{about}")
            self.button.updateGeometry()
        else:
            self._show(found)

    def _show(self, found: SanityCheck) -> None:
        self.pill.set_verdict(found.verdict, HEADLINES[found.verdict])
        self.words.say_plain(found.sentence())
        self.chart.set_check(found)
