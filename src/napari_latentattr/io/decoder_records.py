"""What a decoder draws, as plain records for JSON and rows for spreadsheets; without the voxels.

Every key is stable. Refuses to know where anything is written.
"""

from __future__ import annotations

import numpy as np

from napari_latentattr.core.decomposition import Decomposition
from napari_latentattr.core.latent_response import LatentResponse
from napari_latentattr.core.traversal import Traversal
from napari_latentattr.core.types import Float32
from napari_latentattr.io.records import VERSION, Record, csv_text, provenance_record


def decomposition_record(
    found: Decomposition, *, case: str, method: str, images: list[Float32]
) -> Record:
    """Put what each map adds to the picture of a case into a record: ``decode.json``.

    Parameters
    ----------
    method : str
        Key of the method that the images are of.
    images : list of (C, *S) float32 array
        One a map of `found`.

    Returns
    -------
    dict
        ``maps`` has, for every map, its entanglement, its standard error over random orders and
        the root of the sum of squares of each image, in image intensity. NaN means that a number
        does not exist; it is null in JSON.
    """
    return {
        "kind": "decomposition",
        "version": VERSION,
        "case": case,
        "method": method,
        "residual": found.residual,
        "maps": [
            {
                "map": str(ref),
                "index": ref.index,
                "entanglement": float(found.entanglement[row]),
                "error": float(found.error[row]),
                "norm": dict(zip(found.channels, norms_of(images[row]), strict=True)),
            }
            for row, ref in enumerate(found.maps)
        ],
        "provenance": provenance_record(found.provenance),
    }


def norms_of(images: Float32) -> list[float]:
    """Root of the sum of squares over the voxels of each of (C, *S) images."""
    return [float(np.linalg.norm(image.astype(np.float64))) for image in images]


def traversal_record(found: Traversal) -> Record:
    """Put how strong a map is at every step into ``<case>_map-<index>_desc-traverse.json``."""
    return {
        "kind": "traversal",
        "version": VERSION,
        "case": found.case,
        "map": str(found.target),
        "index": found.target.index,
        "strength": found.strength,
        "own": found.own,
        "values": found.values.tolist(),
        "provenance": provenance_record(found.provenance),
    }


def response_record(found: LatentResponse) -> Record:
    """Put which maps read what one map draws into ``response.json``; rows were exchanged."""
    return {
        "kind": "latent response",
        "version": VERSION,
        "n_cases": found.n_cases,
        "donors": found.donors,
        "unit_name": found.unit_name,
        "maps": [str(ref) for ref in found.maps],
        "matrix": found.matrix.tolist(),
        "provenance": provenance_record(found.provenance),
    }


def response_csv(found: LatentResponse) -> str:
    """``response.csv``: one row an exchanged map, one column a map that moves."""
    rows = [[ref, *map(float, row)] for ref, row in zip(found.maps, found.matrix, strict=True)]
    return csv_text(("exchanged", *map(str, found.maps)), rows)
