"""Which maps of a model were asked about, by number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_latentattr.core.errors import InputError


def asked_maps(maps: int | Sequence[int] | None, n_maps: int) -> list[int]:
    """Give the indices of the maps asked; all of the model when None.

    Raises
    ------
    InputError
        When the model has no such map, or none is given.
    """
    if maps is None:
        return list(range(n_maps))
    asked = [int(maps)] if isinstance(maps, int | np.integer) else [int(k) for k in maps]
    wrong = [k for k in asked if not 0 <= k < n_maps]
    if wrong or not asked:
        raise InputError(
            f"map {wrong[0] if wrong else '(none)'} was asked, the model has maps 0 to {n_maps - 1}"
        )
    return asked
