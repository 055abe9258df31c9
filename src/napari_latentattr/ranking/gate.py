"""Whether the maps predict the outcome at all; asked before any single map is.

The null is not one half: latents share anatomy, so a label map of another patient is predicted
too (areas of .68 to .80 were seen). The p value compares with outcomes exchanged between whole
patients, scored by the same code.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from napari_latentattr.core.errors import InputError
from napari_latentattr.core.inference import monte_carlo_p
from napari_latentattr.core.types import Gate
from napari_latentattr.ranking.draws import run_draws
from napari_latentattr.ranking.effort import Effort
from napari_latentattr.ranking.exchange import permuted_cases
from napari_latentattr.ranking.held_out import hold_out, mean_auc
from napari_latentattr.ranking.rows import Rows
from napari_latentattr.ranking.score import score_name

TRIES = 50


def judge_gate(
    rows: Rows,
    auc: float,
    *,
    effort: Effort,
    alpha: float,
    seed: int,
    report: Callable[[int], None],
    known: dict[tuple[int, ...], float] | None = None,
) -> Gate:
    """Compare a held-out score with its null of exchanged outcomes.

    Parameters
    ----------
    auc : float
        Of `hold_out` with the same effort.
    known : dict, optional
        As in `run_draws`.

    Returns
    -------
    Gate
        Passed when ``p <= alpha``. An area below one half is never turned over.

    Raises
    ------
    InputError
        When exchanged outcomes cannot be held out.
    """

    def null_auc(rng: np.random.Generator) -> float:
        for _ in range(TRIES):
            label = rows.label[permuted_cases(rows.units, rng)]
            value = mean_auc(hold_out(rows, label, rng, effort))
            if not np.isnan(value):
                return value
        raise InputError(
            f"exchanging the outcome between cases left no two to tell apart {TRIES} times in "
            "a row, so there is no null to compare with; add cases of the rarest class"
        )

    null = run_draws(
        null_auc, effort.draws, seed=(seed, 1), threads=effort.threads, report=report, known=known
    )
    p = monte_carlo_p(auc, np.array(null))
    return Gate(auc, tuple(null), p, p <= alpha, score_name(rows.classes))
