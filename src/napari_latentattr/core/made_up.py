"""A made-up picture with small pictures of it and of the real cases that belong beside it.

Refuses to know how pictures are made up, and windows.
"""

from __future__ import annotations

from dataclasses import dataclass

from napari_latentattr.core.case_sheet import CaseView, Grey
from napari_latentattr.core.maximisation import Maximisation


@dataclass(frozen=True, slots=True, eq=False)
class MadeUp:
    """What would excite a map, never without real cases.

    Attributes
    ----------
    found : Maximisation
    pictures : tuple of (C, h, w) uint8 array
        Grey levels of the made-up pictures, one a seed, in the slice that shows most.
    start : (C, h, w) uint8 array
        The picture that nothing was asked of.
    real : tuple of CaseView
        The same slice of the real cases with most (least) of the map, in the same grey levels.
    """

    found: Maximisation
    pictures: tuple[Grey, ...]
    start: Grey
    real: tuple[CaseView, ...]

    @property
    def lowest(self) -> bool:
        """Whether it was to have little of the map."""
        return self.found.level < self.found.usual
