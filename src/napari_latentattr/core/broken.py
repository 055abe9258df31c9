"""Cases that cannot be used, told apart from those that can; never left out without a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Broken:
    """A case of a cohort that cannot be used, and the sentence that says why."""

    index: int
    case: str
    sentence: str


def left_out(broken: Sequence[Broken]) -> dict[str, str]:
    """Cases that were left out, as a parameter of a provenance; empty when there are none."""
    if not broken:
        return {}
    return {"left_out": "; ".join(f"{one.case} ({one.sentence})" for one in broken)}


def left_out_lines(params: Mapping[str, object]) -> list[str]:
    """Say which cases were left out, from the parameters of a provenance; no line when none was."""
    said = params.get("left_out")
    return [f"left out, because they cannot be used: {said}"] if said else []
