"""A small forest of extremely randomised trees that predicts shares of classes, or a number.

Trees regress on indicator columns of the classes, which splits by Gini impurity like a
classifier. Grown directly it takes 16 ms where ``ExtraTreesClassifier`` takes 30 ms (20 trees,
2,800 rows), and predicts in 0.6 ms instead of 3: a ranking grows some two hundred of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.tree import ExtraTreeRegressor

from napari_latentattr.core.types import Float32, Float64
from napari_latentattr.ranking.units import Outcomes


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """Fitted trees."""

    trees: tuple[ExtraTreeRegressor, ...]

    def predict(self, values: Float32) -> Float64:
        """Share of each class, or the number: (R, F) to (R, number of classes or 1)."""
        shares = sum(tree.predict(values, check_input=False) for tree in self.trees)
        return np.reshape(shares / len(self.trees), (len(values), -1))


def grow_forest(
    values: Float32, label: Outcomes, n_classes: int, *, trees: int, rng: np.random.Generator
) -> Forest:
    """Grow a forest on rows (R, F) with classes (R,), or with numbers where there are no classes.

    References
    ----------
    Geurts, Ernst and Wehenkel, Machine Learning, 2006.
    """
    target = np.eye(n_classes)[label.astype(np.int64)] if n_classes else label[:, None]
    values = np.ascontiguousarray(values, dtype=np.float32)
    grown = [
        ExtraTreeRegressor(
            max_depth=8, min_samples_leaf=2, max_features="sqrt", random_state=int(seed)
        ).fit(values, target, check_input=False)
        for seed in rng.integers(2**31 - 1, size=trees)
    ]
    return Forest(tuple(grown))
