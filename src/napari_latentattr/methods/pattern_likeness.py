"""Whose pattern each latent map looks like; an association, kept apart from what drives it."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from napari_latentattr.core.broken import left_out
from napari_latentattr.core.errors import InputError
from napari_latentattr.core.inference import benjamini_hochberg
from napari_latentattr.core.likeness import (
    FEWEST_PAIRS,
    NOT_SUPPORTED,
    SUPPORTED,
    UNDECIDED,
    PatternLikeness,
)
from napari_latentattr.core.pairing import Pairing, compare_pairings
from napari_latentattr.core.progress import SILENT, Progress
from napari_latentattr.core.types import Bool, CaseSource, Float64, MapRef, Provenance
from napari_latentattr.core.verdict_words import FEWEST_UNITS
from napari_latentattr.core.versions import installed_versions
from napari_latentattr.methods.asked_maps import asked_maps
from napari_latentattr.methods.patterns import Patterns, measure_patterns
from napari_latentattr.model.latent import LatentModel
from napari_latentattr.model.slicewise import SlicewiseModel, over_volumes
from napari_latentattr.streaming.streaming import HERE, Streaming

_FDR = 0.05


def pattern_likeness(
    model: LatentModel | SlicewiseModel,
    cohort: CaseSource,
    *,
    maps: int | Sequence[int] | None = None,
    tau: float = 0.03,
    draws: int = 999,
    seed: int = 0,
    streaming: Streaming = HERE,
    progress: Progress = SILENT,
) -> PatternLikeness:
    """Say whose pattern each latent map looks like: an association that names no driver.

    Between the mean case and a case a map changes; it changes, too, when only one image of the mean
    case is exchanged. How alike are these two pictures, more than for pictures of different cases?

    Parameters
    ----------
    model : LatentModel
    cohort : CaseSource
        Cases on the same voxels. p values need 20 independent units; a single case is compared
        with surrogates of its own images and labelled approximate.
    maps : int or sequence of int, optional
        Maps named beforehand; all when None.
    tau : float
        Energy share up to which a response to one image is too weak to be read.
    draws : int
        Random pairings of cases.
    streaming : Streaming, optional
        As in `rank_maps`; nothing is kept on disk.

    Returns
    -------
    PatternLikeness
        Arrays of shape (K, C) for the K maps asked.

    Raises
    ------
    InputError
        When cases have no mean, or too few latents in common, or a value is out of range.
    ModelError
        When model and cohort do not fit.

    References
    ----------
    Spearman, Am J Psychol, 1904; Mantel, Cancer Res, 1967.
    """
    began = time.perf_counter()
    _check_values(tau, draws)
    fitted = over_volumes(model, cohort)
    asked = asked_maps(maps, fitted.spec.n_maps)
    found = measure_patterns(
        fitted, cohort, asked, seed=seed, streaming=streaming, progress=progress
    )
    paired = _compare(found, draws, seed)
    approximate = "" if cohort.unit_name == "patients" else cohort.unit_name
    approximate = "one case" if len(cohort) == 1 else approximate
    strong = np.nan_to_num(found.share) > tau
    tested = strong & (paired.n >= FEWEST_PAIRS) & (not approximate)
    p = np.where(tested, paired.p, np.nan)
    q = benjamini_hochberg(p)
    with np.errstate(invalid="ignore"):
        verdict = np.select([~strong, q < _FDR], [NOT_SUPPORTED, SUPPORTED], UNDECIDED)
    exact = not approximate and paired.n >= FEWEST_UNITS
    return PatternLikeness(
        maps=tuple(MapRef(fitted.spec.layer, k) for k in asked),
        channels=cohort.channels,
        rho=_where(found.moves, paired.matched),
        low=_where(found.moves & exact, paired.low),
        high=_where(found.moves & exact, paired.high),
        mismatched=_where(found.moves, paired.mismatched),
        share=found.share,
        p=p,
        q=q,
        verdict=verdict,
        tau=tau,
        n=paired.n,
        n_cases=len(found.units),
        unit_name=cohort.unit_name,
        latents=found.latents,
        border=found.border,
        null=_null(len(cohort), draws),
        family=_family(tested.sum(), strong.sum(), strong.size, tau),
        approximate=approximate,
        provenance=Provenance(
            method="pattern_likeness",
            params={
                **{"tau": tau, "draws": draws, "maps": ",".join(map(str, asked))},
                **left_out(found.broken),
            },
            seed=seed,
            model_sha256=fitted.spec.sha256,
            data_sha256=found.data_sha256,
            versions=installed_versions(),
        ).timed(time.perf_counter() - began),
    )


def _compare(found: Patterns, draws: int, seed: int) -> Pairing:
    """Pairings of cases, or the one case against its surrogates."""
    if len(found.units) > 1:
        return compare_pairings(found.alike, found.units, draws=draws, seed=seed)
    own, others = found.alike[..., 0, 0], found.alike[..., 0, 1:]
    nothing = np.full(own.shape, np.nan)
    return Pairing(own, nothing, nothing, others.mean(axis=-1), nothing, 1)


def _where(known: Bool, values: Float64) -> Float64:
    return np.where(known, values, np.nan)


def _null(n_cases: int, draws: int) -> str:
    if n_cases == 1:
        return "surrogates of each image inside the mask"
    return f"pairing of cases permuted, {draws} draws"


def _family(tested: int, strong: int, pairs: int, tau: float) -> str:
    if not tested:
        return "no p value, nothing corrected"
    return (
        f"{strong} of {pairs} pairs of map and image with an energy share above {tau:g}, "
        "Benjamini-Hochberg"
    )


def _check_values(tau: float, draws: int) -> None:
    if not 0 < tau < 1:
        raise InputError(f"tau must lie between 0 and 1, got {tau}; the usual value is 0.03")
    if draws < 19:
        raise InputError(f"a p value needs at least 19 draws, got {draws}; the usual number is 999")
