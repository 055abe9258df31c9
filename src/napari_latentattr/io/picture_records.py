"""Pictures of one map and their checks as plain records for JSON.

Every key is stable. Refuses to know where anything is written.
"""

from __future__ import annotations

from collections.abc import Sequence

from napari_latentattr.core.sanity import SURVIVES, Curve, SanityCheck
from napari_latentattr.core.types import Attribution, Provenance
from napari_latentattr.io.records import VERSION, Record, provenance_record


def attributions_record(pictures: Sequence[Record], provenance: Provenance) -> Record:
    """Put together what one method says of maps of cases: ``attribute.json``.

    Parameters
    ----------
    pictures : sequence of dict
        As `attribution_record` gives them.
    provenance : Provenance
        Of all of them together.
    """
    return {
        "kind": "attributions",
        "version": VERSION,
        "method": provenance.method,
        "pictures": list(pictures),
        "provenance": provenance_record(provenance),
    }


def attribution_record(
    found: Attribution, *, case: str, channels: Sequence[str], files: Sequence[str]
) -> Record:
    """One picture: its scores, how far they are from adding up, and its files.

    Parameters
    ----------
    channels : sequence of str
        One name a score; a method that cannot tell images apart has one score and no name.
    files : sequence of str
        Names of its volumes, in the same order.
    """
    names = channels if len(channels) == len(found.score) else [None] * len(found.score)
    return {
        "case": case,
        "map": str(found.target),
        "index": found.map.index,
        "unit": found.unit,
        "channels": [
            {"channel": name, "score": float(score), "file": file}
            for name, score, file in zip(names, found.score, files, strict=True)
        ],
        "residual": found.residual,
        "numbers": dict(found.numbers),
        "provenance": provenance_record(found.provenance),
    }


def sanity_record(found: SanityCheck) -> Record:
    """Whether a picture can be read: ``check.json``."""
    return {
        "kind": "sanity check",
        "version": VERSION,
        "case": found.case,
        "map": str(found.target),
        "index": found.target.index,
        "method": found.method,
        "verdict": found.verdict,
        "sentence": found.sentence(),
        "randomisation": {
            "limit": SURVIVES,
            "stages": [
                {"down_to": layer, "similarity": float(value)}
                for layer, value in zip(found.layers, found.similarity, strict=True)
            ],
            "copies": found.randomised.tolist(),
        },
        "exchanged_for": found.baseline,
        "deletion": _curve_record(found.deletion),
        "insertion": _curve_record(found.insertion),
        "provenance": provenance_record(found.provenance),
    }


def _curve_record(curve: Curve) -> Record:
    return {
        "area": curve.area,
        "null": curve.null.tolist(),
        "p": curve.p,
        "shares": curve.shares.tolist(),
        "values": curve.values.tolist(),
        "moved": curve.moved.tolist(),
        "moved_in_random_order": curve.random.mean(axis=0).tolist(),
    }
