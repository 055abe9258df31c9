"""The words of a verdict about one map and one image."""

DRIVES = "drives"
NEGLIGIBLE = "negligible"
UNDECIDED = "undecided"
NO_DEPENDENCE = "no dependence found"

# No verdict: what was asked is still being measured.
NOT_FINAL = "not final"

FEWEST_UNITS = 6

TIE = "tie: "


def answer_parts(answer: str) -> list[list[str]]:
    """Names in the answer about one map, by falling ratio; those of a tie are together."""
    return [part.removeprefix(TIE).split(" | ") for part in answer.split(", ")]


def tied_part(answer: str) -> int:
    """Which part of the answer is a tie; -1 where none is."""
    return next((i for i, p in enumerate(answer.split(", ")) if p.startswith(TIE)), -1)
