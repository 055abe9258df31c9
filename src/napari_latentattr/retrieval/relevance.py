"""In which cases one map helps to predict the outcome, for patients the forest has not seen."""

from __future__ import annotations

import numpy as np

from napari_latentattr.core.types import Float32, Float64
from napari_latentattr.ranking.exchange import donor_cases
from napari_latentattr.ranking.held_out import HeldOut
from napari_latentattr.ranking.rows import Rows


def relevance_of_cases(
    rows: Rows, fits: list[HeldOut], which: int, *, swaps: int, seed: int
) -> Float64:
    """How much worse a case is predicted when one map comes from other patients.

    Parameters
    ----------
    fits : list of HeldOut
        Each case counts where it was not trained on.
    which : int
        The map.
    swaps : int
        Donors of each case and fit.

    Returns
    -------
    (N,) float64 array
        Fall of the share that the forest gives to the true class; of a number, rise of the
        distance between predicted and true rank (0 to 1). Mean over the rows, fits and donors of
        a case. NaN for a case that was never tested.
    """
    rng = np.random.default_rng((seed, 7))
    taken = rows.map_of == which
    total, count = np.zeros(len(rows.values)), np.zeros(len(rows.values))
    for fit in fits:
        own = fit.test.values(rows)
        right = _miss(fit, own)
        for _ in range(swaps):
            other = fit.test.values(rows, donor_cases(rows.units, rng))
            worse = _miss(fit, np.where(taken, other, own)) - right
            total += np.bincount(fit.test.case, worse, len(total))
            count += np.bincount(fit.test.case, minlength=len(total))
    with np.errstate(invalid="ignore"):
        return np.asarray(total / count)


def _miss(fit: HeldOut, values: Float32) -> Float64:
    """How far each prediction (R,) is from the truth, 0 to 1."""
    predicted, truth = fit.forest.predict(values), fit.test.label
    if np.issubdtype(truth.dtype, np.floating):
        return np.asarray(np.abs(predicted[:, 0] - truth))
    return np.asarray(1 - predicted[np.arange(len(truth)), truth.astype(np.int64)])
