"""``latentattr rank``: which latent maps carry an outcome, if any do."""

from __future__ import annotations

import math
from pathlib import Path

from napari_latentattr.cohort.study import Study, open_study
from napari_latentattr.commands.results import Report
from napari_latentattr.commands.streaming_options import streaming_of
from napari_latentattr.commands.tables import table
from napari_latentattr.core.broken import left_out_lines
from napari_latentattr.core.progress import Progress
from napari_latentattr.core.ranking_words import cluster_letter, gate_sentence, top_map_sentence
from napari_latentattr.core.types import Ranking
from napari_latentattr.figures.ranking import ranking_figure
from napari_latentattr.figures.style import png
from napari_latentattr.io.atomic import write_bytes, write_json, write_text
from napari_latentattr.io.records import ranking_csv, ranking_record
from napari_latentattr.ranking.rank import rank_maps
from napari_latentattr.streaming.streaming import HERE, Streaming


def run(
    folder: Path,
    *,
    study: Path,
    outcome: str | None,
    seed: int | None,
    trust: bool,
    progress: Progress,
    cache: Path | None = None,
    skip_broken: bool = False,
    scheduler: str | None = None,
) -> Report:
    """Rank the maps of a study; write ``ranking.json``, ``ranking.csv`` and ``ranking.png``."""
    opened = open_study(study, trust=trust)
    with streaming_of(cache, skip_broken, scheduler) as streaming:
        ranking = rank_study(opened, outcome, seed=seed, streaming=streaming, progress=progress)
    write_ranking(folder, ranking)
    return Report(ranking_text(ranking), "ranking.json")


def rank_study(
    study: Study,
    outcome: str | None,
    *,
    seed: int | None,
    streaming: Streaming = HERE,
    progress: Progress,
) -> Ranking:
    """Rank the maps of a study for one of its outcomes; its own seed and outcome when None."""
    name, values = study.named_outcome(outcome)
    return rank_maps(
        study.model,
        study.cohort,
        values,
        name=name,
        seed=study.seed if seed is None else seed,
        streaming=streaming,
        progress=progress,
    )


def write_ranking(folder: Path, ranking: Ranking) -> None:
    """Write a ranking as JSON, as a table and as a picture."""
    write_json(folder / "ranking.json", ranking_record(ranking))
    write_text(folder / "ranking.csv", ranking_csv(ranking))
    write_bytes(folder / "ranking.png", png(ranking_figure(ranking)))


def ranking_text(ranking: Ranking) -> str:
    """Gate in words, all maps in order of rank, and what can be said of the first."""
    rows = [
        [
            str(rank + 1),
            str(ranking.maps[k]),
            f"{ranking.importance[k]:.3f}",
            _interval(ranking.evidence[k].low, ranking.evidence[k].high),
            f"{ranking.shadow[k]:.0%}",
            "<0.001" if ranking.q[k] < 0.001 else f"{ranking.q[k]:.3f}",
            cluster_letter(int(ranking.cluster[k])),
            str(ranking.verdict[k]),
        ]
        for rank, k in enumerate(ranking.order)
    ]
    header = (
        "rank",
        "map",
        f"loss of {ranking.gate.score}",
        "95 %",
        "chosen",
        "q",
        "group",
        "verdict",
    )
    return "\n".join(
        [
            f"outcome {ranking.outcome}, never split: {ranking.folds}",
            gate_sentence(ranking),
            "",
            table(rows, header=header),
            "",
            "Chosen: in so many forests, each with its own seed, the map beat every shadow.",
            "Maps of one group rise and fall together; the data cannot say which of them matters.",
            top_map_sentence(ranking),
            *left_out_lines(ranking.provenance.params),
        ]
    )


def _interval(low: float, high: float) -> str:
    return "-" if math.isnan(low) else f"{low:.3f} to {high:.3f}"
