"""Commands on a session. A command gives a `Job`: work for any thread, then a last step.

The work changes nothing; the last step keeps what came out, where the session lives. What work
needs is imported where it runs: a window opens without the engine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from napari_latentattr.core.open_image import to_resample
from napari_latentattr.core.progress import Progress
from napari_latentattr.core.ranking_words import top_map
from napari_latentattr.core.so_far import RatiosSoFar
from napari_latentattr.core.types import ImageStack, Ranking
from napari_latentattr.session import Latents, Opened, Session

if TYPE_CHECKING:
    from napari_latentattr.core.dependence import ChannelDependence
    from napari_latentattr.core.open_image import OpenImage
    from napari_latentattr.io.preprocessing import Scaling

T = TypeVar("T")


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
        Takes what `work` returned; runs where the session lives. Does nothing when another study
        was opened meanwhile.
    then : callable or None
        Runs after `keep`, once the window has shown what was kept.
    look : callable or None
        Shows what `work` has found so far; runs where the session lives.
    seconds : float or None
        How long it should take, where that can be told.
    resumes : bool
        After a stop it goes on where it was, when it is run again.
    remedy : (str, callable) or None
        Where grids may not fit: what could be done about it, in words for a button, and what makes
        that job, given whether code may run.
    """

    text: str
    work: Callable[[Progress], T]
    keep: Callable[[T], None]
    then: Callable[[], None] | None = None
    look: Callable[[], None] | None = None
    seconds: float | None = None
    resumes: bool = False
    remedy: tuple[str, Callable[[bool], Job[T]]] | None = None


def open_study_file(session: Session, path: Path, *, trust: bool = False) -> Job[Opened]:
    """Open a study file."""

    def work(progress: Progress) -> Opened:
        from napari_latentattr.cohort.study import open_study
        from napari_latentattr.io.study_file import read_study_file
        from napari_latentattr.model.self_test import self_test

        progress.report(0, 1, "model and table of cases")
        _load_engine()
        code = read_study_file(path).model.code is not None
        study = open_study(path, trust=trust)
        return Opened(study, self_test(study.model), code)

    return Job(f"Opening {path.name}", work, session.use)


def open_images(
    session: Session,
    images: Sequence[OpenImage],
    labels: Sequence[OpenImage],
    weights: Path,
    *,
    architecture: str,
    arguments: Mapping[str, object],
    scaling: Scaling,
    resample: bool = False,
    trust: bool = False,
) -> Job[Opened]:
    """Put images that are open already, and a model file, together as a study.

    With `resample` all are brought onto the voxels of the first image; otherwise the job names that
    as the remedy where they lie elsewhere.
    """

    def work(progress: Progress) -> Opened:
        from napari_latentattr.cohort.open_images import resampling_note, stack_of, study_of
        from napari_latentattr.model.loading import load_model
        from napari_latentattr.model.self_test import self_test

        progress.report(0, 1, "images and model")
        _load_engine()
        stack = stack_of(images, scaling=scaling, resample=resample)
        sizes = {"n_channels": len(images), "ndim": stack.grid.ndim}
        model = load_model(
            weights, architecture=architecture, arguments={**sizes, **arguments}, trust=trust
        )
        outcome = labels[0].name if labels else None
        study = study_of(model, stack, labels=labels, outcome=outcome, resample=resample)
        if resample:
            study = replace(study, notes=(resampling_note(images, labels, stack),))
        return Opened(study, self_test(model), ".py:" in architecture)

    again = partial(
        open_images,
        session,
        images,
        labels,
        weights,
        architecture=architecture,
        arguments=arguments,
        scaling=scaling,
        resample=True,
    )
    words = "" if resample else _resample_words(images, labels)
    remedy = (words, lambda trust: again(trust=trust)) if words else None
    return Job(f"Opening {weights.name}", work, session.use, remedy=remedy)


def _resample_words(images: Sequence[OpenImage], labels: Sequence[OpenImage]) -> str:
    """Words for what brings all onto the voxels of the first image; empty where nothing does."""
    off = to_resample([*images, *labels]) if images else ()
    if len(off) > 1:
        return f"Resample {len(off)} layers"
    how = "linear" if off and off[0] in [image.name for image in images] else "nearest"
    return f"Resample {off[0]} ({how})" if off else ""


def encode(session: Session) -> Job[Latents]:
    """Latent maps of the selected case."""
    study, volumes, case = session.opened(), session.volumes, session.selection.case
    read: list[ImageStack] = []

    def is_asked() -> bool:
        return session.study is study and session.selection.case == case

    def work(progress: Progress) -> Latents:
        from napari_latentattr.model.slicewise import over_volumes

        stack = volumes[case]
        read.append(stack)
        model = over_volumes(study.model, volumes)
        progress.report(0, 1, "latent maps")
        began = time.perf_counter()
        maps = model.encode(stack.data[None])[0]
        return Latents(stack.case, stack, maps, model.spec, time.perf_counter() - began)

    def keep(latents: Latents) -> None:
        if is_asked():
            session.latents, session.pass_seconds = latents, latents.seconds
            session.latents_changed.emit()

    def look() -> None:
        if read and is_asked():
            session.images_read.emit(read.pop())

    return Job(f"Latent maps of {volumes.cases[case]}", work, keep, look=look)


def rank(session: Session, outcome: str | None = None) -> Job[Ranking]:
    """Rank the maps for an outcome; the study's own when None."""
    from napari_latentattr.ranking.memory import RankMemory

    study = session.opened()
    name, values = study.named_outcome(outcome)
    asked = ("rank", name)
    memory: RankMemory = session.unfinished.setdefault(asked, RankMemory())

    def work(progress: Progress) -> Ranking:
        from napari_latentattr.model.threads import free_cores
        from napari_latentattr.ranking.effort import STANDARD
        from napari_latentattr.ranking.rank import rank_maps

        return rank_maps(
            study.model,
            study.cohort,
            values,
            name=name,
            effort=replace(STANDARD, threads=min(STANDARD.threads, free_cores())),
            seed=study.seed,
            memory=memory,
            progress=progress,
        )

    def look() -> None:
        if session.study is study:
            session.show_ranking(memory.so_far)

    def keep(ranking: Ranking) -> None:
        if session.study is study:
            session.unfinished.pop(asked, None)
            session.keep(session.results.with_ranking(ranking))

    def then() -> None:
        ranking = session.results.ranking
        first = None if ranking is None or session.study is not study else top_map(ranking)
        if first is not None:
            session.select(map=first.index)

    text = f"Ranking {study.model.spec.n_maps} maps for {name}"
    return Job(text, work, keep, then, look, resumes=True)


def measure(
    session: Session, which: int | None = None, *, region: str = ""
) -> Job[ChannelDependence]:
    """Which image drives each map, or one map named beforehand; the whole map or in a region."""
    from napari_latentattr.methods.swap_memory import SwapMemory

    study = session.opened()
    tau, donors = session.tau, session.donors
    asked = ("channels", region, donors)
    memory: SwapMemory = session.unfinished.setdefault(asked, SwapMemory())

    def work(progress: Progress) -> ChannelDependence:
        from napari_latentattr.methods.channel_dependence import channel_dependence

        return channel_dependence(
            study.model,
            study.cohort,
            maps=which,
            region=region or None,
            tau=tau,
            donors=donors,
            seed=study.seed,
            memory=memory,
            progress=progress,
        )

    def look() -> None:
        of, shown = len(study.cohort), session.ratios
        before = shown.done if shown is not None and shown.region == region else 0
        # Twenty looks at most: each redraws the page.
        if session.study is study and len(memory.receipts) - before >= max(1, of / 20):
            found = memory.ratios(len(study.channels))
            if found is not None:
                session.show_ratios(RatiosSoFar(found[0], region, done=found[1], of=of))

    def keep(found: ChannelDependence) -> None:
        if session.study is study:
            if which is None:  # the swaps of one map serve all
                session.unfinished.pop(asked, None)
            session.keep(session.results.with_dependence(found))

    def then() -> None:
        if session.study is study:
            session.select(map=session.selection.map)  # now that its leading image is known

    what = f"{study.model.spec.n_maps} maps" if which is None else f"map {which}"
    where = f" inside {region}" if region else ""
    text = f"Measuring drivers of {what}{where}"
    return Job(text, work, keep, then, look, seconds=measure_seconds(session), resumes=True)


def _load_engine() -> None:
    """Import here what the window asks for later, so that it need not wait."""
    from napari_latentattr.methods._registry import methods

    methods()


def measure_seconds(session: Session) -> float | None:
    """How long `measure` should take, whole or in a region; None before a pass was timed."""
    if session.pass_seconds is None:
        return None
    passes = len(session.volumes) * len(session.opened().channels) * session.donors
    return passes * session.pass_seconds
