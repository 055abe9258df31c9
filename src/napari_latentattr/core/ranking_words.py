"""Words for a ranking: the gate and the first map. Says no more than was tested."""

from __future__ import annotations

from napari_latentattr.core.types import Gate, MapRef, Ranking


def top_map(ranking: Ranking) -> MapRef | None:
    """Return the map that ranks first; None where no map is supported."""
    first = int(ranking.order[0])
    return ranking.maps[first] if ranking.verdict[first] == "supported" else None


def cluster_letter(number: int) -> str:
    """Turn 0, 1, ... into A, B, ... Z, AA, AB, ...: maps of one letter rise and fall together."""
    letter = chr(ord("A") + number % 26)
    return letter if number < 26 else cluster_letter(number // 26 - 1) + letter


def gate_sentence(ranking: Ranking) -> str:
    """Say whether the maps carry the outcome at all, with the numbers that this rests on."""
    said = gate_words(ranking.gate, folds=ranking.folds)
    return said if ranking.gate.passed else f"{said}; no map is named for {ranking.outcome}"


def gate_words(gate: Gate, *, folds: str) -> str:
    """Say whether a gate was passed, with the numbers that this rests on."""
    split = "patient-grouped" if folds == "patients" else "held-out"
    return (
        f"{'gate passed' if gate.passed else 'not supported'}: "
        f"{split} {gate.score} {gate.auc:.2f}, null maximum {max(gate.null):.2f} "
        f"({len(gate.null)} permutations), p = {gate.p:.3f}"
    )


def top_map_sentence(ranking: Ranking) -> str:
    """Name the map that ranks first, and those that cannot be told apart from it."""
    if not ranking.gate.passed:
        return "no map is named, because the gate did not pass"
    if top_map(ranking) is None:
        return "no single map is supported, although all maps together carry the outcome"
    first = int(ranking.order[0])
    evidence = ranking.evidence[first]
    said = (
        f"map {ranking.maps[first]} ranks first (loss of {ranking.gate.score} "
        f"{evidence.estimate:.3f}, {_small(evidence.q)}, n = {evidence.n})"
    )
    alike = [
        str(ref)
        for k, ref in enumerate(ranking.maps)
        if k != first and ranking.cluster[k] == ranking.cluster[first]
    ]
    if not alike:
        return said
    moves = "rises and falls" if len(alike) == 1 else "rise and fall"
    return f"{said}; {', '.join(alike)} {moves} with it, the data cannot say which matters"


def _small(q: float) -> str:
    return "q < 0.001" if q < 0.001 else f"q = {q:.3f}"
