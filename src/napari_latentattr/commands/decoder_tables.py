"""What a decoder draws, in words and tables for a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from napari_latentattr.commands.tables import table
from napari_latentattr.core.decomposition import Decomposition
from napari_latentattr.core.latent_response import LatentResponse
from napari_latentattr.core.traversal import Traversal
from napari_latentattr.core.types import Float32
from napari_latentattr.io.decoder_records import norms_of


def decomposition_lines(
    found: Decomposition, case: str, method: str, images: Sequence[Float32], n_cases: int
) -> list[str]:
    """Say how much each map draws, in which image most, and how entangled it is.

    Parameters
    ----------
    images : sequence of (C, *S) float32 array
        One a map of `found`.
    n_cases : int
        Behind the mean code.
    """
    rows = []
    for row, ref in enumerate(found.maps):
        norm = norms_of(images[row])
        numbers = [found.entanglement[row], found.error[row]]
        cells = ["-" if math.isnan(value) else f"{value:.2f}" for value in numbers]
        share = f"{math.hypot(*norm):.3g}"
        rows.append([str(ref), share, found.channels[int(np.argmax(norm))], *cells])
    against = "all others zero" if method == "solo" else f"the mean code of {n_cases} cases"
    lines = [
        f"What the decoder draws from maps of case {case}: {method}, against {against}",
        table(rows, header=("map", "size", "most in", "entanglement", "error")),
    ]
    if not math.isnan(found.residual):
        lines.append(f"Together the images miss {found.residual:.1g} of the change of the picture.")
    return lines


def traversal_line(found: Traversal) -> str:
    """Say from where to where a map went."""
    low, high = found.values[[0, -1]]
    return (
        f"Map {found.target} of case {found.case} went from {low:.3g} to {high:.3g} "
        f"({found.strength}; 1 % and 99 % of the cohort) in {len(found.values)} steps; its own is "
        f"{found.own:.3g}."
    )


def response_lines(found: LatentResponse) -> list[str]:
    """Say how well each map reads itself again, and which other map reads most of it."""
    rows = []
    for k, ref in enumerate(found.maps):
        row = np.nan_to_num(found.matrix[k])
        kept, row[k] = found.matrix[k, k], -1.0
        other = int(row.argmax())
        none = len(found.maps) == 1
        rows.append(
            [
                str(ref),
                "-" if math.isnan(kept) else f"{kept:.2f}",
                "-" if none else str(found.maps[other]),
                "-" if none else f"{row[other]:.2f}",
            ]
        )
    return [
        f"Maps taken from another case, drawn and encoded again: {found.n_cases} cases, donors "
        f"{found.donors}, units {found.unit_name}; 1 and 0 where a map draws what it alone reads",
        table(rows, header=("exchanged", "itself", "most in", "moves by")),
    ]
