"""What is asked once a map was found: which cases have most of it, and what would excite it.

Nothing here knows a right answer; what is known of a simulation is told beside the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_latentattr.commands.cases import write_cases
from napari_latentattr.commands.clusters import write_clusters
from napari_latentattr.commands.demo.questions import Answer
from napari_latentattr.commands.maximise import write_maximisation
from napari_latentattr.core.progress import Progress
from napari_latentattr.core.retrieval import CaseList
from napari_latentattr.methods.maximise import maximise
from napari_latentattr.retrieval.cluster import cluster_cases
from napari_latentattr.retrieval.find import find_cases

_TOP = 5


@dataclass(frozen=True, slots=True)
class Sequel:
    """A question that follows from an answer, and what the tool answers.

    Attributes
    ----------
    folder, title, known : str
        As of `Question`.
    sentences : tuple of str
    headline : str
        Answer in the fewest words.
    """

    folder: str
    title: str
    known: str
    sentences: tuple[str, ...]
    headline: str


Ask = Callable[[Path, Answer, int, Progress], Sequel]


def which_cases(folder: Path, answer: Answer, seed: int, progress: Progress) -> Sequel:
    """Which cases have most of the map that finds a region; written to ``simulated_cases``."""
    question, name = answer.question, "simulated_cases"
    if answer.top is None:
        raise ValueError("no map was found, so there are no cases of it")
    found = find_cases(
        question.study.model,
        question.study.cohort,
        answer.top,
        top=_TOP,
        pool="peak",
        seed=seed,
        progress=progress,
    )
    (folder / name).mkdir()
    write_cases(folder / name, found, question.study.cohort)
    return Sequel(
        name,
        f"Which cases have most of {answer.top}, and where?",
        f"where the simulation put a {question.name}",
        (
            f"highest values of {answer.top}, one case a patient: {', '.join(found.cases)} "
            f"({found.n} {found.unit_name})",
            f"the place of the highest value touches a {question.name} in "
            f"{_touching(found.top, answer)}; in {_touching(found.random, answer)} of cases drawn "
            "at random",
        ),
        ", ".join(found.cases),
    )


def which_groups(folder: Path, answer: Answer, seed: int, progress: Progress) -> Sequel:
    """Which cases look alike to the model; written to ``simulated_groups``."""
    study, name = answer.question.study, "simulated_groups"
    found = cluster_cases(
        study.model, study.cohort, outcomes=study.outcomes(), seed=seed, progress=progress
    )
    (folder / name).mkdir()
    write_clusters(folder / name, found)
    return Sequel(
        name,
        "Do the simulated patients fall into groups?",
        "half of them have lesions, small against a brain; else they differ by degrees",
        (found.sentence(), found.basis()),
        f"{found.count} groups" if found.count else "no groups",
    )


def what_excites(folder: Path, answer: Answer, seed: int, progress: Progress) -> Sequel:
    """Make up what excites the map that finds a region; written to ``simulated_excitation``."""
    study, name = answer.question.study, "simulated_excitation"
    if answer.top is None:
        raise ValueError("no map was found, so nothing can excite it")
    found = maximise(
        study.model, answer.top.index, cohort=study.cohort, seed=seed, progress=progress
    )
    (folder / name).mkdir()
    write_maximisation(folder / name, found, study.cohort)
    return Sequel(
        name,
        f"What would excite {answer.top}?",
        "a made-up picture shows what a model answers to, not what patients have in common",
        (found.sentence(),),
        f"made up, beside {', '.join(found.top_cases)}",
    )


def _touching(listed: CaseList, answer: Answer) -> str:
    """In how many cases of a list the box holds a voxel of the region."""
    regions = answer.question.regions
    held = [
        regions[index][tuple(slice(a, b) for a, b in box)].any()
        for index, box in zip(listed.index, listed.boxes, strict=True)
    ]
    return f"{int(np.sum(held))} of {len(held)}"
