"""Colours and limits in which images and pictures are shown; refuses to know who shows them."""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd
from typing import Any

import numpy as np
import numpy.typing as npt

# Blue, transparent, orange: both signs stay apart in the three kinds of colour blindness.
SIGNED: Mapping[str, Any] = {
    "name": "LA signed",
    "colors": [[0.12, 0.45, 1, 1], [0.12, 0.45, 1, 0], [1, 0.55, 0.05, 0], [1, 0.45, 0, 1]],
    "controls": [0.0, 0.5, 0.5, 1.0],
}
# In 3D small values would add up to fog, so the middle third is transparent.
SIGNED_3D: Mapping[str, Any] = {**SIGNED, "name": "LA signed 3D", "controls": [0, 0.33, 0.67, 1]}

# What cannot be negative needs no blue half; in 3D only its upper half is seen, half transparent.
UNSIGNED: Mapping[str, Any] = {
    "name": "LA unsigned",
    "colors": [[1, 0.55, 0.05, 0], [1, 0.45, 0, 1]],
    "controls": [0.0, 1.0],
}
UNSIGNED_3D: Mapping[str, Any] = {
    "name": "LA unsigned 3D",
    "colors": [[1, 0.55, 0.05, 0], [1, 0.55, 0.05, 0], [1, 0.45, 0, 0.6]],
    "controls": [0.0, 0.5, 1.0],
}
# How each looks in 3D.
DEEP = {SIGNED["name"]: SIGNED_3D, UNSIGNED["name"]: UNSIGNED_3D}

# First digits of a limit at which the colour bar of napari 0.9.2 writes more than a lonely 0.
_READABLE = (1, 1.2, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 7.5, 10)
# Enough for the 99.8th percentile to within 0.02 % of the voxels; all of a large image take long.
_SAMPLED = 200_000


def picture_limits(volume: npt.NDArray[Any]) -> tuple[float, float]:
    """Values of the strongest colours: around zero, or from zero for what is never negative.

    Parameters
    ----------
    volume : array

    Returns
    -------
    low, high : float
        High is the largest size of a value, rounded up by a third at most so that the colour bar
        can name it; 1 for a picture of zeros.
    """
    low = float(np.nanmin(volume, initial=0.0))
    limit = _readable(max(-low, float(np.nanmax(volume, initial=0.0))))
    return (-limit if low < 0 else 0.0), limit


def grey_limits(image: npt.NDArray[Any]) -> tuple[float, float]:
    """Black at 0 or below, white at the 99.8th percentile; never an empty range.

    Parameters
    ----------
    image : array
        Finite values.
    """
    low, high = float(image.min(initial=0)), 0.0
    if image.size:
        high = float(np.percentile(_sample(image), 99.8))
    return low, high if high > low else low + 1.0


def _sample(image: npt.NDArray[Any]) -> npt.NDArray[Any]:
    step = max(1, image.size // _SAMPLED)
    while gcd(step, image.size) > 1:  # else only some columns of the image would be seen
        step += 1
    return image.reshape(-1)[::step]


def _readable(limit: float) -> float:
    if not 0 < limit < np.inf:
        return 1.0
    exponent = int(np.floor(np.log10(limit)))
    # A power of ten as text, because 3 * 10.0**-1 is not 0.3
    steps = [float(f"{digits}e{exponent}") for digits in _READABLE]
    return next((step for step in steps if step >= limit), steps[-1])
