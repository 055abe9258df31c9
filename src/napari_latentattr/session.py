"""What is loaded, what is looked at and what was found; everything on the screen follows it.

Refuses to know Qt, the viewer, and how anything is computed: see `jobs`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal

from napari_latentattr.core.place import WHOLE, Place
from napari_latentattr.core.results import (
    MOST_PICTURES,
    Picture,
    PictureKind,
    Results,
    Selection,
)
from napari_latentattr.core.so_far import RatiosSoFar
from napari_latentattr.core.types import Float32, ImageStack, LatentSpec, Ranking

if TYPE_CHECKING:
    from napari_latentattr.cohort.cohort import Cohort
    from napari_latentattr.cohort.study import Study
    from napari_latentattr.core.case_sheet import CaseSheet, Grey
    from napari_latentattr.core.made_up import MadeUp
    from napari_latentattr.core.traversal import Traversal
    from napari_latentattr.model.self_test import SelfTest

# Earlier results hold on to their pictures.
MOST_EARLIER = 3


@dataclass(frozen=True, slots=True, eq=False)
class Latents:
    """All latent maps (K, *L) of one case, where they lie, and the seconds that encoding took."""

    case: str
    stack: ImageStack
    maps: Float32
    spec: LatentSpec
    seconds: float = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A study with what was noticed when its model was loaded.

    Attributes
    ----------
    study : Study
    tried : SelfTest or None
    ran_code : bool
        The model brought its own code, and it was run.
    """

    study: Study
    tried: SelfTest | None = None
    ran_code: bool = False


class Session:
    """One study in one viewer.

    Attributes
    ----------
    study : Study or None
    results : Results
    selection : Selection
    latents : Latents or None
        Of the selected case, once they were computed.
    pass_seconds : float or None
        One encoding of a case, once it was timed.
    ratios : RatiosSoFar or None
        What a measurement that still runs has found.
    preview : (int, (C, h, w) uint8 array) or None
        Map and slice of a picture that is being made up.
    unfinished : dict
        What stopped work needs to go on, by what was asked.
    tau, donors
        As in `channel_dependence`.
    """

    study_changed = Signal()
    results_changed = Signal()
    selection_changed = Signal(object, object)  # the new and the old Selection
    images_read = Signal(object)  # those of the selected case, before its latent maps are there
    latents_changed = Signal()
    ratios_changed = Signal()
    preview_changed = Signal()
    ranking_changed = Signal()  # what `ranking` gives, while one is made

    def __init__(self) -> None:
        self.study: Study | None = None
        self.tried: SelfTest | None = None
        self.ran_code = False
        self.results = Results()
        self.selection = Selection()
        self.latents: Latents | None = None
        self.pass_seconds: float | None = None
        self.ratios: RatiosSoFar | None = None
        self.preview: tuple[int, Grey] | None = None
        self.unfinished: dict[tuple[object, ...], Any] = {}
        self._ranking: Ranking | None = None
        self.tau, self.donors = 0.03, 4
        self._earlier: list[Results] = []
        self._took: dict[str, float] = {}

    @property
    def volumes(self) -> Cohort:
        """Cases as they are shown: whole volumes, also where slices are the units."""
        cohort = self.opened().cohort
        return cohort.cut.whole if cohort.is_cut else cohort

    @property
    def outcome(self) -> str | None:
        """What the maps were ranked for; before that, the outcome of the study."""
        if self.results.ranking is not None:
            return self.results.ranking.outcome
        return None if self.study is None else self.study.outcome_name

    @property
    def ranking(self) -> Ranking | None:
        """What is known of the ranking that is being made; otherwise the last one."""
        return self._ranking or self.results.ranking

    @property
    def region(self) -> str:
        """Name of the outcome where it is a region; else empty."""
        outcome = self.outcome
        known = () if self.study is None else self.study.cohort.region_names
        return outcome if outcome is not None and outcome in known else ""

    def use(self, opened: Opened) -> None:
        """Start with a study; nothing was found yet, and the first map is looked at."""
        self.study, self.tried, self.ran_code = opened.study, opened.tried, opened.ran_code
        self.results, self.selection = Results(), Selection()
        self.latents, self.pass_seconds, self._earlier, self._took = None, None, [], {}
        self.ratios, self._ranking, self.preview, self.unfinished = None, None, None, {}
        self.study_changed.emit()

    def restore(self, results: Results, selection: Selection) -> None:
        """Take up what an earlier session found in the same study."""
        self.results, self._earlier = results, []
        self.results_changed.emit()
        self.select(
            map=selection.map,
            channel=selection.channel,
            case=selection.case,
            place=selection.place,
        )

    def select(
        self,
        *,
        map: int | None = None,  # noqa: A002
        channel: int | None = None,
        case: int | None = None,
        place: Place | None = None,
    ) -> None:
        """Look at another map, image, case or part of maps.

        Numbers out of range are brought back into it.
        """
        study, old = self.opened(), self.selection
        wanted = {
            "map": (map, study.model.spec.n_maps),
            "channel": (channel, len(study.channels)),
            "case": (case, len(self.volumes)),
        }
        if map is not None and channel is None:
            wanted["channel"] = (self._leading(int(map)), len(study.channels))
        given = {k: min(max(int(v), 0), n - 1) for k, (v, n) in wanted.items() if v is not None}
        new = replace(old, **given, place=old.place if place is None else place)
        if new == old:
            return
        self.selection = new
        if new.case != old.case:
            self.latents = None
        self.selection_changed.emit(new, old)

    def _leading(self, which: int) -> int | None:
        """Image that moves a map most, where that was measured."""
        ratio = self.results.ratio(which)
        return None if ratio is None or np.isnan(ratio).all() else int(np.nanargmax(ratio))

    def picture(self, kind: PictureKind) -> Picture | None:
        """Return the picture of the selected map and case, if it was made.

        Pictures of where are of the selected part of the map; the decoder draws whole maps alone.
        """
        chosen, case = self.selection, self.volumes.cases[self.selection.case]
        place = chosen.place if kind == "where" else WHOLE
        return self.results.pictures.get((kind, chosen.map, case, place))

    @property
    def traversal(self) -> Traversal | None:
        """The traversal, where it is of the selected map and case."""
        found, chosen = self.results.traversal, self.selection
        if found is None or self.study is None:
            return None
        about = (found.target.index, found.case)
        return found if about == (chosen.map, self.volumes.cases[chosen.case]) else None

    @property
    def case_sheet(self) -> CaseSheet | None:
        """Cases that have most and least of the selected map, where they were looked for."""
        return self.results.cases.get(self.selection.map)

    @property
    def made_up(self) -> MadeUp | None:
        """What would excite the selected map, where it was made up."""
        return self.results.made_up.get(self.selection.map)

    def undo(self) -> bool:
        """Forget the last result; False when there is none."""
        if not self._earlier:
            return False
        self.results = self._earlier.pop()
        self.results_changed.emit()
        return True

    @property
    def can_undo(self) -> bool:
        """Whether there is a result to forget."""
        return bool(self._earlier)

    def clear(self) -> None:
        """Forget all results; `undo` brings them back."""
        self.keep(Results())

    def show_ratios(self, ratios: RatiosSoFar | None) -> None:
        """Show what a measurement has found so far; None takes it away."""
        if ratios is not self.ratios:
            self.ratios = ratios
            self.ratios_changed.emit()

    def show_ranking(self, ranking: Ranking | None) -> None:
        """Show what is known of the ranking that is being made; None takes it away."""
        if ranking is not self._ranking:
            self._ranking = ranking
            self.ranking_changed.emit()

    def show_preview(self, preview: tuple[int, Grey] | None) -> None:
        """Show a picture while it is made up; None takes it away."""
        if preview is not self.preview:
            self.preview = preview
            self.preview_changed.emit()

    def took(self, method: str) -> float | None:
        """Seconds that a method took the last time in this study; None before."""
        return self._took.get(method)

    def remember(self, method: str, seconds: float) -> None:
        """Note how long a method took."""
        self._took[method] = seconds

    def keep(self, results: Results) -> None:
        """Take new results; `undo` goes back to those before."""
        earlier = [*self._earlier, self.results][-MOST_EARLIER:]
        # They take much memory; only the last ones can be brought back.
        earlier[:-1] = [_lightened(one, results) for one in earlier[:-1]]
        if len(results.pictures) == MOST_PICTURES:  # what made room for new ones is gone for good
            earlier = [_with_pictures_of(one, results) for one in earlier]
        self._earlier = earlier
        self.results, self.ratios, self._ranking, self.preview = results, None, None, None
        self.results_changed.emit()

    def opened(self) -> Study:
        """Return the study that is open."""
        if self.study is None:
            raise ValueError("no study is open")
        return self.study


def _lightened(results: Results, newer: Results) -> Results:
    """Results without what takes much memory, where the newer ones have it no more."""
    same = {k: v for k, v in results.made_up.items() if newer.made_up.get(k) is v}
    return replace(results, traversal=None, made_up=same)


def _with_pictures_of(results: Results, newer: Results) -> Results:
    kept = {key: picture for key, picture in results.pictures.items() if key in newer.pictures}
    return replace(results, pictures=kept)
