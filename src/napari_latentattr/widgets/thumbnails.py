"""Small pictures of images and latent maps; arrays in, QImage out, no window."""

from __future__ import annotations

from functools import cache
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QPointF, Qt
from qtpy.QtGui import QColor, QImage, QPainter

Colormap: TypeAlias = Literal["gray", "inferno", "signed"]
Plane: TypeAlias = npt.NDArray[np.floating] | npt.NDArray[np.uint8]

_SIDE = 64
_LEVELS = 255  # odd, so that the middle of the signed colours is exactly black
# Eleven samples of matplotlib's inferno; between them it is straight within 9 of 255.
_INFERNO = (
    "#000004", "#180c3c", "#420a68", "#6c186e", "#932667", "#bc3754",
    "#dd513a", "#f37819", "#fca50a", "#f6d746", "#fcffa4",
)  # fmt: skip
# Blue below zero, orange above, as overlays have it; black where an overlay is transparent.
_SIGNED = ("#1f73ff", "#000000", "#ff7300")
_SAMPLES: dict[Colormap, tuple[str, ...]] = {
    "gray": ("#000000", "#ffffff"),
    "inferno": _INFERNO,
    "signed": _SIGNED,
}


def thumbnail(
    image: Plane,
    limits: tuple[float, float] | None = None,
    size: int = _SIDE,
    colormap: Colormap = "gray",
    *,
    ratio: float = 1.0,
) -> QImage:
    """Square picture of a 2D image; the whole image is in it, on black.

    Parameters
    ----------
    image : (Y, X) float or uint8 array
        Values that are not finite become black.
    limits : (float, float) or None
        Values of the darkest and the brightest colour. None: gray from 0 (or the smallest, where
        it is negative) to the 99.8th percentile, inferno from smallest to largest, signed the
        same on both sides of zero.
    size : int
        Side in logical pixels.
    ratio : float
        Device pixels a logical pixel of the screen.

    Returns
    -------
    QImage
        Of ``size * ratio`` pixels, with that ratio set. Latent maps that are enlarged keep their
        blocks: smoothing would suggest more detail than they have.
    """
    values = np.asarray(image, dtype=np.float64)
    if values.ndim != 2:
        raise ValueError(f"a thumbnail needs a 2D image, got shape {values.shape}")
    known = np.isfinite(values)
    low, high = limits or _limits(values[known], colormap)
    span = high - low if high > low else 1.0
    level = np.clip((np.where(known, values, low) - low) / span, 0, 1)
    colours = _table(colormap)[np.rint((_LEVELS - 1) * level).astype(np.intp)]
    colours[~known] = 0
    return _fitted(colours, round(size * ratio), ratio, colormap)


def middle_thumbnail(image: npt.NDArray[np.floating], size: int, *, ratio: float = 1.0) -> QImage:
    """Picture of a 2D image, or of the middle slice along the first axis of a volume."""
    return thumbnail(image if image.ndim == 2 else image[len(image) // 2], size=size, ratio=ratio)


def map_thumbnail(
    volume: npt.NDArray[np.floating],
    size: int = _SIDE,
    colormap: Colormap = "inferno",
    *,
    limits: tuple[float, float] | None = None,
    ratio: float = 1.0,
) -> QImage:
    """Picture of a 2D or 3D array: of a volume, the slice along its first axis that varies most."""
    return thumbnail(widest_slice(volume), limits, size, colormap, ratio=ratio)


def widest_slice(volume: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Return a 2D array itself, or the slice of largest spread along axis 0 of a 3D array."""
    if volume.ndim not in (2, 3):
        raise ValueError(f"an array for a thumbnail is 2D or 3D, got shape {volume.shape}")
    if volume.ndim == 2:
        return volume
    spread = [np.std(part[np.isfinite(part)]) if np.isfinite(part).any() else 0 for part in volume]
    best: npt.NDArray[np.floating] = volume[int(np.argmax(spread))]
    return best


def _limits(known: npt.NDArray[np.float64], colormap: Colormap) -> tuple[float, float]:
    if not known.size:
        return 0.0, 1.0
    if colormap == "signed":
        most = float(np.abs(known).max())
        return -most, most
    if colormap == "gray":
        return min(0.0, float(known.min())), float(np.percentile(known, 99.8))
    return float(known.min()), float(known.max())


@cache
def _table(colormap: Colormap) -> npt.NDArray[np.uint8]:
    """Colours between the samples of a colour map, shape (levels, 3)."""
    samples = [QColor(name) for name in _SAMPLES[colormap]]
    parts = np.array([(c.red(), c.green(), c.blue()) for c in samples], dtype=np.float64)
    at = np.linspace(0, _LEVELS - 1, len(samples))
    table = np.stack([np.interp(np.arange(_LEVELS), at, part) for part in parts.T], axis=1)
    rounded: npt.NDArray[np.uint8] = np.rint(table).astype(np.uint8)
    return rounded


def _fitted(colours: npt.NDArray[np.uint8], side: int, ratio: float, colormap: Colormap) -> QImage:
    """Scale to the largest size that fits a black square, in its middle."""
    tall, wide = colours.shape[:2]
    data = colours.tobytes()  # the picture reads it until this function ends
    small = QImage(data, wide, tall, 3 * wide, QImage.Format.Format_RGB888)
    keep_blocks = colormap != "gray" and max(tall, wide) <= side
    smoothness = (
        Qt.TransformationMode.FastTransformation
        if keep_blocks
        else Qt.TransformationMode.SmoothTransformation
    )
    fitted = small.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio, smoothness)
    square = QImage(side, side, QImage.Format.Format_RGB32)
    square.fill(QColor("black"))
    painter = QPainter(square)
    corner = QPointF((side - fitted.width()) // 2, (side - fitted.height()) // 2)
    painter.drawImage(corner, fitted)
    painter.end()
    square.setDevicePixelRatio(ratio)
    return square
