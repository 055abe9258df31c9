"""From rows to a ranking: gate, shadows, importance, clusters. Knows neither models nor images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

import numpy as np

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.inference import benjamini_hochberg
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import (
    ClaimVerdict,
    Evidence,
    Float64,
    Gate,
    MapRef,
    Provenance,
    Ranking,
)
from napari_latentattr.core.verdict_words import NOT_FINAL
from napari_latentattr.core.versions import installed_versions
from napari_latentattr.ranking.clusters import cluster_maps
from napari_latentattr.ranking.effort import STANDARD, Effort
from napari_latentattr.ranking.gate import judge_gate
from napari_latentattr.ranking.held_out import HeldOut, hold_out, mean_auc
from napari_latentattr.ranking.importance import interval_over_folds, loss_of_auc
from napari_latentattr.ranking.memory import RankMemory
from napari_latentattr.ranking.outcome import check_classes, check_numbers
from napari_latentattr.ranking.rows import Rows, classes_in_groups
from napari_latentattr.ranking.shadows import beat_shadows, impurity_importance
from napari_latentattr.ranking.units import Units


def rank_rows(
    rows: Rows,
    maps: Sequence[MapRef],
    *,
    outcome: str = "outcome",
    effort: Effort = STANDARD,
    alpha: float = 0.05,
    seed: int = 0,
    memory: RankMemory | None = None,
    progress: Progress = SILENT,
) -> Ranking:
    """Rank maps whose values are known; `rank_maps` makes the rows and calls this.

    Parameters
    ----------
    rows : Rows
    maps : sequence of K MapRef
    outcome : str
        Its name.
    alpha : float
        Level of the gate, and of q for a map.
    memory : RankMemory, optional
        As in `rank_maps`.

    Returns
    -------
    Ranking
        `provenance` still without the hashes of model and images.

    Raises
    ------
    InputError
        When the outcome cannot be held out, or `effort` cannot answer at level `alpha`.
    """
    effort.check(alpha)
    if rows.classes:
        present = classes_in_groups(rows, rows.label)
        check_classes(present, rows.classes, rows.units, outcome=outcome)
    else:
        check_numbers(rows.label, rows.units, outcome=outcome)
    memory = memory or RankMemory()
    tell = _stages(progress, 1, effort.draws, effort.rounds)
    fits = held_out_fits(rows, effort, seed, outcome)
    tell[0](1)
    auc, known = mean_auc(fits), memory.draws
    gate = judge_gate(rows, auc, effort=effort, alpha=alpha, seed=seed, report=tell[1], known=known)
    loss = _losses(rows, fits, effort, seed)
    untested = np.full(rows.n_maps, np.nan)
    evidence = _weigh(loss, fits, untested, gate, alpha, rows.units, outcome)
    memory.so_far = Ranking(
        maps=tuple(maps),
        importance=loss.mean(axis=0),
        impurity=impurity_importance(rows, effort=effort, seed=seed),
        shadow=untested,
        q=untested,
        verdict=np.full(rows.n_maps, NOT_FINAL),
        cluster=cluster_maps(rows, seed=seed),
        gate=gate,
        evidence=evidence,
        outcome=outcome,
        folds=rows.units.groups,
        provenance=_provenance(outcome, effort, alpha, seed),
    )
    shadow, p = beat_shadows(rows, effort=effort, seed=seed, report=tell[2], known=known)
    evidence = _weigh(loss, fits, p, gate, alpha, rows.units, outcome)
    return replace(
        memory.so_far,
        shadow=shadow,
        q=np.array([e.q for e in evidence]),
        verdict=np.array([e.verdict for e in evidence]),
        evidence=evidence,
    )


def _stages(progress: Progress, *sizes: int) -> list[Callable[[int], None]]:
    """One reporter a stage, all counting towards one total."""
    names = ("testing on held-out cases", "permuting the outcome", "comparing with shadows")
    starts = np.cumsum([0, *sizes]).tolist()

    def reporter(start: int, name: str) -> Callable[[int], None]:
        return lambda done: progress.report(start + done, starts[-1], name)

    return [reporter(start, name) for start, name in zip(starts, names, strict=False)]


def held_out_fits(rows: Rows, effort: Effort, seed: int, outcome: str) -> list[HeldOut]:
    """Forests of the observed outcome with the rows that they have not seen.

    Raises
    ------
    InputError
        When no fold can be tested.
    """
    fits = hold_out(rows, rows.label, np.random.default_rng((seed, 0)), effort)
    if not fits:
        raise InputError(
            f"outcome {outcome!r}: no fold has two outcomes both in training and in test, so "
            f"nothing can be held out by {rows.units.groups}; add cases of the rarest one"
        )
    return fits


def _losses(rows: Rows, fits: list[HeldOut], effort: Effort, seed: int) -> Float64:
    """Permutation importance of every held-out fold and map (J, K)."""
    rng = np.random.default_rng((seed, 5))
    return np.array([loss_of_auc(rows, fit, rng, swaps=effort.swaps) for fit in fits])


def _weigh(
    loss: Float64,
    fits: list[HeldOut],
    p: Float64,
    gate: Gate,
    alpha: float,
    units: Units,
    outcome: str,
) -> tuple[Evidence, ...]:
    low, high = interval_over_folds(loss, float(np.mean([fit.ratio for fit in fits])))
    q = benjamini_hochberg(p)
    return tuple(
        Evidence(
            estimate=float(estimate),
            low=float(low[k]),
            high=float(high[k]),
            p=float(p[k]),
            q=float(q[k]),
            n=units.n,
            null=f"the best of the same maps exchanged between {units.wholes}",
            family=f"{len(p)} maps for {outcome}, Benjamini-Hochberg, after a gate",
            verdict=_verdict(float(q[k]), gate, alpha),
        )
        for k, estimate in enumerate(loss.mean(axis=0))
    )


def _verdict(q: float, gate: Gate, alpha: float) -> ClaimVerdict:
    if np.isnan(q):  # not compared with shadows yet
        return "undecided"
    return "supported" if gate.passed and q < alpha else "not supported"


def _provenance(outcome: str, effort: Effort, alpha: float, seed: int) -> Provenance:
    sizes = {name: size for name, size in asdict(effort).items() if name != "threads"}
    return Provenance(
        method="rank_maps",
        params={"outcome": outcome, "alpha": alpha, **sizes},
        seed=seed,
        versions=installed_versions(),
    )
