"""Work and peer: how much each of 64 maps matters to a forest, by exchange between patients."""

from __future__ import annotations

from functools import cache

import numpy as np
import sklearn
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.inspection import permutation_importance

from napari_latentattr.benchmarks.speed.peer import Peer
from napari_latentattr.benchmarks.speed.work import Work
from napari_latentattr.benchmarks.speed.workloads import Workload
from napari_latentattr.ranking.forest import Forest, grow_forest
from napari_latentattr.ranking.held_out import HeldOut
from napari_latentattr.ranking.importance import loss_of_auc
from napari_latentattr.ranking.rows import Rows, draw_sample
from napari_latentattr.ranking.score import score
from napari_latentattr.ranking.units import patients_as_units

# A table instead of images: 200 patients, 64 summaries of as many maps.
TABLE = Workload("Table", 200, (64, 64), (1,), target=1.0)
TREES, EXCHANGES = 500, 5


def importance(workload: Workload = TABLE, *, trees: int = TREES) -> Work:
    """Loss of AUC of every map; a raw forward is one prediction of all rows by the forest."""
    rows, fit = _ranked(workload, trees)
    values = fit.test.values(rows)
    return Work(
        name=f"{workload.name}: permutation importance, {workload.n_cases} rows of "
        f"{workload.features[-1]} maps, {trees} trees",
        unit="prediction",
        units=EXCHANGES * rows.n_maps,
        target=workload.target,
        workload=workload,
        run=lambda: loss_of_auc(rows, fit, np.random.default_rng(2), swaps=EXCHANGES),
        forward=lambda: fit.forest.predict(values),
        key="importance",
    )


def sklearn_importance(workload: Workload = TABLE, *, target: float, trees: int = TREES) -> Peer:
    """``permutation_importance`` with sklearn's own forest, of the same size and depth."""
    rows, fit = _ranked(workload, trees)
    values, label = fit.test.values(rows), fit.test.label
    forest = ExtraTreesClassifier(trees, max_depth=8, min_samples_leaf=2, random_state=0)
    forest.fit(values, label)
    return Peer(
        name=f"{workload.name}: scikit-learn {sklearn.__version__} permutation_importance, one job",
        unit="exchange",
        key="importance",
        workload=workload,
        few=0,
        many=1,
        full=EXCHANGES,
        target=target,
        run=lambda n: permutation_importance(
            forest, values, label, n_repeats=n, scoring="roc_auc", random_state=0, n_jobs=1
        ),
        forward=lambda: fit.forest.predict(values),
    )


@cache
def _ranked(workload: Workload, trees: int) -> tuple[Rows, HeldOut]:
    """Noise of which the first map tells the outcome, and a forest that learned it."""
    rng = np.random.default_rng(0)
    n, k = workload.n_cases, workload.features[-1]
    values = rng.standard_normal((n, 1, k)).astype(np.float32)
    label = (values[:, 0, 0] + rng.standard_normal(n) > 0).astype(np.int64)
    inside, units = np.ones((n, 1), dtype=bool), patients_as_units(range(n))
    rows = Rows(values, inside, label[:, None], np.arange(k), ("no", "yes"), units)
    sample = draw_sample(rows, rows.label, rng, limit=n)
    forest: Forest = grow_forest(sample.values(rows), sample.label, 2, trees=trees, rng=rng)
    auc = float(score(forest.predict(sample.values(rows)), sample.label))
    return rows, HeldOut(forest, sample, auc, 0.25)
