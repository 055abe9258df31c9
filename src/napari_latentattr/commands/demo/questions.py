"""A question of the demo and what the tool answers; nothing here knows a right answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari_latentattr.cohort.study import Study
from napari_latentattr.core.dependence import ChannelDependence
from napari_latentattr.core.progress import Progress
from napari_latentattr.core.ranking_words import gate_sentence, top_map, top_map_sentence
from napari_latentattr.core.types import Bool, MapRef, Ranking
from napari_latentattr.methods.channel_dependence import channel_dependence
from napari_latentattr.ranking.outcome import Outcome
from napari_latentattr.ranking.rank import rank_maps


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What is asked.

    Attributes
    ----------
    folder : str
        Name of the folder for its results.
    title : str
    known : str
        What is known beforehand, so that a reader can judge the answer.
    study : Study
    model : str
        What kind of model it is, in words.
    outcome : str, sequence of values, or sequence of (*S) bool array
    name : str
        Of the outcome.
    regions : sequence of (*S) bool array
        Where the outcome is, for each case; empty when it is a property of whole cases.
    inside : bool
        Whether the top map is also asked inside the region.
    """

    folder: str
    title: str
    known: str
    study: Study
    model: str
    outcome: Outcome
    name: str
    regions: Sequence[Bool]
    inside: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What came out; `top`, `whole` and `inside` are None where nothing was named or asked."""

    question: Question
    ranking: Ranking
    top: MapRef | None
    whole: ChannelDependence | None
    inside: ChannelDependence | None

    @property
    def headline(self) -> str:
        """Answer in the fewest words."""
        if self.whole is None or self.top is None:
            return "not supported" if not self.ranking.gate.passed else "no single map"
        return f"{self.top}: {self.whole.answer[self.whole.row(self.top)]}"

    @property
    def sentences(self) -> list[str]:
        """Gate, top map, what drives it, and what drives it inside the region."""
        said = [gate_sentence(self.ranking), top_map_sentence(self.ranking)]
        if self.top is None:
            return said[:1] if not self.ranking.gate.passed else said
        results = [result for result in (self.whole, self.inside) if result is not None]
        return [*said, *(result.sentence(self.top) for result in results)]


def answer(question: Question, *, donors: int, seed: int, progress: Progress) -> Answer:
    """Rank the maps; where one is supported, ask which images drive it."""
    study = question.study
    ranking = rank_maps(
        study.model,
        study.cohort,
        question.outcome,
        name=question.name,
        seed=seed,
        progress=progress,
    )
    top = top_map(ranking)
    if top is None:
        return Answer(question, ranking, None, None, None)

    def ask(region: str | None) -> ChannelDependence:
        return channel_dependence(
            study.model, study.cohort, region=region, donors=donors, seed=seed, progress=progress
        )

    return Answer(
        question, ranking, top, ask(None), ask(question.name) if question.inside else None
    )
