"""How the cases of a cohort are walked through: here or elsewhere, kept or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from napari_latentattr.streaming.cache import EncodedCache


@dataclass(frozen=True, slots=True)
class Streaming:
    """How cases are read and encoded; never what comes out.

    Attributes
    ----------
    ahead : int
        Cases that are read while another one is encoded, on one thread; 0 reads none ahead.
    cache : EncodedCache or None
        Where encoded cases are kept: after a stop, and for the next question.
    skip_broken : bool
        Leave out cases that cannot be used; the result says which and why. Otherwise the first of
        them ends the work.
    client : distributed.Client or None
        Runs cases on its workers; see `napari_latentattr.streaming.distributed`.
    """

    ahead: int = 2
    cache: EncodedCache | None = None
    skip_broken: bool = False
    client: Any = None


HERE = Streaming()
