"""Keeps the results of the session on disk while one works, in a thread of its own."""

from __future__ import annotations

from contextlib import suppress
from threading import Thread
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_latentattr.core.errors import LatentAttrError
from napari_latentattr.core.results import Results, Selection
from napari_latentattr.jobs import Job
from napari_latentattr.session import Session
from napari_latentattr.store import ResultStore

# After the last change; moving through maps writes once.
_PAUSE_MS = 400


class Keeping(QObject):
    """Saves after every change, and takes up what an earlier session found.

    Signals
    -------
    stale : str
        Why what was kept is not taken up.
    """

    stale = Signal(str)
    _saved = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._store: ResultStore | None = None
        self._worker: Thread | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self._save)
        self._saved.connect(self._on_saved)
        session.results_changed.connect(self._later)
        session.selection_changed.connect(self._on_selection)
        session.study_changed.connect(self.forget)

    def take_up(self) -> Job[Any]:
        """Read what an earlier session found in this study."""
        study = self._session.opened()

        def work(progress: object) -> Any:
            store = ResultStore.for_study(study)
            return store, store.load()

        def keep(found: Any) -> None:
            if self._session.study is not study:
                return
            self._store, earlier = found
            if earlier is not None:
                self._session.restore(*earlier)
                self._timer.stop()
            elif self._store.why_stale:
                self.stale.emit(self._store.why_stale)

        return Job("Looking for earlier results", work, keep)

    @property
    def busy(self) -> bool:
        """Whether results are being written."""
        return self._worker is not None

    def forget(self) -> None:
        """Keep no more of what happens in this study."""
        self._timer.stop()
        self._store = None

    def save_now(self) -> None:
        """Save what is not saved yet, before the window goes."""
        if self._worker is not None:
            self._worker.join()
        if self._timer.isActive() and self._store is not None and self._session.study is not None:
            self._timer.stop()
            self._store.save(self._session.results, self._session.selection)

    def _later(self, *_: object) -> None:
        if self._store is not None:
            self._timer.start()

    def _on_selection(self, *_: object) -> None:
        # Looking around alone must not write over results that could not be taken up.
        results = self._session.results
        found = (results.dependence, results.pictures, results.clusters, results.cases)
        if results.ranking is not None or any(found):
            self._later()

    def _save(self) -> None:
        if self._worker is not None:
            self._timer.start()
            return
        store = self._store
        if store is None or self._session.study is None:
            return
        results, selection = self._session.results, self._session.selection
        # A plain thread: workers of the viewer were seen to hold on to the pictures they saved.
        self._worker = Thread(target=self._write, args=(store, results, selection))
        self._worker.start()

    def _write(self, store: ResultStore, results: Results, selection: Selection) -> None:
        # A full disk must not stop the work at the window.
        with suppress(LatentAttrError):
            store.save(results, selection)
        with suppress(RuntimeError):  # the window is gone
            self._saved.emit()

    def _on_saved(self) -> None:
        self._worker = None
