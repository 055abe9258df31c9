"""What a ranking has found so far: to look at before the end, and to go on after a stop."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from napari_latentattr.core.broken import Broken
from napari_latentattr.core.types import Ranking
from napari_latentattr.ranking.rows import Rows


@dataclass(slots=True, eq=False)
class RankMemory:
    """Filled while a ranking goes on.

    Given to the same ranking again, only the rest is done, with the same numbers.

    Attributes
    ----------
    rows : (Rows, str) or None
        Values of the maps, and the hash of all images.
    broken : list of Broken
        Cases that were left out.
    draws : dict
        Result of each random draw by its seed.
    so_far : Ranking or None
        Once the gate is known: gate, importance and clusters are final; `q` is NaN and `verdict`
        is "not final", because the maps are still compared with their shadows.
    """

    rows: tuple[Rows, str] | None = None
    broken: list[Broken] = field(default_factory=list)
    draws: dict[tuple[int, ...], Any] = field(default_factory=dict)
    so_far: Ranking | None = None
