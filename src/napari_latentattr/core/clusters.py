"""Groups of cases that look alike to a model: the result and its words.

Groups of maps are something else, and live in the ranking.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_latentattr.core.types import Bool, Float64, Provenance

Layout: TypeAlias = Literal["pca", "tsne"]
DifferenceKind: TypeAlias = Literal["map", "image", "outcome"]

# Of two groups that lie 2 standard deviations apart in 8 maps, 40 % were missed among 30 cases and
# 15 % among 60 (docs/evidence).
FEW = 60
TSNE_WARNING = "Distances between groups in t-SNE carry no meaning."


@dataclass(frozen=True, slots=True)
class Difference:
    """What sets one group apart from all other cases, one value a patient.

    Attributes
    ----------
    cluster : int
    kind : {"map", "image", "outcome"}
        Pooled map, mean of an image over the body, or a column of the study.
    name : str
        Map, image or column; of a column of classes ``column = class``.
    estimate : float
        Mean of the group less that of the others, in standard deviations within the two; of a
        class the difference of its shares.
    low, high : float
        Its 95 % interval.
    p, q : float
        Against "no difference", alone and corrected within `family`; NaN where none is printed.
    n, n_others : int
        Patients in the group and elsewhere.
    family : str
    """

    cluster: int
    kind: DifferenceKind
    name: str
    estimate: float
    low: float
    high: float
    p: float
    q: float
    n: int
    n_others: int
    family: str


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Which cases form groups, and one typical case of each; none where there are none.

    Attributes
    ----------
    cases, patients : tuple of str
        N, in the order of the cohort.
    labels : (N,) int64 array
        Group of each case, the largest first; -1 for a case in none.
    outlier : (N,) bool array
        Cases far from every group; where there are none, far from the other cases.
    medoids : (G,) int64 array
        Position of the representative case of each group: the one nearest to all others.
    embedding : (N, 2) float64 array
        For a scatter, as `layout` says.
    layout : {"pca", "tsne"}
    explained : tuple of two float
        Share of the variance of the maps along the first two principal axes.
    stability : (G,) float64 array
        Mean Jaccard index of each group with what it becomes when patients are resampled.
    patients_in : (G,) int64 array
        Patients of each group.
    asked : bool
        Whether groups were looked for; `why_not` says why not.
    why_not : str
    depth : float
        Of the valley between the two groups hardest to tell apart (the deepest valley found,
        where no group is reported): 0 as many cases between as in the smaller one, 1 none.
    null : (D,) float64 array
        Deepest valleys of simulated cohorts without groups.
    p : float
        NaN where nothing was asked.
    n : int
        Independent units.
    unit_name : str
    activation : (N, K) float64 array
        Mean of each map over the body, in standard deviations from the mean of all cases.
    alike : (N, 3) int64 array
        Positions of the three cases most alike to each in all principal axes.
    differences : tuple of Difference
        By group and kind, smallest q first.
    """

    cases: tuple[str, ...]
    patients: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    outlier: Bool
    medoids: npt.NDArray[np.int64]
    embedding: Float64
    layout: Layout
    explained: tuple[float, float]
    stability: Float64
    patients_in: npt.NDArray[np.int64]
    asked: bool
    why_not: str
    depth: float
    null: Float64
    p: float
    n: int
    unit_name: str
    activation: Float64
    alike: npt.NDArray[np.int64]
    differences: tuple[Difference, ...]
    provenance: Provenance

    @property
    def count(self) -> int:
        """Number of groups."""
        return len(self.medoids)

    def members(self, cluster: int) -> npt.NDArray[np.int64]:
        """Positions of the cases of one group."""
        return np.flatnonzero(self.labels == cluster)

    def sentence(self) -> str:
        """Say how many groups there are, and how sure that is."""
        if not self.asked:
            return f"Groups were not looked for: {self.why_not}"
        if not self.count:
            few = f" Among fewer than {FEW} {self.unit_name} groups are easily missed."
            return (
                f"No groups found: the {len(self.cases)} cases form one cloud or one gradient. "
                f"The deepest valley in it is {self.depth:.2f}; cohorts without groups reach "
                f"{self.reach:.2f} in 5 % of draws (p {self.p:.3g}).{few if self.n < FEW else ''}"
            )
        sizes = [int((self.labels == g).sum()) for g in range(self.count)]
        named = [f"{group_letter(g)} ({size} cases)" for g, size in enumerate(sizes)]
        alone = int((self.labels < 0).sum())
        depth, reach = (f"{100 * share:.0f} %" for share in (self.depth, self.reach))
        rest = f" {alone} {'case is' if alone == 1 else 'cases are'} in none." if alone else ""
        return (
            f"{self.count} groups of cases: {', '.join(named[:-1])} and {named[-1]}. Between any "
            f"two of them the cases thin out by {depth}; cohorts without groups reach {reach} in "
            f"5 % of draws (p {self.p:.3g}).{rest}"
        )

    def basis(self) -> str:
        """Say what the sentence rests on."""
        said = f"{len(self.cases)} cases, {self.n} {self.unit_name}"
        if self.asked:
            said += f", null: {len(self.null)} cohorts of one population, a bent gradient"
        if self.count:
            said += f", stability {self.stability.min():.2f} or more when patients are resampled"
        return f"{said}. Groups are about this model, not about disease."

    @property
    def reach(self) -> float:
        """Valley that chance reaches in 5 % of cohorts without groups."""
        return float(np.quantile(self.null, 0.95)) if len(self.null) else float("nan")


def group_letter(cluster: int) -> str:
    """Name of a group: A, B, ..."""
    return chr(ord("A") + cluster)
