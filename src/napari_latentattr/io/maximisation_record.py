"""Pictures made up to excite a map, as a record for JSON, with all they must be read with.

Every key is stable. Refuses to know where anything is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from napari_latentattr.core.maximisation import MADE_UP, Maximisation
from napari_latentattr.io.records import VERSION, Record, provenance_record

KIND = "maximisation"


def maximisation_record(found: Maximisation, files: Sequence[Mapping[str, str]]) -> Record:
    """Put down what would excite a map: ``maximise.json``.

    Parameters
    ----------
    files : sequence of mapping of image to str
        Names of the volumes that were written of each picture; empty where none were.

    Returns
    -------
    dict
        ``change`` is the root mean square by which the first picture differs, in the body, from
        the one that nothing was asked of, by image.
    """
    return {
        "kind": KIND,
        "version": VERSION,
        "what": MADE_UP,
        "sentence": found.sentence(),
        "map": str(found.map),
        "index": found.map.index,
        "meets_level": found.meets_level,
        "magnitudes_moved": found.magnitudes_moved,
        "numbers": dict(found.numbers),
        "top_cases": [
            {"case": case, "activation": activation}
            for case, activation in zip(found.top_cases, found.top_activations, strict=True)
        ],
        "change": {
            name: float(moved) for name, moved in zip(found.channels, found.score, strict=True)
        },
        "pictures": [dict(names) for names in files],
        "provenance": provenance_record(found.provenance),
    }
