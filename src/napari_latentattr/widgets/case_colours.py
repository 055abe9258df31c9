"""What the dots of a scatter are coloured by: groups, a column of the study, or a map.

Gives kinds and words; which colour and shape a kind has is painted elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_latentattr.core.clusters import Clusters, group_letter

LEVELS = 9
MOST_KINDS = 6
NO_KIND = -1
_REACH = 2.0  # standard deviations from the middle of a scale to its end


@dataclass(frozen=True, slots=True, eq=False)
class Kinds:
    """A kind for every case.

    Attributes
    ----------
    kind : (N,) int64 array
        -1 for cases without one.
    words : tuple of str
        Of each kind; of a scale its two ends.
    scale : bool
        Whether kinds are the `LEVELS` levels of a scale.
    rest : str
        What cases without a kind are.
    """

    kind: npt.NDArray[np.int64]
    words: tuple[str, ...]
    scale: bool = False
    rest: str = ""


def by_group(found: Clusters) -> Kinds:
    """Colour by the groups found."""
    words = tuple(f"{group_letter(g)} ({len(found.members(g))})" for g in range(found.count))
    if not words:
        return Kinds(np.zeros(len(found.cases), dtype=np.int64), ("case",))
    return Kinds(found.labels, words, rest="in no group" if (found.labels < 0).any() else "")


def by_map(found: Clusters, which: int) -> Kinds:
    """Colour by the mean of one map, in standard deviations."""
    return _scale(found.activation[:, which], f"map {which} low", "high")


def by_column(values: Sequence[object], name: str) -> Kinds:
    """Colour by a column: numbers as a scale, names by kind; the rarest share the last kind."""
    text = [str(value) for value in values]
    names, count = np.unique(text, return_counts=True)
    if len(names) > MOST_KINDS:
        try:
            numbers = np.array([float(value) for value in text])
        except ValueError:
            pass
        else:
            spread = numbers.std() or 1.0
            return _scale((numbers - numbers.mean()) / spread, f"{name} low", "high")
        names = np.sort(names[np.argsort(-count, kind="stable")[:MOST_KINDS]])
    number = {one: i for i, one in enumerate(names)}
    kind = np.array([number.get(one, NO_KIND) for one in text], dtype=np.int64)
    return Kinds(kind, tuple(names.tolist()), rest="other" if (kind < 0).any() else "")


def _scale(sd: npt.NDArray[np.float64], low: str, high: str) -> Kinds:
    level = np.rint((LEVELS - 1) * (np.clip(sd, -_REACH, _REACH) + _REACH) / (2 * _REACH))
    return Kinds(level.astype(np.int64), (low, high), scale=True)
