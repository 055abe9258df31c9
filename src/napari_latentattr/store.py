"""Where the results of a study are kept between sessions, so that closing the window loses nothing.

A folder a study. Files are named by their content and written before the index that names them, so
a program that dies at any point leaves the old results or the new ones. Nothing names a patient:
neither the path of the study nor its table is kept, only their digests. Refuses to know windows.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import platformdirs

from napari_latentattr.core.case_sheet import CaseSheet
from napari_latentattr.core.errors import InputError
from napari_latentattr.core.results import Picture, PictureKey, Results, Selection
from napari_latentattr.core.types import Float32
from napari_latentattr.io.case_sheet_record import (
    case_sheet_from,
    case_sheet_planes,
    case_sheet_record,
)
from napari_latentattr.io.check_record import check_from, check_record
from napari_latentattr.io.cluster_records import clusters_from, clusters_record
from napari_latentattr.io.content_files import content_of, keep, remove_others, write_private
from napari_latentattr.io.entry import Entry, parse
from napari_latentattr.io.picture_record import (
    picture_from,
    picture_record,
    place_from,
    place_record,
)
from napari_latentattr.io.record_reading import dependence_from, ranking_from
from napari_latentattr.io.records import (
    Record,
    dependence_record,
    ranking_record,
)
from napari_latentattr.io.standard_json import json_text
from napari_latentattr.io.text_file import read_text

if TYPE_CHECKING:
    from napari_latentattr.cohort.study import Study

VARIABLE = "NAPARI_LATENTATTR_DATA"
VERSION = 1
_INDEX = "index.json"
_MOST_BYTES = 2**26


class ResultStore:
    """The kept results of one study.

    Two windows with the same study share a folder; what was saved last counts.

    Attributes
    ----------
    folder : Path or None
        None for a study that has no file; then nothing is kept.
    why_stale : str
        After `load`: why what was kept is not given back, in one sentence; else empty.
    """

    def __init__(self, folder: Path | None, model_sha256: str, digests: dict[str, str]) -> None:
        self.folder = folder
        self.why_stale = ""
        self._model, self._digests = model_sha256, digests
        self._volumes: dict[PictureKey, tuple[Picture, str]] = {}

    @classmethod
    def for_study(cls, study: Study, *, root: Path | None = None) -> ResultStore:
        """Store of a study that was just opened; what its files are like is noted now.

        Parameters
        ----------
        study : Study
        root : Path, optional
            Folder of all stores. Without it the environment variable NAPARI_LATENTATTR_DATA, and
            without that the folder for data of the user.

        Raises
        ------
        InputError
            When a file of the study has vanished since it was opened.
        """
        from napari_latentattr.io.study_digest import digest_study  # not with the window

        if study.path is None:
            return cls(None, study.model.spec.sha256, {})
        name = sha256(os.fsencode(study.path.resolve())).hexdigest()[:32]
        folder = (root or _root()) / name
        return cls(folder, study.model.spec.sha256, digest_study(study.path))

    def save(self, results: Results, selection: Selection) -> None:
        """Keep results and selection; pictures that were kept before are not written again.

        Raises
        ------
        InputError
            When the folder cannot be written to.
        """
        if self.folder is None:
            return
        _make(self.folder)
        index = self._index(self.folder, results, selection)
        write_private(self.folder / _INDEX, json_text(index).encode())
        remove_others(self.folder, {_INDEX, *_files(index)})
        self._volumes = {key: self._volumes[key] for key in results.pictures}

    def load(self) -> tuple[Results, Selection] | None:
        """Give back what was kept; None when there is nothing, or nothing that still holds.

        Never raises: where files are damaged or the study has changed, `why_stale` says so.
        """
        self.why_stale = ""
        if self.folder is None:
            return None
        try:
            if not (self.folder / _INDEX).exists():
                return None
            index = parse(
                read_text(self.folder / _INDEX, max_bytes=_MOST_BYTES),
                "the index of the kept results",
            )
            self.why_stale = self._why_stale(index)
            return None if self.why_stale else self._kept(self.folder, index)
        except (InputError, OSError) as error:
            self.why_stale = f"the kept results cannot be used and are left aside: {error}"
            return None

    def _index(self, folder: Path, results: Results, selection: Selection) -> Record:
        ranking, clusters = results.ranking, results.clusters
        return {
            "kind": "session",
            "version": VERSION,
            "model_sha256": self._model,
            "digests": self._digests,
            "selection": {
                "map": int(selection.map),
                "channel": int(selection.channel),
                "case": int(selection.case),
                "place": place_record(selection.place),
            },
            "ranking": None if ranking is None else _keep_json(folder, ranking_record(ranking)),
            "clusters": None if clusters is None else _keep_json(folder, clusters_record(clusters)),
            "dependence": [
                _keep_json(folder, dependence_record(found, found.maps))
                for found in results.dependence
            ],
            "checks": [_keep_json(folder, check_record(found)) for found in results.checks],
            "cases": [_keep_sheet(folder, sheet) for sheet in results.cases.values()],
            "pictures": [
                {**picture_record(picture), "file": self._keep_volume(folder, picture)}
                for picture in results.pictures.values()
            ],
        }

    def _keep_volume(self, folder: Path, picture: Picture) -> str:
        kept, name = self._volumes.get(picture.key, (None, ""))
        if kept is not picture or not (folder / name).exists():
            volume = picture.volume.astype(np.float32, copy=False)
            name = keep(folder, _packed(volume=volume), ".npz")
            self._volumes[picture.key] = (picture, name)
        return name

    def _why_stale(self, index: Entry) -> str:
        if index.text("kind") != "session" or index.whole("version") != VERSION:
            return "the kept results are of another version of this program; measure again"
        if index.text("model_sha256") != self._model:
            return "the kept results were made with another model and are left aside; measure again"
        then = index.entry("digests")
        changed = [f"the {what}" for what, now in self._digests.items() if then.text(what) != now]
        if not changed:
            return ""
        return (
            f"the kept results are left aside, because since then {' and '.join(changed)} changed; "
            "measure again"
        )

    def _kept(self, folder: Path, index: Entry) -> tuple[Results, Selection]:
        pictures = [self._picture(folder, entry) for entry in index.entries("pictures")]
        results = Results(
            ranking_from(_json(folder, index.text("ranking"))) if index.has("ranking") else None,
            tuple(dependence_from(_json(folder, name)) for name in index.texts("dependence")),
            checks=tuple(check_from(_json(folder, name)) for name in _checks(index)),
            clusters=clusters_from(_json(folder, index.text("clusters")))
            if index.has("clusters")
            else None,
        )
        for picture in pictures:
            results = results.with_picture(picture)
        for entry in _sheets(index):
            results = results.with_cases(_sheet(folder, entry))
        chosen = index.entry("selection")
        return results, Selection(
            chosen.whole("map"), chosen.whole("channel"), chosen.whole("case"), place_from(chosen)
        )

    def _picture(self, folder: Path, entry: Entry) -> Picture:
        name = entry.text("file")
        picture = picture_from(entry, _volume(content_of(folder, name), entry.where))
        self._volumes[picture.key] = (picture, name)
        return picture


def _root() -> Path:
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    return platformdirs.user_data_path("napari-latentattr", appauthor=False) / "sessions"


def _make(folder: Path) -> None:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        if os.name == "posix":
            folder.chmod(0o700)
    except OSError as error:
        raise InputError(
            f"results cannot be kept in {folder.parent} ({error.strerror}); set {VARIABLE} to a "
            "folder that can be written to"
        ) from error


def _keep_json(folder: Path, record: Record) -> str:
    return keep(folder, json_text(record).encode(), ".json")


def _keep_sheet(folder: Path, sheet: CaseSheet) -> Record:
    return {
        "file": _keep_json(folder, case_sheet_record(sheet)),
        "planes": keep(folder, _packed(**case_sheet_planes(sheet)), ".npz"),
    }


def _sheet(folder: Path, entry: Entry) -> CaseSheet:
    planes = _arrays(content_of(folder, entry.text("planes")), entry.where)
    return case_sheet_from(_json(folder, entry.text("file")), planes)


def _packed(**arrays: Any) -> bytes:
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    return packed.getvalue()


def _files(index: Record) -> Iterator[str]:
    """Names of the files that an index names."""
    entry = Entry(dict(index), "")
    if entry.has("ranking"):
        yield entry.text("ranking")
    if entry.has("clusters"):
        yield entry.text("clusters")
    yield from entry.texts("dependence")
    yield from _checks(entry)
    yield from (picture.text("file") for picture in entry.entries("pictures"))
    yield from (sheet.text(key) for sheet in _sheets(entry) for key in ("file", "planes"))


def _checks(index: Entry) -> tuple[str, ...]:
    """Files of the checks; earlier versions kept none."""
    return index.texts("checks") if index.has("checks") else ()


def _sheets(index: Entry) -> list[Entry]:
    """Sheets of cases; earlier versions kept none."""
    return index.entries("cases") if index.has("cases") else []


def _json(folder: Path, name: str) -> dict[str, object]:
    return parse(content_of(folder, name).decode(errors="replace"), "a kept result").values


def _volume(content: bytes, where: str) -> Float32:
    arrays = _arrays(content, where)
    if "volume" not in arrays:
        raise InputError(f"{where} has no volume; measure again")
    return np.asarray(arrays["volume"])


def _arrays(content: bytes, where: str) -> dict[str, npt.NDArray[Any]]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as packed:
            return dict(packed.items())
    except (OSError, ValueError, LookupError, EOFError, zipfile.BadZipFile, MemoryError) as error:
        raise InputError(f"{where} has a volume that cannot be read; measure again") from error
