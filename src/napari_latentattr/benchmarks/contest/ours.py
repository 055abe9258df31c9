"""Contestants of this package: channel dependence, shares with a bound, pattern likeness."""

from __future__ import annotations

import numpy as np

from napari_latentattr.benchmarks.contest.calls import Calls, body_of
from napari_latentattr.cohort.cohort import Cohort
from napari_latentattr.core.inference import benjamini_hochberg, two_way_jackknife
from napari_latentattr.core.likeness import SUPPORTED
from napari_latentattr.core.verdict_words import DRIVES
from napari_latentattr.methods.channel_dependence import channel_dependence
from napari_latentattr.methods.channel_shapley import channel_shapley
from napari_latentattr.methods.pattern_likeness import pattern_likeness
from napari_latentattr.model.latent import LatentModel

TAU, Q = 0.03, 0.05


def dependence(model: LatentModel, cohort: Cohort) -> dict[str, Calls]:
    """Call what `drives`."""
    found = channel_dependence(model, cohort, tau=TAU)
    return {"channel dependence": Calls(found.verdict == DRIVES, found.ratio)}


def shapley(model: LatentModel, cohort: Cohort) -> dict[str, Calls]:
    """Call a share whose energy is above tau of the energy of the change, q < 0.05."""
    inside = body_of(model, cohort)
    volumes = [np.asarray(channel_shapley(model, s, baseline=cohort).volume) for s in cohort]
    shares = np.stack([volume[:, :, inside] for volume in volumes]).astype(np.float64)
    units = np.arange(len(cohort))
    energy, spread = (shares**2).mean(axis=-1), (shares.sum(axis=2) ** 2).mean(axis=-1)
    estimate = two_way_jackknife(energy, spread, units, units)
    called = benjamini_hochberg(estimate.p_above(TAU)) < Q
    return {"Shapley share > tau": Calls(called, np.exp(estimate.log_ratio))}


def likeness(model: LatentModel, cohort: Cohort) -> dict[str, Calls]:
    """Call what is `supported`; the score is what likeness adds to that of other cases."""
    found = pattern_likeness(model, cohort, tau=TAU)
    answers = np.nan_to_num(found.share) > TAU
    more = np.where(answers, np.nan_to_num(found.rho - found.mismatched), -1.0)
    return {"pattern likeness, q < .05": Calls(found.verdict == SUPPORTED, more)}
