"""Asks the questions of a sample, writes each answer to its folder and tells the story."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from napari_latentattr.commands.channels import write_dependence
from napari_latentattr.commands.demo import dti, simulated
from napari_latentattr.commands.demo.pictures import best_case, chapter
from napari_latentattr.commands.demo.questions import Answer, answer
from napari_latentattr.commands.demo.sequels import Ask, Sequel
from napari_latentattr.commands.rank import write_ranking
from napari_latentattr.commands.results import Report
from napari_latentattr.commands.view import start_in_background
from napari_latentattr.commands.volumes import Moves, moves_of, moves_of_case, write_moves
from napari_latentattr.core.progress import Progress
from napari_latentattr.core.types import Provenance
from napari_latentattr.core.versions import installed_versions
from napari_latentattr.figures.overview import Chapter, overview_figure
from napari_latentattr.figures.style import png
from napari_latentattr.io.atomic import write_bytes, write_json, write_text
from napari_latentattr.io.records import Record, dependence_record, provenance_record

_DONORS = 4
_COLUMNS = 96


def run(folder: Path, *, cohort: bool, view: bool, seed: int | None, progress: Progress) -> Report:
    """Run the demo on real DTI of one person or, with `cohort`, on simulated patients.

    Writes ``demo.json``, ``overview.png`` and ``story.txt``, and a folder a question.
    """
    began = time.perf_counter()
    sample = simulated if cohort else dti
    questions = (
        simulated.simulated_questions(folder, progress=progress)
        if cohort
        else dti.dti_questions(seed=seed)
    )
    seed = questions[0].study.seed if seed is None else seed
    answers, chapters = [], []
    for number, question in enumerate(questions, start=1):
        found = answer(question, donors=_DONORS, seed=seed, progress=progress)
        answers.append(found)
        chapters.append(_write_answer(folder / question.folder, number, found, seed))
    sequels = _sequels(folder, answers[0], sample.SEQUELS, seed=seed, progress=progress)
    story = _tell(sample.HEADING, answers, sequels, sample.CAVEATS)
    _write_overview(folder, chapters, sample.HEADING, sample.CAVEATS)
    write_text(folder / "story.txt", story + "\n")
    provenance = Provenance(
        method="demo",
        params={"cohort": cohort, "donors": _DONORS},
        seed=seed,
        model_sha256=answers[0].ranking.provenance.model_sha256,
        data_sha256=answers[0].ranking.provenance.data_sha256,
        versions=installed_versions(),
    ).timed(time.perf_counter() - began)
    record = {
        "kind": "demo",
        "version": 1,
        "sample": "simulated cohort" if cohort else "DTI of one person",
        "caveats": list(sample.CAVEATS),
        "questions": [_record(found) for found in answers],
        "sequels": [asdict(found) for found in sequels],
        "provenance": provenance_record(provenance),
    }
    write_json(folder / "demo.json", record)
    if view and not cohort and start_in_background(questions[0].study.path):
        story += "\n\nnapari opens with the first question in it."
    return Report(story, "demo.json")


def _sequels(
    folder: Path, first: Answer, asks: Sequence[Ask], *, seed: int, progress: Progress
) -> list[Sequel]:
    """Ask on about the map that the first question found, if it found one."""
    return [] if first.top is None else [ask(folder, first, seed, progress) for ask in asks]


def _write_answer(folder: Path, number: int, found: Answer, seed: int) -> Chapter:
    folder.mkdir()
    write_ranking(folder, found.ranking)
    if found.whole is None or found.top is None:
        return chapter(number, found, None)
    write_dependence(folder, found.whole, [found.top])
    if found.inside is not None:
        write_json(folder / "channels_inside.json", dependence_record(found.inside, [found.top]))
    shown = moves_of_case(
        found.question.study, found.top, best_case(found), donors=_DONORS, seed=seed
    )
    _write_moves(folder, found, shown, seed)
    return chapter(number, found, shown)


def _write_moves(folder: Path, found: Answer, shown: Moves, seed: int) -> None:
    """Write the volume that the shown case belongs to."""
    if shown.volume.ndim == 4 or found.top is None:
        write_moves(folder, shown)
        return
    for moves in moves_of(found.question.study, found.top, donors=_DONORS, seed=seed):
        write_moves(folder, moves)


def _write_overview(
    folder: Path, chapters: list[Chapter], heading: str, caveats: tuple[str, ...]
) -> None:
    footer = "\n".join(
        [
            "Left to right: image with the label in yellow; the top map; how far the map moves "
            "when one image comes from another case (square-root axis, 95 % line); where it moves.",
            *caveats,
        ]
    )
    write_bytes(
        folder / "overview.png", png(overview_figure(chapters, heading=heading, footer=footer))
    )


def _record(found: Answer) -> Record:
    return {
        "title": found.question.title,
        "folder": found.question.folder,
        "model": found.question.model,
        "known": found.question.known,
        "outcome": found.ranking.outcome,
        "gate_passed": found.ranking.gate.passed,
        "map": None if found.top is None else str(found.top),
        "answer": _bare_answer(found),
        "sentences": found.sentences,
    }


def _bare_answer(found: Answer) -> str:
    if found.whole is None or found.top is None:
        return found.headline
    return str(found.whole.answer[found.whole.row(found.top)])


def _tell(
    heading: str, answers: list[Answer], sequels: list[Sequel], caveats: tuple[str, ...]
) -> str:
    """Tell all questions with their answers, broken into lines for a terminal."""
    paragraphs = [heading]
    for number, found in enumerate(answers, start=1):
        question = found.question
        lines = [f"{number}. {question.title}", f"   {question.model}; known: {question.known}"]
        lines += [_indented(sentence) for sentence in found.sentences]
        lines.append(f"   -> {found.headline}")
        paragraphs.append("\n".join(lines))
    for number, sequel in enumerate(sequels, start=len(answers) + 1):
        lines = [f"{number}. {sequel.title}", f"   known: {sequel.known}"]
        lines += [_indented(sentence) for sentence in sequel.sentences]
        paragraphs.append("\n".join([*lines, f"   -> {sequel.headline}"]))
    paragraphs.append("\n".join(textwrap.fill(line, _COLUMNS) for line in caveats))
    return "\n\n".join(paragraphs)


def _indented(sentence: str) -> str:
    return textwrap.fill(sentence, _COLUMNS, initial_indent="   - ", subsequent_indent="     ")
