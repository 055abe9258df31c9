"""A small forest of extremely randomised trees that predicts shares of classes.

Trees regress on indicator columns of the classes, which splits by Gini impurity like a
classifier. Grown directly it takes 16 ms where ``ExtraTreesClassifier`` takes 30 ms (20 trees,
2,800 rows), and predicts in 0.6 ms instead of 3: a ranking grows some two hundred of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.tree import ExtraTreeRegressor

from napari_latentattr.core.types import Float32, Float64
from napari_latentattr.ranking.units import Int


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """Fitted trees."""

    trees: tuple[ExtraTreeRegressor, ...]

    def predict(self, values: Float32) -> Float64:
        """Share of each class, (R, F) to (R, number of classes)."""
        shares = sum(tree.predict(values, check_input=False) for tree in self.trees)
        return np.asarray(shares / len(self.trees))


def grow_forest(
    values: Float32, label: Int, n_classes: int, *, trees: int, rng: np.random.Generator
) -> Forest:
    """Grow a forest on rows (R, F) with classes (R,).

    References
    ----------
    Geurts, Ernst and Wehenkel, Machine Learning, 2006.
    """
    indicator = np.eye(n_classes)[label]
    values = np.ascontiguousarray(values, dtype=np.float32)
    grown = [
        ExtraTreeRegressor(
            max_depth=8, min_samples_leaf=2, max_features="sqrt", random_state=int(seed)
        ).fit(values, indicator, check_input=False)
        for seed in rng.integers(2**31 - 1, size=trees)
    ]
    return Forest(tuple(grown))
