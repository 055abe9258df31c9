"""Whether groups come back when other patients are asked."""

from __future__ import annotations

import numpy as np

from napari_latentattr.core.types import Float64
from napari_latentattr.ranking.units import Int
from napari_latentattr.retrieval.partition import fewest_in_group, partitions

# Below, a group "should not be trusted" (Hennig).
LEAST_STABILITY = 0.6
_DRAWS = 20
_SHARE = 0.8


def stability_of(score: Float64, patient: Int, label: Int, *, seed: int) -> Float64:
    """Mean overlap of each group (G,) with its likest among 4 of 5 patients, drawn 20 times.

    Overlap is the Jaccard index, over the cases that were drawn: 1 the same group, 0 another. A
    draw that does not fall into as many groups counts as 0 for all.

    References
    ----------
    Hennig, Comput Stat Data Anal, 2007.
    """
    rng = np.random.default_rng((seed, 8))
    count, n_patients = int(label.max()) + 1, int(patient.max()) + 1
    total = np.zeros(count)
    for _ in range(_DRAWS):
        drawn = rng.permutation(n_patients)[: max(2, round(_SHARE * n_patients))]
        kept = np.isin(patient, drawn)
        least = max(2, round(_SHARE * fewest_in_group(len(score))) - 1)
        again = partitions(score[kept], least=least).get(count)
        if again is not None:
            total += _overlap(label[kept], again.label, count)
    return total / _DRAWS


def _overlap(label: Int, again: Int, count: int) -> Float64:
    """Jaccard index of each group with its likest."""
    one = label[:, None] == np.arange(count)
    other = again[:, None] == np.arange(count)
    both = one.T.astype(float) @ other
    either = one.sum(axis=0)[:, None] + other.sum(axis=0) - both
    return np.asarray((both / np.maximum(either, 1)).max(axis=1))
