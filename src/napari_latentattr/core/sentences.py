"""Words for a channel dependence. A sentence names what the evidence names, and nothing more."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from napari_latentattr.core.settling import about as roughly
from napari_latentattr.core.verdict_words import (
    DRIVES,
    NEGLIGIBLE,
    NO_DEPENDENCE,
    UNDECIDED,
    answer_parts,
    tied_part,
)

if TYPE_CHECKING:
    from napari_latentattr.core.dependence import ChannelDependence

# From here on two images have half of their differences between cases in common (r squared).
ALIKE = 0.5**0.5


class Sentence:
    """Words for one row of a result; holds the row only while the sentence is made."""

    def __init__(self, result: ChannelDependence, row: int) -> None:
        self.of = result
        self.row = row
        self.subject = f"Map {result.maps[row]}"
        if result.region:
            self.subject = f"Inside {result.region}, map {result.maps[row]}"

    def text(self) -> str:
        """Answer, then the other images, then what the answer rests on."""
        answer = str(self.of.answer[self.row])
        if np.isnan(self.of.ratio[self.row]).all():
            return f"{self.subject} does not vary between these cases; there is nothing to explain."
        if tied_part(answer) >= 0:
            head = self._tie(answer)
        elif answer == "mixed":
            head = self._mixed()
        elif answer == UNDECIDED:
            head = self._undecided()
        elif answer == "nothing":
            head = f"{self.subject} is driven by no single image"
        else:
            head = self._driven(answer.split(", "))
        parts = [head, *self._rest(), *self._carriers(), *self._noisy(), *self._base_rate()]
        return "; ".join(parts) + self._basis() + self._few() + self._settled()

    def _numbers(self, channel: str) -> str:
        c = self.of.channels.index(channel)
        values = (a[self.row, c] for a in (self.of.ratio, self.of.low, self.of.high))
        return _estimate(*values)

    def _driven(self, names: list[str]) -> str:
        units = f"{self.of.n_cases} {self._cases()}"
        first = f"{names[0]} ({self._numbers(names[0])}, {units})"
        others = [f"{name} ({self._numbers(name)})" for name in names[1:]]
        listed = " and ".join([first, *others])
        return f"{self.subject} is driven by {listed}{self._by_construction(names)}"

    def _by_construction(self, names: list[str]) -> str:
        others = [v for c, v in self._verdicts() if c not in names]
        alone = len(names) == 1 and others and all(v == NO_DEPENDENCE for v in others)
        return ", a ratio of 1 by construction: it sees no other image" if alone else ""

    def _tie(self, answer: str) -> str:
        parts, at = answer_parts(answer), tied_part(answer)
        names = parts[at]
        swap = next(j for j in self.of.joint if set(names) <= set(j.channels))
        together = _estimate(swap.ratio[self.row], swap.low[self.row], swap.high[self.row])
        said = (
            f"driven by {' or '.join(names)}, the data cannot say which: swapped "
            f"together {together}, near-copies in these cases (r {swap.likeness:.2f})"
        )
        before, after = (
            [f"{name} ({self._numbers(name)})" for (name,) in some]
            for some in (parts[:at], parts[at + 1 :])
        )
        if before:
            said = f"{self.subject} is driven by {_list(before)}; it is also {said}"
        else:
            said = f"{self.subject} is {said}"
        return f"{said}; it is also driven by {_list(after)}" if after else said

    def _mixed(self) -> str:
        ratios = self.of.ratio[self.row][self.of.verdict[self.row] == DRIVES]
        return (
            f"{self.subject} is mixed: {len(ratios)} images drive it (ratios {ratios.min():.2f} to "
            f"{ratios.max():.2f}) and none stands out, so naming one would be wrong"
        )

    def _undecided(self) -> str:
        best = self._leading()
        return (
            f"{self.subject}: not enough evidence yet, {best} moves it most "
            f"({self._numbers(best)}, {self.of.n_cases} {self._cases()})"
        )

    def _rest(self) -> list[str]:
        answer = str(self.of.answer[self.row])
        named = _names(answer) | ({self._leading()} if answer == UNDECIDED else set())
        verdicts = self._verdicts()
        words = {NEGLIGIBLE: "negligible", UNDECIDED: "undecided"}
        parts = []
        for verdict, word in words.items():
            names = [c for c, v in verdicts if v == verdict and c not in named]
            if names:
                by = self._settled_by(names) if verdict == UNDECIDED else ""
                parts.append(f"{_list(names)} {'is' if len(names) == 1 else 'are'} {word}{by}")
        unseen = [c for c, v in verdicts if v == NO_DEPENDENCE]
        if unseen:
            parts.append(f"no dependence found on {_list(unseen)}")
        return parts

    def _carriers(self) -> list[str]:
        """Images that carry the pattern of a driver although the map does not use them."""
        named = _names(str(self.of.answer[self.row]))
        notes = []
        for swap in self.of.joint:
            users = [c for c in swap.channels if c in named]
            idle = [c for c in swap.channels if c not in named]
            if users and idle and not swap.tied[self.row]:
                verb = "carries" if len(idle) == 1 else "carry"
                notes.append(
                    f"{_list(idle)} {verb} the same pattern in these cases (r {swap.likeness:.2f})"
                )
        return notes

    def _noisy(self) -> list[str]:
        """Images that are not named but share most of their pattern with a driver."""
        named = _names(str(self.of.answer[self.row]))
        users = [c for c, name in enumerate(self.of.channels) if name in named]
        near = {
            frozenset(pair) for swap in self.of.joint for pair in combinations(swap.channels, 2)
        }
        alike: dict[int, list[str]] = {}
        for c, (name, verdict) in enumerate(self._verdicts()):
            if not users or name in named or verdict == DRIVES:
                continue
            user = max(users, key=lambda u: self.of.likeness[u, c])
            r = self.of.likeness[user, c]
            if r >= ALIKE and frozenset((name, self.of.channels[user])) not in near:
                alike.setdefault(user, []).append(f"{name} (r {r:.2f})")
        return [
            f"{_list(found)} also {'carries' if len(found) == 1 else 'carry'} much of the pattern "
            f"of {self.of.channels[user]} in these cases"
            for user, found in alike.items()
        ]

    def _base_rate(self) -> list[str]:
        if not self.of.region:
            return []
        return [f"{self.of.same_lead[self.row]} of {self.of.varying} maps answer the same there"]

    def _basis(self) -> str:
        if not self.of.approximate:
            return "."
        return f" (approximate: {self.of.approximate}; no claim about people)."

    def _few(self) -> str:
        """Say that a few units hold most of what moves the map, where they do."""
        named = _names(str(self.of.answer[self.row]))
        about = [c for c, v in self._verdicts() if c in named or v == DRIVES] or [self._leading()]
        counting = min(float(self.of.counting[self.row, self.of.channels.index(c)]) for c in about)
        if self.of.approximate or not counting < self.of.n / 2:
            return ""
        return (
            f" A few {self.of.settled_by} move it most: "
            f"all {self.of.n} weigh as much as {counting:.0f} alike ones."
        )

    def _settled(self) -> str:
        """How many cases an undecided answer needs: those for the image that moves the map most."""
        best = self._leading()
        units = self._to_settle([best])
        if str(self.of.answer[self.row]) != UNDECIDED or np.isnan(units):
            return ""
        if np.isinf(units):
            return f" Its ratio is too near tau {self.of.tau:g} for more cases to settle it soon."
        have = f"you have {self.of.n}"
        return f" About {roughly(units)} {self.of.settled_by} would settle it; {have}."

    def _settled_by(self, names: list[str]) -> str:
        units = self._to_settle(names)
        if not np.isfinite(units):
            return ""
        it = "it" if len(names) == 1 else "them"
        return f" (about {roughly(units)} {self.of.settled_by} would settle {it})"

    def _to_settle(self, names: list[str]) -> float:
        """Most units that any of these images needs; NaN where that is not known."""
        found = self.of.cases_to_settle(self.of.maps[self.row])
        return float(max(found[self.of.channels.index(name)] for name in names))

    def _leading(self) -> str:
        return self.of.channels[int(np.argmax(self.of.ratio[self.row]))]

    def _cases(self) -> str:
        return self.of.unit_name if "one person" in self.of.unit_name else "cases"

    def _verdicts(self) -> list[tuple[str, str]]:
        return [
            (c, str(v)) for c, v in zip(self.of.channels, self.of.verdict[self.row], strict=True)
        ]


def _names(answer: str) -> set[str]:
    return {name for part in answer_parts(answer) for name in part}


def _estimate(ratio: float, low: float, high: float) -> str:
    if np.isnan(low):
        return f"ratio {ratio:.2f}, no interval below 6 independent units"
    return f"ratio {ratio:.2f}, 95 % {low:.2f}-{high:.2f}"


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
