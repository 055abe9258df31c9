"""Which latent maps carry an outcome, for patients that were not trained on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from napari_latentattr.core.broken import left_out
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import CaseSource, MapRef, Ranking
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel, over_volumes
from napari_latentattr.ranking.effort import STANDARD, Effort
from napari_latentattr.ranking.evidence import rank_rows
from napari_latentattr.ranking.features import check_labelled, rows_of
from napari_latentattr.ranking.memory import RankMemory
from napari_latentattr.ranking.outcome import Outcome, Regions, read_outcome
from napari_latentattr.ranking.units import units_of
from napari_latentattr.streaming.streaming import HERE, Streaming


def rank_maps(
    model: LatentModel | SlicewiseModel,
    cohort: CaseSource,
    outcome: Outcome,
    *,
    patients: Sequence[object] | None = None,
    name: str = "outcome",
    effort: Effort = STANDARD,
    alpha: float = 0.05,
    seed: int = 0,
    memory: RankMemory | None = None,
    streaming: Streaming = HERE,
    progress: Progress = SILENT,
) -> Ranking:
    """Say which latent maps carry an outcome in patients that the forest has not seen.

    First the gate: do the maps together predict the outcome of held-out patients better than
    outcomes exchanged between whole patients? Only then is a map compared with the best of its
    shadows, the same maps of other patients. A patient's cases are never split.

    Parameters
    ----------
    model : LatentModel
    cohort : CaseSource
    outcome : str, or sequence of N classes or numbers, or sequence of N bool arrays (*S)
        The name of a label of the cohort, or one region a case: which latents are labelled.
        A class or a number a case: what the summaries of the maps inside the body say about the
        case. Numbers are those of which one is not whole or more than half (or 10) differ.
        Cases of one patient may differ; a patient's outcomes are exchanged together.
    patients : sequence of N labels, optional
        The cohort's own when None. Slices of one person are held out in five blocks of
        neighbours and exchanged one by one: approximate, because neighbours are alike.
    name : str
        What to call an outcome that is not a label of the cohort.
    effort : Effort
    alpha : float
        Level of the gate, and of q for a map.
    memory : RankMemory, optional
        An empty one is filled; given again after a stop, with all else the same, only the rest is
        done.
    streaming : Streaming, optional
        How cases are walked through: where they are kept, on which machines, and whether those that
        cannot be used are left out; `provenance` names these.

    Returns
    -------
    Ranking
        Arrays of shape (K,). `importance` is in units of the score that `gate` names.

    Raises
    ------
    InputError
        When there are fewer than 4 patients, a class has fewer than 2, or the outcome does not fit.
    ModelError
        When model and cohort do not fit.

    References
    ----------
    Kursa and Rudnicki, J Stat Softw, 2010; Breiman, Machine Learning, 2001; Nadeau and Bengio,
    Machine Learning, 2003.
    """
    began = time.perf_counter()
    effort.check(alpha)
    units = units_of(cohort, patients)
    meant = read_outcome(cohort, outcome, units, name=name)
    name = outcome if isinstance(outcome, str) else name
    fitted = over_volumes(model, cohort)
    memory = memory or RankMemory()
    if memory.rows is None:
        memory.rows = rows_of(
            fitted, cohort, meant, units, progress, streaming=streaming, broken=memory.broken
        )
    rows, data_sha256 = memory.rows
    if isinstance(meant, Regions):
        check_labelled(rows, name=name)
    ranking = rank_rows(
        rows,
        [MapRef(fitted.spec.layer, k) for k in range(fitted.spec.n_maps)],
        outcome=name,
        effort=effort,
        alpha=alpha,
        seed=seed,
        memory=memory,
        progress=progress,
    )
    provenance = replace(
        ranking.provenance,
        params={**ranking.provenance.params, **left_out(memory.broken)},
        model_sha256=fitted.spec.sha256,
        data_sha256=data_sha256,
        seconds=round(time.perf_counter() - began, 3),
    )
    return replace(ranking, provenance=provenance)
