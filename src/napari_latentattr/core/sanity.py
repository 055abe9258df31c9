"""Whether a picture is about the model at all: the result of a check, its rule and its words."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from napari_latentattr.core.inference import monte_carlo_p
from napari_latentattr.core.types import ClaimVerdict, Float64, MapRef, Provenance

# From there on half of the variance of the ranks (0.7 squared) was there before anything was
# learned. Of five networks trained on the DTI sample (15 maps, mean of 4 copies) Grad-CAM kept up
# to 0.62, the control encode_alone 0.53, others 0.39; a picture that ignores the model keeps 1.
SURVIVES = 0.7
LEVEL = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """What happens to a map while voxels are exchanged, those first that a picture marks most.

    Attributes
    ----------
    shares : (J,) float64 array
        Share of the voxels of all images that are exchanged, from 0 to 1.
    values : (J,) float64 array
        Mean of the map over the latents that count.
    moved : (J,) float64 array
        How far the map is from where it began: root mean square over the latents that count.
    random : (R, J) float64 array
        The same with as many voxels in R random orders: the null.
    """

    shares: Float64
    values: Float64
    moved: Float64
    random: Float64

    @property
    def area(self) -> float:
        """Area between `moved` and the mean random order, as a share of the whole move."""
        return float(self._area(self.moved) - self._area(self.random).mean())

    @property
    def null(self) -> Float64:
        """Area of each random order, (R,), in the same way."""
        areas = self._area(self.random)
        return np.asarray(areas - areas.mean())

    @property
    def p(self) -> float:
        """Chance of a random order that moves the map as much; NaN where nothing moves it."""
        return float("nan") if math.isnan(self.area) else monte_carlo_p(self.area, self.null)

    def _area(self, moved: Float64) -> Float64:
        whole = float(self.moved[-1])
        if whole == 0:
            return np.full(moved.shape[:-1], np.nan)
        return np.asarray(np.trapezoid(moved, self.shares, axis=-1) / whole)


@dataclass(frozen=True, slots=True, eq=False)
class SanityCheck:
    """Whether the picture of a method hangs on what the model learned, and on what moves the map.

    Attributes
    ----------
    target : MapRef
    case, method : str
    layers : tuple of S str
        Where each stage of the cascade ends: weights are random from the latent down to there.
    similarity : (S,) float64 array
        Between the picture and that of one copy a stage: absolute rank correlation inside the
        mask, mean over the images; the last one is the mean of `randomised`. A picture that only
        turns its signs around counts as the same. NaN where all is flat.
    randomised : (D,) float64 array
        The same for D copies whose encoder is random throughout.
    deletion : Curve
        From the images of the case to the baseline.
    insertion : Curve
        From the baseline to the images.
    baseline : str
        What voxels are exchanged for, in words.
    provenance : Provenance
    """

    target: MapRef
    case: str
    method: str
    layers: tuple[str, ...]
    similarity: Float64
    randomised: Float64
    deletion: Curve
    insertion: Curve
    baseline: str
    provenance: Provenance

    @property
    def verdict(self) -> ClaimVerdict:
        """Not supported where the picture survives random weights; supported by all three tests."""
        if self.similarity[-1] >= SURVIVES:
            return "not supported"
        return "undecided" if self._doubts() else "supported"

    def sentence(self) -> str:
        """Return the sentence that is shown to people."""
        copies = f"{len(self.randomised)} copies of this model with random weights"
        alike = float(self.similarity[-1])
        if self.verdict == "not supported":
            return (
                f"No answer. {copies} give nearly the same picture (similarity {alike:.2f}), so it "
                "would not be about what your model learned."
            )
        picture = f"picture of map {self.target} by {self.method}"
        if self.verdict == "undecided":
            return f"Not decided whether the {picture} can be read: {'; '.join(self._doubts())}."
        return (
            f"The {picture} hangs on what the model learned: {copies} give other pictures "
            f"(similarity {alike:.2f}, limit {SURVIVES:g}), and the voxels that it marks move the "
            f"map more than {self._null()}."
        )

    def _doubts(self) -> list[str]:
        doubts = []
        if np.isnan(self.randomised).any():
            doubts.append("it is the same everywhere, also with random weights")
        elif self.randomised.max() >= SURVIVES:
            doubts.append(
                f"one of {len(self.randomised)} copies with random weights gives nearly the same "
                f"(similarity {self.randomised.max():.2f})"
            )
        if math.isnan(self.deletion.p):
            doubts.append(
                f"the map stays as it is when all voxels are exchanged for {self.baseline}"
            )
        elif max(self.deletion.p, self.insertion.p) > LEVEL:
            doubts.append(
                "the voxels that it marks are not shown to move the map more than " + self._null()
            )
        return doubts

    def _null(self) -> str:
        """Say what the curves are compared with, and by how much they lead it."""
        leads = " and ".join(
            f"{name} by {curve.area:.2f} of the whole move (p = {curve.p:.2f})"
            for name, curve in (("deletion", self.deletion), ("insertion", self.insertion))
        )
        return f"{len(self.deletion.random)} random orders: {leads}, both needed, not corrected"
