"""``latentattr channels``: which image drives each latent map, with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_latentattr.cohort.study import open_study
from napari_latentattr.commands.rank import rank_study, write_ranking
from napari_latentattr.commands.results import Report
from napari_latentattr.commands.streaming_options import streaming_of
from napari_latentattr.commands.volumes import write_volumes
from napari_latentattr.core.broken import left_out_lines
from napari_latentattr.core.dependence import ChannelDependence
from napari_latentattr.core.errors import InputError
from napari_latentattr.core.likeness import PatternLikeness
from napari_latentattr.core.progress import Progress
from napari_latentattr.core.ranking_words import gate_sentence, top_map, top_map_sentence
from napari_latentattr.core.types import MapRef
from napari_latentattr.figures.drivers import drivers_figure
from napari_latentattr.figures.style import png
from napari_latentattr.io.atomic import write_bytes, write_json, write_text
from napari_latentattr.io.likeness_records import likeness_csv, likeness_record
from napari_latentattr.io.records import dependence_csv, dependence_record
from napari_latentattr.methods.channel_dependence import channel_dependence
from napari_latentattr.methods.pattern_likeness import pattern_likeness

_ONE_CASE = (
    "the study has one case, and its images can only be compared with stand-ins made from "
    "themselves; add cases, or give --one-case to accept an approximate answer"
)


def run(
    folder: Path,
    *,
    study: Path,
    maps: Sequence[int] | None,
    top: bool,
    outcome: str | None,
    region: str | None,
    tau: float,
    donors: int,
    seed: int | None,
    volumes: bool,
    likeness: bool,
    one_case: bool,
    trust: bool,
    progress: Progress,
    cache: Path | None = None,
    skip_broken: bool = False,
    scheduler: str | None = None,
) -> Report:
    """Ask which images drive the maps of a study.

    Writes ``channels.json``, ``channels.csv`` and ``channels.png``; with `volumes` also where each
    image moves each asked map, and with `likeness` the files of `write_likeness`. With `top` the
    ranking that chose the map is written too, and all maps are corrected together, because the map
    was not named beforehand.
    """
    if outcome is not None and not top:
        raise InputError("--outcome chooses what --top ranks for; give --top or leave it out")
    if likeness and region is not None:
        raise InputError("--likeness speaks of whole maps; leave --likeness or --region out")
    if skip_broken and volumes:
        raise InputError("--volumes needs every case; leave it or --skip-broken out")
    opened = open_study(study, trust=trust)
    if len(opened.cohort) == 1 and not one_case:
        raise InputError(_ONE_CASE)
    seed = opened.seed if seed is None else seed
    with streaming_of(cache, skip_broken, scheduler) as streaming:
        said: list[str] = []
        first = None
        if top:
            ranking = rank_study(opened, outcome, seed=seed, streaming=streaming, progress=progress)
            write_ranking(folder, ranking)
            said = [gate_sentence(ranking), top_map_sentence(ranking)]
            first = top_map(ranking)
            if first is None:
                return Report("\n".join(said), "ranking.json")
        result = channel_dependence(
            opened.model,
            opened.cohort,
            maps=maps,
            region=region,
            tau=tau,
            donors=donors,
            seed=seed,
            streaming=streaming,
            progress=progress,
        )
        asked = result.maps if first is None else (first,)
        write_dependence(folder, result, asked)
        if volumes:
            write_volumes(folder, opened, asked, donors=donors, seed=seed, progress=progress)
        said += dependence_lines(result, asked)
        if likeness:
            alike = pattern_likeness(
                opened.model,
                opened.cohort,
                maps=maps,
                tau=tau,
                seed=seed,
                streaming=streaming,
                progress=progress,
            )
            write_likeness(folder, alike, asked)
            said += likeness_lines(alike, asked)
        return Report("\n".join(said), "channels.json")


def write_dependence(folder: Path, result: ChannelDependence, asked: Sequence[MapRef]) -> None:
    """Write the answers as JSON, as a table, and as a picture of the maps in `asked`."""
    write_json(folder / "channels.json", dependence_record(result, asked))
    write_text(folder / "channels.csv", dependence_csv(result))
    write_bytes(folder / "channels.png", png(drivers_figure(result, asked)))


def write_likeness(folder: Path, result: PatternLikeness, asked: Sequence[MapRef]) -> None:
    """Write ``likeness.json`` and ``likeness.csv``."""
    write_json(folder / "likeness.json", likeness_record(result, asked))
    write_text(folder / "likeness.csv", likeness_csv(result))


def likeness_lines(result: PatternLikeness, asked: Sequence[MapRef]) -> list[str]:
    """Say whose pattern each map looks like, apart from what drives it."""
    return ["", *(result.sentence(ref) for ref in asked), result.basis()]


def dependence_lines(result: ChannelDependence, asked: Sequence[MapRef]) -> list[str]:
    """One sentence a map, then what all of them rest on."""
    units = result.approximate or f"{result.n} {result.unit_name}"
    null = f"tau {result.tau:g}" if result.approximate else f"null: ratio of at most {result.tau:g}"
    return [
        *(result.sentence(ref) for ref in asked),
        f"{result.n_cases} cases x {result.donors} donors, {units}, {null}, {result.family}.",
        *left_out_lines(result.provenance.params),
        "'Driven' is about this model, not about biology. Research use, not diagnosis.",
    ]
