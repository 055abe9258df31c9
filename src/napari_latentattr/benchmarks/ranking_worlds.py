"""Simulated latent maps with known causes, decoys and useless maps, and what a ranking calls.

Every patient has offsets of their own in every map, stronger than the noise between latents: that
is what fools a ranking whose folds or shadows split patients.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Float32, MapRef, Ranking
from napari_latentattr.ranking.effort import STANDARD, Effort
from napari_latentattr.ranking.evidence import rank_rows
from napari_latentattr.ranking.features import summarise
from napari_latentattr.ranking.rows import Rows
from napari_latentattr.ranking.units import Int, patients_as_units

CAUSES = slice(0, 3)
DECOYS = slice(3, 6)  # decoy k follows cause k - 3 with r = 0.8
USELESS = slice(6, 16)
MAPS = tuple(MapRef("planted", k) for k in range(16))


@dataclass(frozen=True, slots=True, eq=False)
class RankingWorld:
    """Latents of patients, and their outcome.

    Attributes
    ----------
    latents : (N, P, 16) float32 array
        P latents of each patient.
    code : (N,) int64 array
        Outcome of each patient, 0 to `levels` - 1.
    levels : int
        As many as patients: the outcome is a number.
    """

    latents: Float32
    code: Int
    levels: int = 2


def make_ranking_world(
    effect: float, seed: int, *, patients: int = 40, places: int = 16, levels: int = 2
) -> RankingWorld:
    """Simulate patients whose outcome shifts the causal maps (effect 0: not at all).

    The shift has a standard deviation of ``0.8 * effect``, whatever the levels of the outcome.
    """
    rng = np.random.default_rng(seed)
    code = rng.permutation(np.arange(patients) % levels)
    offset = rng.standard_normal((patients, len(MAPS)))
    shift = (code - code.mean()) / code.std()
    offset[:, CAUSES] += 0.8 * effect * shift[:, None]
    offset[:, DECOYS] = 0.8 * offset[:, CAUSES] + 0.6 * rng.standard_normal((patients, 3))
    noise = 0.6 * rng.standard_normal((patients, places, len(MAPS)))
    return RankingWorld((offset[:, None] + noise).astype(np.float32), code, levels)


def voxel_rows(world: RankingWorld) -> Rows:
    """One row a latent; all latents of a patient carry its outcome."""
    n, places, n_maps = world.latents.shape
    return Rows(
        values=world.latents,
        inside=np.ones((n, places), dtype=bool),
        label=np.repeat(world.code[:, None], places, axis=1),
        map_of=np.arange(n_maps),
        classes=("without", "with"),
        units=patients_as_units(range(n)),
    )


def case_rows(world: RankingWorld) -> Rows:
    """One row a patient: summaries of each map."""
    n, _, n_maps = world.latents.shape
    number = world.levels == n
    values = np.stack([summarise(latents.T) for latents in world.latents])
    return Rows(
        values=values.reshape(n, 1, -1),
        inside=np.ones((n, 1), dtype=bool),
        label=(world.code / (n - 1) if number else world.code)[:, None],
        map_of=np.repeat(np.arange(n_maps), values.shape[2]),
        classes=() if number else tuple(f"grade {level}" for level in range(world.levels)),
        units=patients_as_units(range(n)),
    )


FORMS: dict[str, Callable[[float, int], Rows]] = {
    "voxel": lambda effect, seed: voxel_rows(make_ranking_world(effect, seed)),
    "case": lambda effect, seed: case_rows(make_ranking_world(effect, seed)),
    "case, three classes": lambda effect, seed: case_rows(
        make_ranking_world(effect, seed, levels=3)
    ),
    "case, a number": lambda effect, seed: case_rows(make_ranking_world(effect, seed, levels=40)),
}


def ranking_worlds(
    runs: int = 100,
    effect: float = 0.0,
    seed: int = 0,
    progress: Progress = SILENT,
    *,
    effort: Effort = STANDARD,
) -> dict[str, object]:
    """Rank `runs` simulated studies of each form, and count what is called.

    Parameters
    ----------
    effect : float
        0 for no signal at all; 1.2 shifts causal maps by almost two standard deviations.

    Returns
    -------
    dict
        One record a form: see `count_calls`; also the parameters and seconds of CPU.
    """
    began = time.process_time()
    rankings: dict[str, list[Ranking]] = {form: [] for form in FORMS}
    for run in range(runs):
        for form, rows_of in FORMS.items():
            rows = rows_of(effect, seed * 100_003 + run)
            rankings[form].append(rank_rows(rows, MAPS, effort=effort, seed=seed + run))
        progress.report(run + 1, runs, "ranking simulated studies")
    return {
        "kind": "ranking_worlds",
        "runs": runs,
        "effect": effect,
        "seed": seed,
        "cpu_seconds": round(time.process_time() - began, 1),
        "forms": {form: count_calls(done) for form, done in rankings.items()},
    }


def count_calls(rankings: list[Ranking]) -> dict[str, int | float]:
    """Count over runs: gates passed, runs with any call, and calls of each kind of map.

    `decoys_beside_cause` counts decoys in the cluster of the map they follow;
    `shadow_only_runs` counts runs that would have called a map had there been no gate.
    """
    called = np.array([ranking.verdict == "supported" for ranking in rankings])
    cluster = np.array([ranking.cluster for ranking in rankings])
    return {
        "gates_passed": sum(ranking.gate.passed for ranking in rankings),
        "runs_with_calls": int(called.any(axis=1).sum()),
        "shadow_only_runs": sum(bool((ranking.q < 0.05).any()) for ranking in rankings),
        "causes": int(called[:, CAUSES].size),
        "causes_called": int(called[:, CAUSES].sum()),
        "decoys_called": int(called[:, DECOYS].sum()),
        "decoys_beside_cause": int((cluster[:, CAUSES] == cluster[:, DECOYS]).sum()),
        "useless": int(called[:, USELESS].size),
        "useless_called": int(called[:, USELESS].sum()),
        "mean_score": round(float(np.mean([ranking.gate.auc for ranking in rankings])), 3),
        "mean_null": round(float(np.mean([ranking.gate.null for ranking in rankings])), 3),
    }
