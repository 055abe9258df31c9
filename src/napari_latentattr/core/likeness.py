"""Whose pattern a latent map looks like: the result and its words. An association, no driver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_latentattr.core.map_position import position_of
from napari_latentattr.core.types import ClaimVerdict, Evidence, Float64, MapRef, Provenance, Text

SUPPORTED: ClaimVerdict = "supported"
NOT_SUPPORTED: ClaimVerdict = "not supported"
UNDECIDED: ClaimVerdict = "undecided"

FEWEST_PAIRS = 20
ASSOCIATION = (
    "Likeness is an association between pictures: it does not say that an image drives the map."
)


@dataclass(frozen=True, slots=True, eq=False)
class PatternLikeness:
    """How alike the pattern of each map is to its response to each image alone.

    Attributes
    ----------
    maps : tuple of MapRef
    channels : tuple of str
    rho, low, high : (K, C) float64 array
        Mean over the cases of the rank correlation, with its 95 % interval over the units; NaN
        where the map or its response does not vary.
    mismatched : (K, C) float64 array
        The same with the response of another case (of surrogates where there is one case): what
        shared anatomy alone gives.
    share : (K, C) float64 array
        Energy of the response to the image alone, over that of the map; can exceed 1.
    p, q : (K, C) float64 array
        Against `null`, alone and corrected over `family`; NaN where none is printed.
    verdict : (K, C) str array
        ``supported`` (q < 0.05), ``not supported`` (energy share of at most `tau`: whatever it
        looks like, the map hardly answers to this image) or ``undecided``.
    tau : float
    n, n_cases : int
        Independent units, and cases.
    unit_name : str
    latents : int
        Latents that were compared.
    border : str
        What became of the border of the receptive field: ``dropped`` or ``kept``.
    null, family : str
        What the numbers are compared with, and what was corrected together.
    approximate : str
        Why no p value is printed; empty when there is one.
    """

    maps: tuple[MapRef, ...]
    channels: tuple[str, ...]
    rho: Float64
    low: Float64
    high: Float64
    mismatched: Float64
    share: Float64
    p: Float64
    q: Float64
    verdict: Text
    tau: float
    n: int
    n_cases: int
    unit_name: str
    latents: int
    border: str
    null: str
    family: str
    approximate: str
    provenance: Provenance

    def row(self, which: MapRef | int) -> int:
        """Position of a map in the arrays.

        Raises
        ------
        KeyError
            When that map was not measured.
        """
        return position_of(which, self.maps)

    def evidence(self, which: MapRef | int, channel: str) -> Evidence:
        """Return the claim about one map and one image with all that is needed to doubt it."""
        at = self.row(which), self.channels.index(channel)
        verdict = next(v for v in (SUPPORTED, NOT_SUPPORTED, UNDECIDED) if v == self.verdict[at])
        return Evidence(
            estimate=float(self.rho[at]),
            low=float(self.low[at]),
            high=float(self.high[at]),
            p=float(self.p[at]),
            q=float(self.q[at]),
            n=self.n,
            null=self.null,
            family=self.family,
            verdict=verdict,
        )

    def sentence(self, which: MapRef | int) -> str:
        """Return the sentence that is shown to people about one map."""
        row = self.row(which)
        subject = f"Map {self.maps[row]}"
        if np.isnan(self.rho[row]).all():
            return f"{subject} does not vary between these cases; there is nothing to compare."
        falling = np.argsort(-np.nan_to_num(self.rho[row], nan=-2), kind="stable")
        told = [int(c) for c in falling if self.verdict[row, c] != NOT_SUPPORTED]
        alike = [c for c in told if self.verdict[row, c] == SUPPORTED]
        if not told:
            said = f"{subject} answers to no image alone"
        elif alike:
            said = f"{subject} looks like its response to {_and([self._of(row, c) for c in alike])}"
        elif self.approximate or self.n < FEWEST_PAIRS:
            said = f"{subject} looks most like its response to {self._of(row, told[0])}"
        else:
            said = (
                f"{subject} is not shown to look like its response to any image alone; "
                f"most like {self._of(row, told[0])}"
            )
        return f"{said}{self._why_no_p()}. {ASSOCIATION}"

    def basis(self) -> str:
        """Say in one line what the numbers rest on."""
        units = self.approximate or f"{self.n} {self.unit_name}"
        return (
            f"{self.n_cases} cases, {units}, {self.latents} latents (border {self.border}), energy "
            f"share above {self.tau:g}; null: {self.null}; {self.family}."
        )

    def _of(self, row: int, c: int) -> str:
        low, high, q = self.low[row, c], self.high[row, c], self.q[row, c]
        parts = [f"rho {self.rho[row, c]:.2f}"]
        if not np.isnan(low):
            parts.append(f"95 % {low:.2f} to {high:.2f}")
        other = "surrogates" if self.n_cases == 1 else "other cases"
        parts.append(f"{self.mismatched[row, c]:.2f} with {other}")
        if not np.isnan(q):
            parts.append(f"q {q:.3f}" if q >= 0.001 else "q < 0.001")
        return f"{self.channels[c]} ({', '.join(parts)})"

    def _why_no_p(self) -> str:
        if self.approximate:
            return f" (approximate: {self.approximate}; no p value)"
        if self.n < FEWEST_PAIRS:
            return f" (no p value below {FEWEST_PAIRS} {self.unit_name}; there are {self.n})"
        return ""


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
