"""The answer about one map as rich text: names bold, the verdict coloured, all names literal.

The sentence is the engine's, word for word; this file only marks words in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from napari_latentattr.core.dependence import ChannelDependence
from napari_latentattr.core.verdict_words import (
    DRIVES,
    NEGLIGIBLE,
    NO_DEPENDENCE,
    TIE,
    UNDECIDED,
    answer_parts,
    tied_part,
)

CAVEAT = "“driven” is about this model, not about biology"
_TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer card shows.

    Attributes
    ----------
    html : str
        The sentence as rich text; the class ``verdict`` marks the coloured words.
    plain : str
        The same sentence as it came.
    verdict_word : str
        Gives shape and colour.
    small_line : str
        What the answer rests on, as plain text.
    headline : str
        The answer in the fewest words, as plain text.
    explained : str
        What the verdict means, in one sentence.
    """

    html: str
    plain: str
    verdict_word: str
    small_line: str = ""
    headline: str = ""
    explained: str = ""

    @property
    def tip(self) -> list[str]:
        """Lines for a tooltip: what the verdict means, the sentence, what it rests on."""
        return [line for line in (self.explained, self.plain, self.small_line) if line]


def answer_of(dependence: ChannelDependence, which: int) -> Answer:
    """Answer about one map.

    Parameters
    ----------
    which : int
        Index of the map in the model.

    Raises
    ------
    KeyError
        When that map was not measured.
    """
    row = dependence.row(which)
    plain = dependence.sentence(which)
    said = str(dependence.answer[row])
    names = drivers_named(said)
    if np.isnan(dependence.ratio[row]).all():
        word, coloured, headline = NO_DEPENDENCE, "does not vary", "does not vary"
    elif tied_part(said) >= 0:
        word, coloured = "tie", "the data cannot say which"
        headline = _listed(names, said)
    elif said == "mixed":
        word, coloured, headline = "mixed", "is mixed", f"mixed: {_count(dependence, row)} images"
    elif said == UNDECIDED:
        word, coloured, headline = UNDECIDED, "not enough evidence yet", UNDECIDED
        names = [dependence.channels[int(np.nanargmax(dependence.ratio[row]))]]
    elif said == "nothing":
        unused = (dependence.verdict[row] == NO_DEPENDENCE).all()
        word = NO_DEPENDENCE if unused else NEGLIGIBLE
        coloured, headline = "driven by no single image", "no single image drives it"
    else:
        word, coloured, headline = DRIVES, "driven by", f"driven by {_listed(names, said)}"
    html = marked(plain, names, coloured)
    return Answer(html, plain, word, basis(dependence), headline, explained(word, dependence))


def explained(word: str, dependence: ChannelDependence) -> str:
    """Say in one plain sentence what a verdict means, and against what it was tested."""
    tau = f"τ {dependence.tau:g}"
    if dependence.approximate:
        return (
            f"No test against {tau} was made: {dependence.approximate} says nothing about others."
        )
    said = {
        DRIVES: f"A ratio of at most {tau} was ruled out for each image that is named.",
        "tie": (
            f"Exchanged together, the near-copies surely move the map by more than {tau}; which of "
            "them does so cannot be told, because they show the same."
        ),
        "mixed": (
            f"A ratio of at most {tau} was ruled out for three images or more, and the largest "
            "cannot be told from the smallest."
        ),
        UNDECIDED: f"No image is surely above {tau}, and at least one is not surely below.",
        NEGLIGIBLE: f"The whole interval of every image lies below {tau}, too little to matter.",
        NO_DEPENDENCE: "No latent moved, whichever image was exchanged.",
    }
    return said[word]


def no_answer(reason: str) -> Answer:
    """Answer that was refused, and why, in a sentence."""
    plain = f"No answer. {reason}"
    return Answer(marked(plain, [], "No answer."), plain, "not supported", "", "not supported")


def marked(plain: str, names: Sequence[str], verdict: str) -> str:
    """Turn a sentence into rich text.

    Parameters
    ----------
    plain : str
        Shown literally, whatever it holds.
    names : sequence of str
        Made bold where they stand in this order behind one of the words that introduce a name; the
        same letters elsewhere in the sentence are left alone.
    verdict : str
        Words whose first occurrence is coloured.
    """
    bold = []
    position = 0
    for name in names:
        found = re.compile(rf"(?:driven by|and|or|yet,) {re.escape(name)}(?!\w)").search(
            plain, position
        )
        if found:
            position = found.end()
            bold.append((position - len(name), position, "<b>", "</b>"))
    start = _verdict_at(plain, verdict, bold)
    if start >= 0:
        bold.append((start, start + len(verdict), '<span class="verdict">', "</span>"))
    html, done = "", 0
    for start, stop, before, after in sorted(bold):
        html += escape(plain[done:start]) + before + escape(plain[start:stop]) + after
        done = stop
    return html + escape(plain[done:])


def drivers_named(answer: str) -> list[str]:
    """Names in an answer of the engine, by falling ratio; none in ``mixed`` and its like."""
    if answer in ("mixed", UNDECIDED, "nothing"):
        return []
    return [name for part in answer_parts(answer) for name in part]


def basis(dependence: ChannelDependence) -> str:
    """Say in one line what the numbers rest on."""
    cases = "slices" if "slices" in dependence.unit_name else "cases"
    parts = [f"{dependence.n_cases} {cases} {_TIMES} {dependence.donors} donors"]
    if dependence.approximate:
        parts.append(f"approximate: {dependence.approximate}")
    elif dependence.n != dependence.n_cases:
        parts.append(f"{dependence.n} {dependence.unit_name}")
    parts.append(f"τ {dependence.tau:g}")
    if not dependence.approximate:
        family = dependence.family.replace(" x ", f" {_TIMES} ")
        parts.append(f"FDR 5 % over {family}")
    return " · ".join([*parts, CAVEAT])


def drivers_caption(dependence: ChannelDependence) -> str:
    """Say under a drivers chart how it is read."""
    other = "patient" if dependence.unit_name == "patients" else "case"
    return (
        f"How far the map moves when only this image comes from another {other}; 1 = as far as a "
        f"whole new {other}. Square-root axis; line = 95 % interval."
    )


def _verdict_at(plain: str, verdict: str, taken: Sequence[tuple[int, int, str, str]]) -> int:
    """Where the verdict stands outside the bold names; -1 where it does not."""
    for found in re.finditer(re.escape(verdict), plain):
        if all(found.end() <= start or stop <= found.start() for start, stop, *_ in taken):
            return found.start()
    return -1


def _listed(names: Sequence[str], answer: str) -> str:
    """Join names as the answer means them: a tie is an "or", further drivers are an "and"."""
    at = tied_part(answer)
    if at >= 0:
        parts = [" or ".join(part) for part in answer_parts(answer)]
        return " and ".join([*parts[:at], f"{TIE}{parts[at]}", *parts[at + 1 :]])
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _count(dependence: ChannelDependence, row: int) -> int:
    return int((dependence.verdict[row] == DRIVES).sum())
