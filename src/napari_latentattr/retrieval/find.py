"""Show the cases that have most and least of a latent map, and what sets them apart."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np

from napari_latentattr.core.broken import left_out
from napari_latentattr.core.errors import InputError
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.retrieval import By, CaseList, Pool, Retrieval
from napari_latentattr.core.types import CaseSource, Float64, Gate, MapRef, Provenance
from napari_latentattr.core.versions import installed_versions
from napari_latentattr.methods.attribute import find_map
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel, over_volumes
from napari_latentattr.ranking.effort import STANDARD
from napari_latentattr.ranking.evidence import held_out_fits
from napari_latentattr.ranking.features import check_labelled, rows_of
from napari_latentattr.ranking.gate import judge_gate
from napari_latentattr.ranking.held_out import hold_out
from napari_latentattr.ranking.outcome import Outcome, Regions, read_outcome
from napari_latentattr.ranking.units import units_of
from napari_latentattr.retrieval.choice import choose_contrasts, choose_extremes, choose_random
from napari_latentattr.retrieval.looks import Looks
from napari_latentattr.retrieval.relevance import relevance_of_cases
from napari_latentattr.streaming.streaming import HERE, Streaming

_ALPHA = 0.05
_PAIRS = 3  # one pair for so many top cases
_EFFORT = replace(STANDARD, repeats=4, swaps=8)
_UNITS = {"mean": "mean of the map over the body", "peak": "highest value of the map in the body"}


def find_cases(
    model: LatentModel | SlicewiseModel,
    cohort: CaseSource,
    map: int | MapRef,  # noqa: A002
    *,
    top: int = 9,
    by: By = "activation",
    pool: Pool = "mean",
    outcome: Outcome | None = None,
    name: str = "outcome",
    seed: int = 0,
    streaming: Streaming = HERE,
    progress: Progress = SILENT,
) -> Retrieval:
    """Show the cases with most and least of a latent map, one of each patient, and where to look.

    The activation of a case is the mean of the map over the latents in its body, the same number
    that all other answers are about, so "least" means as much as "most". What to look at is the
    receptive field of the latent at which the case stands out most from the mean of all cases:
    what every case shows there is no reason for the place in the list. Relevance is how much worse
    the outcome of a held-out patient is predicted when this map comes from other patients.

    Parameters
    ----------
    model : LatentModel
    cohort : CaseSource
        At least two cases; a 2D model walks over the slices of volumes.
    map : int or MapRef
    top : int
        Cases a list; fewer where there are fewer patients. One pair for three of them.
    by : {"activation", "relevance"}
        What the lists are ordered by.
    pool : {"mean", "peak"}
        What the activation of a case is: the mean over its body, or the highest value in it, which
        small things move more. Then the place to look at is where that value is.
    outcome, name
        As in `rank_maps`; for relevance.
    seed : int
        Of the random cases, and of the forests.
    streaming : Streaming, optional
        As in `rank_maps`.

    Returns
    -------
    Retrieval

    Raises
    ------
    InputError
        When there are not two cases, or map, numbers or outcome are not as they must be.
    ModelError
        When model and cohort do not fit.
    """
    began = time.perf_counter()
    _check(cohort, top, by, pool, outcome)
    fitted = over_volumes(model, cohort)
    target = find_map(map, fitted.spec)
    looks = Looks.at(fitted, cohort, target.index, streaming=streaming, progress=progress)
    scores, unit, gate = looks.activation(pool), _UNITS[pool], None
    if outcome is not None:
        name = outcome if isinstance(outcome, str) else name
        found = _relevance(looks, outcome, name, seed, progress)
        scores, unit, gate = found.scores, found.unit, found.gate
    least = by == "activation" and pool == "mean"
    lists, gaps = _choose(looks, scores, top=top, pool=pool, seed=seed, least=least)
    params = {"map": str(target), "by": by, "pool": pool, "top": top}
    params |= {} if outcome is None else {"outcome": name}
    return Retrieval(
        target=target,
        by=by,
        unit=unit,
        **lists,
        gaps=gaps,
        mean=float(np.nanmean(scores)),
        sd=float(np.nanstd(scores)),
        n=len(set(looks.units())),
        unit_name=cohort.unit_name,
        n_cases=len(looks.index),
        outcome="" if outcome is None else name,
        gate=gate,
        statistics=looks.statistics(),
        provenance=Provenance(
            method="find_cases",
            params={**params, **left_out(looks.broken)},
            seed=seed,
            model_sha256=fitted.spec.sha256,
            data_sha256=looks.data_sha256,
            versions=installed_versions(fitted.spec.device),
            seconds=round(time.perf_counter() - began, 3),
        ),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Relevance:
    scores: Float64
    unit: str
    gate: Gate


def _relevance(
    looks: Looks, outcome: Outcome, name: str, seed: int, progress: Progress
) -> _Relevance:
    """Relevance of each case, and the gate that `rank_maps` would show for this outcome."""
    units = units_of(looks.cohort)
    meant = read_outcome(looks.cohort, outcome, units, name=name)
    rows, _ = rows_of(
        looks.model,
        looks.cohort,
        meant,
        units,
        progress,
        streaming=looks.streaming,
        broken=list(looks.broken),
    )
    if isinstance(meant, Regions):
        check_labelled(rows, name=name)
    auc = float(np.mean([fit.auc for fit in held_out_fits(rows, STANDARD, seed, name)]))
    gate = judge_gate(
        rows,
        auc,
        effort=STANDARD,
        alpha=_ALPHA,
        seed=seed,
        report=lambda done: progress.report(done, STANDARD.draws, "permuting the outcome"),
    )
    fits = hold_out(rows, rows.label, np.random.default_rng((seed, 6)), _EFFORT)
    scores = relevance_of_cases(rows, fits, looks.which, swaps=_EFFORT.swaps, seed=seed)
    unit = f"fall of the share predicted for the true {name} when the map is exchanged"
    if not rows.classes:
        unit = f"rise of the error of the predicted rank of {name} when the map is exchanged"
    return _Relevance(scores, unit, gate)


def _choose(
    looks: Looks, scores: Float64, *, top: int, pool: Pool, seed: int, least: bool
) -> tuple[dict[str, CaseList], Float64]:
    """Top, bottom, contrast and random cases, and the gaps of the pairs.

    Parameters
    ----------
    least : bool
        In the bottom cases, look where they have least instead of most.
    """
    names, units = looks.names(), looks.units()
    high = choose_extremes(scores, names, units, count=top)
    low = choose_extremes(scores, names, units, count=top, lowest=True)
    drawn = choose_random(units, count=top, seed=seed)
    pairs, gaps = choose_contrasts(looks.means, looks.which, units, count=-(-top // _PAIRS))
    both = [position for pair in pairs for position in pair]
    looks.fetch([*high, *low, *drawn, *both])
    lists = {
        "top": looks.listed(high, scores, [looks.peak(p, pool=pool) for p in high]),
        "bottom": looks.listed(low, scores, [looks.peak(p, pool=pool, lowest=least) for p in low]),
        "random": looks.listed(drawn, scores, [looks.peak(p, pool=pool) for p in drawn]),
        "contrast": looks.listed(both, scores, [at for pair in pairs for at in looks.gap(*pair)]),
    }
    return lists, gaps


def _check(cohort: CaseSource, top: int, by: str, pool: str, outcome: Outcome | None) -> None:
    if by not in get_args(By):
        raise InputError(f"by must be {' or '.join(get_args(By))}, got {by!r}")
    if pool not in get_args(Pool):
        raise InputError(f"pool must be {' or '.join(get_args(Pool))}, got {pool!r}")
    if isinstance(top, bool) or not isinstance(top, int | np.integer) or top < 1:
        raise InputError(f"top must be a whole number of at least 1, got {top!r}")
    if (by == "relevance") != (outcome is not None):
        raise InputError(
            "relevance is for an outcome; give both by='relevance' and outcome, or neither"
        )
    if len(cohort) < 2:
        raise InputError(
            f"cases are compared with each other and the cohort has {len(cohort)}; add cases"
        )
