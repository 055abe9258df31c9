"""What a rule must do to be trusted, and where one falls short of it."""

from __future__ import annotations

from napari_latentattr.benchmarks.contest.contest import Contest, Standing
from napari_latentattr.benchmarks.contest.kinds import KINDS

FALSE_DISCOVERY = 0.05
POWER = {12: 0.90, 24: 0.96}  # by number of cases
AUROC = {"leak 10 %": 0.996, "leak 30 %": 0.993}
_EXACT = {kind.name for kind in KINDS if kind.exact}


def shortfalls(contest: Contest, rule: str) -> tuple[str, ...]:
    """Say in which kinds of worlds a rule falls short, and by what; empty where it keeps all.

    Means over the worlds are held against the promise, not the ends of their intervals.
    """
    return tuple(
        f"{one.kind}, {one.n_cases} cases: {said}"
        for one in contest.standings
        if one.rule == rule
        for said in _missed(one)
    )


def _missed(one: Standing) -> list[str]:
    power, auroc = POWER.get(one.n_cases, 0.0), AUROC.get(one.kind, 0.0)
    found, false, order = one.power.value, one.false_discovery.value, one.auroc.value
    said = []
    if false > FALSE_DISCOVERY:
        said.append(f"FDR {false:.1%}, promised at most {FALSE_DISCOVERY:.0%}")
    if one.kind in _EXACT and one.false_positive.value > 0:
        said.append(f"calls {one.false_positive.value:.1%} of what a map cannot see")
    if found < power:
        said.append(f"power {found:.1%}, promised {power:.0%}")
    if order < auroc:
        said.append(f"AUROC {order:.4f}, promised {auroc}")
    return said
