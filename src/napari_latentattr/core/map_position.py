"""Where a latent map stands in the arrays of a result that need not hold all maps."""

from __future__ import annotations

from collections.abc import Sequence

from napari_latentattr.core.types import MapRef


def position_of(which: MapRef | int, maps: Sequence[MapRef]) -> int:
    """Position of a map, or of its index in the model, among those that were measured.

    Raises
    ------
    KeyError
        When it was not measured.
    """
    for position, ref in enumerate(maps):
        if which in (ref, ref.index):
            return position
    measured = ", ".join(map(str, maps))
    raise KeyError(f"map {which} was not measured; measured are {measured}")
