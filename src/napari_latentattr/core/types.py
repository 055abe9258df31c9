"""The values that every part of the program speaks. Frozen; their arrays are read-only.

Arrays are ordered (C, Z, Y, X) or (C, Y, X). This file refuses to know files, torch and windows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_latentattr.core.arrays import Bool as Bool
from napari_latentattr.core.arrays import Float32 as Float32
from napari_latentattr.core.arrays import Float64 as Float64
from napari_latentattr.core.arrays import Text as Text
from napari_latentattr.core.images import Grid as Grid
from napari_latentattr.core.images import ImageStack as ImageStack


@dataclass(frozen=True, slots=True, order=True)
class MapRef:
    """One latent feature map; prints as ``encoder:17``."""

    layer: str
    index: int

    def __str__(self) -> str:
        return f"{self.layer}:{self.index}"


@dataclass(frozen=True, slots=True)
class LatentSpec:
    """What is known of a model's latent feature maps.

    Attributes
    ----------
    layer : str
        Name of the submodule whose output is the latent.
    n_channels, n_maps, ndim : int
        Input images C, latent maps K, spatial axes (2 or 3).
    stride : tuple of float
        Input voxels from one latent to the next, per axis.
    receptive_field : tuple of int
        Input voxels that one latent can see, per axis (layers in `everywhere` left out).
    offset : tuple of float
        Input index at the centre of the receptive field of latent 0; latent i sits at
        ``offset + i * stride``.
    skips : tuple of str
        Submodules through which the picture can travel around the latent maps.
    everywhere : tuple of str
        Layers that make every latent depend on every voxel (instance norm, attention, ...).
    device : str
    sha256 : str
        Of the weights, names and shapes included.
    """

    layer: str
    n_channels: int
    n_maps: int
    ndim: int
    stride: tuple[float, ...]
    receptive_field: tuple[int, ...]
    offset: tuple[float, ...]
    skips: tuple[str, ...]
    everywhere: tuple[str, ...]
    device: str
    sha256: str


class CaseSource(Protocol):
    """Cases that are read when they are needed; what methods ask of a cohort.

    Attributes
    ----------
    channels : tuple of str
    cases, patients : tuple of str
        One entry a case.
    units : tuple of str
        The independent unit that each case belongs to: its patient, or a block of neighbouring
        slices where all cases are slices of one person.
    unit_name : str
        ``"patients"``, ``"slices of one person"`` or ``"images of one person"``.
    ndim : int
        Spatial axes of a case.
    slices : str or None
        ``"axial"``, ``"coronal"`` or ``"sagittal"`` when a 2D model walks over volumes.
    """

    @property
    def channels(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def cases(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def patients(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def units(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def unit_name(self) -> str: ...  # noqa: D102
    @property
    def ndim(self) -> int: ...  # noqa: D102
    @property
    def slices(self) -> str | None: ...  # noqa: D102

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> ImageStack: ...

    def region(self, index: int, name: str) -> Bool:
        """Voxels of case `index` that carry the label `name`, shape (*S).

        Raises
        ------
        InputError
            When the cohort has no label of that name.
        """
        ...


@dataclass(frozen=True, slots=True)
class Provenance:
    """Everything needed to get the same numbers again."""

    method: str
    params: Mapping[str, object] = field(default_factory=dict)
    seed: int = 0
    model_sha256: str = ""
    data_sha256: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def timed(self, seconds: float) -> Provenance:
        """Return the same record with the seconds that the work took."""
        return replace(self, seconds=round(seconds, 3))


ClaimVerdict: TypeAlias = Literal["supported", "not supported", "tie", "undecided"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A claim with everything that is needed to doubt it.

    Attributes
    ----------
    estimate, low, high : float
        The number and its 95 % interval; NaN where there is none.
    p, q : float
        Against `null`, alone and corrected within `family`; NaN where none is printed.
    n : int
        Independent units.
    null : str
        What the number is compared with, in words.
    family : str
        What was corrected together, in words.
    verdict : {"supported", "not supported", "tie", "undecided"}
    """

    estimate: float
    low: float
    high: float
    p: float
    q: float
    n: int
    null: str
    family: str
    verdict: ClaimVerdict


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """What the images contribute to one latent map, and where.

    Attributes
    ----------
    target : MapRef or None
        None where it is about all K maps at once: then every array begins with an axis of maps.
    score : (C,) or (K, C) float64 array
        One number an image, in `unit`.
    picture : (C or 1, *shape) or (K, C, *shape) float32 array, callable or None
        The `volume`, or how to make it: volumes of many maps do not fit in memory together.
    unit : str
    residual : float
        ``sum(score) - (f(x) - f(baseline))`` in `unit`, of K maps the one farthest from zero; NaN
        where no completeness is claimed.
    grid : Grid or None
    numbers : mapping of str to float
        What else has to be read beside the volume, by name, such as ``entanglement``.
    arrays : mapping of str to array
        The same for what is more than one number, such as ``error``, with the axes of `score`.
    """

    target: MapRef | None
    score: Float64
    picture: Float32 | Callable[[], Float32] | None
    unit: str
    residual: float
    grid: Grid | None
    provenance: Provenance
    evidence: Evidence | None = None
    numbers: Mapping[str, float] = field(default_factory=dict)
    arrays: Mapping[str, Float32 | Float64] = field(default_factory=dict)

    @property
    def map(self) -> MapRef:
        """The one map that it is about."""
        if self.target is None:
            raise ValueError("this attribution is about all maps at once")
        return self.target

    @property
    def volume(self) -> Float32 | None:
        """Contribution per voxel of `grid`, made anew where it is only known how."""
        return self.picture() if callable(self.picture) else self.picture


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether the latent maps predict the outcome at all, for patients not seen in training.

    Attributes
    ----------
    auc : float
        Patient-grouped, cross-validated area under the ROC curve; for more than two classes the
        mean of each against the rest, for a number the concordance.
    null : tuple of float
        The same number for outcomes permuted between patients.
    p : float
        ``(1 + #(null >= auc)) / (1 + len(null))``.
    passed : bool
    score : str
        What `auc` is: ``"AUC"``, ``"macro AUC"`` or ``"concordance"``.
    """

    auc: float
    null: tuple[float, ...]
    p: float
    passed: bool
    score: str = "AUC"


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Which latent maps carry an outcome.

    Attributes
    ----------
    maps : tuple of MapRef
    importance : (K,) float64 array
        Loss of the held-out score (of `gate`) when the map is exchanged between patients.
    impurity : (K,) float64 array
        Random-forest impurity importance: the familiar control, not evidence.
    shadow : (K,) float64 array
        Selection frequency: share of forests, each with a seed of its own, in which the map beats
        the best of all shadow maps.
    q : (K,) float64 array
        Of the shadow test, corrected over all maps.
    verdict : (K,) str array
        ``"supported"`` or ``"not supported"``; never "supported" unless the gate passed.
    cluster : (K,) int array
        Maps with one number rise and fall together; the data cannot say which of them matters.
    gate : Gate
    evidence : tuple of Evidence
        One a map.
    outcome : str
        Its name.
    folds : str
        What was never split between training and test halves, in words.
    provenance : Provenance
    """

    maps: tuple[MapRef, ...]
    importance: Float64
    impurity: Float64
    shadow: Float64
    q: Float64
    verdict: Text
    cluster: npt.NDArray[np.int64]
    gate: Gate
    evidence: tuple[Evidence, ...]
    outcome: str
    folds: str
    provenance: Provenance

    @property
    def order(self) -> npt.NDArray[np.int64]:
        """Positions of the maps, supported ones first, then by falling importance."""
        supported = self.verdict == "supported"
        return np.lexsort((-self.importance, ~supported))
