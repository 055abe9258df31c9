"""What is loaded, what is looked at and what was found: the commands of a window, without one.

A command is a `Job`: work for any thread, and a last step that keeps what came out, for the thread
that owns the session. Refuses to know Qt and the viewer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from psygnal import Signal

from napari_latentattr.cohort.cohort import Cohort
from napari_latentattr.cohort.study import Study, open_study
from napari_latentattr.core.dependence import ChannelDependence
from napari_latentattr.core.progress import Progress
from napari_latentattr.core.ranking_words import top_map
from napari_latentattr.core.results import Picture, Results, Selection
from napari_latentattr.core.types import Float32, ImageStack, LatentSpec, Ranking

T = TypeVar("T")

DONORS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Job(Generic[T]):
    """One command on its way.

    Attributes
    ----------
    text : str
        What is being done, as the window says it.
    work : callable
        Takes a `Progress`; may run in any thread and changes nothing.
    keep : callable
        Takes what `work` returned; runs where the session lives.
    seconds : float or None
        How long it should take, where that can be told.
    """

    text: str
    work: Callable[[Progress], T]
    keep: Callable[[T], None]
    seconds: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Latents:
    """All latent maps (K, *L) of one case, and where they lie."""

    case: str
    stack: ImageStack
    maps: Float32
    spec: LatentSpec


class Session:
    """One study in one viewer.

    Attributes
    ----------
    study : Study or None
    results : Results
    selection : Selection
    latents : Latents or None
        Of the selected case, once they were computed.
    """

    study_changed = Signal()
    results_changed = Signal()
    selection_changed = Signal(object, object)  # the new and the old Selection
    latents_changed = Signal()

    def __init__(self) -> None:
        self.study: Study | None = None
        self.results = Results()
        self.selection = Selection()
        self.latents: Latents | None = None
        self.pass_seconds: float | None = None
        self._earlier: list[Results] = []

    @property
    def volumes(self) -> Cohort:
        """Cases as they are shown: whole volumes, also where slices are the units."""
        cohort = self._study().cohort
        try:
            return cohort.cut.whole
        except ValueError:
            return cohort

    @property
    def region(self) -> str:
        """Name of the outcome where it is a region; else empty."""
        study = self.study
        if study is None or study.outcome_name is None:
            return ""
        return study.outcome_name if study.outcome_name in study.cohort.region_names else ""

    def use(self, study: Study) -> None:
        """Start with a study; nothing was found yet, and the first map is looked at."""
        self.study, self.results, self.selection = study, Results(), Selection()
        self.latents, self.pass_seconds, self._earlier = None, None, []
        self.study_changed.emit()

    def restore(self, results: Results, selection: Selection) -> None:
        """Take up what an earlier session found in the same study."""
        self.results, self._earlier = results, []
        self.results_changed.emit()
        self.select(map=selection.map, channel=selection.channel, case=selection.case)

    def select(
        self,
        *,
        map: int | None = None,  # noqa: A002
        channel: int | None = None,
        case: int | None = None,
    ) -> None:
        """Look at another map, image or case; values out of range are brought back into it."""
        study, old = self._study(), self.selection
        wanted = {
            "map": (map, study.model.spec.n_maps),
            "channel": (channel, len(study.channels)),
            "case": (case, len(self.volumes)),
        }
        given = {k: min(max(int(v), 0), n - 1) for k, (v, n) in wanted.items() if v is not None}
        new = replace(old, **given)
        if new == old:
            return
        self.selection = new
        if new.case != old.case:
            self.latents = None
        self.selection_changed.emit(new, old)

    def picture(self, kind: str) -> Picture | None:
        """Return the picture of the selected map and case, if it was made."""
        case = self.volumes.cases[self.selection.case]
        return self.results.pictures.get((kind, self.selection.map, case))

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
        self._keep(Results())

    # Commands

    def open(self, path: Path, *, trust: bool = False) -> Job[Study]:
        """Open a study file."""
        return Job(
            f"Opening {path.name}",
            lambda progress: open_study(path, trust=trust),
            self.use,
        )

    def encode(self) -> Job[Latents]:
        """Latent maps of the selected case."""
        study, volumes, case = self._study(), self.volumes, self.selection.case

        def work(progress: Progress) -> Latents:
            from napari_latentattr.model.slicewise import over_volumes

            stack = volumes[case]
            model = over_volumes(study.model, volumes)
            progress.report(0, 1, "latent maps")
            began = time.perf_counter()
            maps = model.encode(stack.data[None])[0]
            self.pass_seconds = time.perf_counter() - began
            return Latents(stack.case, stack, maps, model.spec)

        def keep(latents: Latents) -> None:
            if self.study is study and self.selection.case == case:
                self.latents = latents
                self.latents_changed.emit()

        return Job(f"Latent maps of {volumes.cases[case]}", work, keep)

    def rank(self, outcome: str | None = None) -> Job[Ranking]:
        """Rank the maps for an outcome; the study's own when None."""
        study = self._study()
        name, values = study.named_outcome(outcome)

        def work(progress: Progress) -> Ranking:
            from napari_latentattr.ranking.rank import rank_maps

            return rank_maps(
                study.model, study.cohort, values, name=name, seed=study.seed, progress=progress
            )

        def keep(ranking: Ranking) -> None:
            self.study = replace(study, outcome_name=name)
            self._keep(self.results.with_ranking(ranking))
            first = top_map(ranking)
            if first is not None:
                self.select(map=first.index)

        return Job(f"Ranking {study.model.spec.n_maps} maps for {name}", work, keep)

    def measure(self, which: int | None = None) -> Job[list[ChannelDependence]]:
        """Which image drives each map, or one map named beforehand; also inside the outcome."""
        study, region = self._study(), self.region
        n = study.model.spec.n_maps

        def work(progress: Progress) -> list[ChannelDependence]:
            from napari_latentattr.methods.channel_dependence import channel_dependence

            return [
                channel_dependence(
                    study.model,
                    study.cohort,
                    maps=which,
                    region=where or None,
                    donors=DONORS,
                    seed=study.seed,
                    progress=progress,
                )
                for where in dict.fromkeys(("", region))
            ]

        def keep(found: list[ChannelDependence]) -> None:
            results = self.results
            for answer in reversed(found):
                results = results.with_dependence(answer)
            self._keep(results)

        what = f"{n} maps" if which is None else f"map {which}"
        return Job(f"Measuring drivers of {what}", work, keep, self._seconds(2 if region else 1))

    def _seconds(self, times: int) -> float | None:
        if self.pass_seconds is None:
            return None
        passes = len(self.volumes) * len(self._study().channels) * DONORS
        return times * passes * self.pass_seconds

    def _keep(self, results: Results) -> None:
        self._earlier.append(self.results)
        self.results = results
        self.results_changed.emit()

    def _study(self) -> Study:
        if self.study is None:
            raise ValueError("no study is open")
        return self.study
