"""Simulated people: co-registered images with the dependence that makes naive attribution fail.

Channels come in groups that look alike, all share one anatomy and some lesions, and a few are
inverted. Refuses to know any model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from napari_latentattr.core.types import Bool, Float32, Float64

GROUP = 4  # channels that look alike
SHARED, GROUPED, OWN = 0.3, 0.8, 0.35  # sd of the fields of a case, a group, a channel
FLIPPED = 0.2  # share of channels with inverted contrast
BODY = (0.84, 0.89, 0.76)  # semi-axes in half widths of the image


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """What all simulated people have in common.

    Attributes
    ----------
    tissues : (3, *S) float32 array
        Ventricles, cortex and white matter, 0 or 1.
    mask : (*S) bool array
        The body, an ellipse or an ellipsoid; images are 0 outside.
    contrast : (C, 3) float64 array
        Brightness of each tissue in each channel.
    sign : (C,) float64 array
        -1 for channels with inverted contrast.
    lesion : (C,) float64 array
        Brightness of lesions in each channel; 0 where they do not show.
    misaligned : float
        Voxels that a channel may lie off along each axis, at most; anew in every case.
    noise : (C,) float64 array
        Deviation of the noise of each voxel.
    """

    tissues: Float32
    mask: Bool
    contrast: Float64
    sign: Float64
    lesion: Float64
    misaligned: float
    noise: Float64

    def draw(self, n_cases: int, *, seed: int) -> Float32:
        """Draw the images of new cases, (N, C, *S)."""
        rng = np.random.default_rng((seed, 1))
        return np.stack([self._case(rng) for _ in range(n_cases)])

    def _case(self, rng: np.random.Generator) -> Float32:
        shape, n = self.mask.shape, len(self.sign)
        groups = np.arange(n) // GROUP
        width = min(shape) / 64
        shared = SHARED * smooth_fields(rng, 1, shape, 7 * width)
        grouped = GROUPED * smooth_fields(rng, int(groups[-1]) + 1, shape, 4 * width)[groups]
        image = np.tensordot(self.contrast, self._anatomy(rng, width), 1)
        image += self.sign.reshape(-1, *[1] * len(shape)) * (shared + grouped)
        image += OWN * smooth_fields(rng, n, shape, 3 * width)
        image += np.multiply.outer(self.lesion, _lesion(rng, shape))
        return np.asarray(self._scanned(rng, image + 0.6) * self.mask, dtype=np.float32)

    def _scanned(self, rng: np.random.Generator, image: Float64) -> Float64:
        """Channels a little off each other and noisy."""
        if self.misaligned:
            moves = rng.uniform(-self.misaligned, self.misaligned, (len(image), self.mask.ndim))
            moved = [
                ndimage.shift(channel, move, order=1, mode="nearest")
                for channel, move in zip(image, moves, strict=True)
            ]
            image = np.stack(moved)
        if self.noise.any():
            noise = rng.standard_normal(image.shape)
            image = image + self.noise.reshape(-1, *[1] * self.mask.ndim) * noise
        return image

    def _anatomy(self, rng: np.random.Generator, width: float) -> Float64:
        """Tissues of one person, a little displaced, dimmed or brightened."""
        ndim = self.mask.ndim
        move = rng.normal(0, 0.8 * width, ndim)
        tissues = _smooth(ndimage.shift(self.tissues, (0, *move), order=1), 0.7 * width)
        return tissues * (1 + 0.15 * rng.standard_normal(3)).reshape(3, *[1] * ndim)


def make_population(
    n_channels: int,
    shape: Sequence[int],
    *,
    seed: int,
    misaligned: float = 0.0,
    noise: float = 0.0,
) -> Population:
    """Invent an anatomy and how `n_channels` images show it.

    Parameters
    ----------
    n_channels : int
        C; neighbours in groups of four look alike.
    shape : sequence of int
        (Y, X) or (Z, Y, X) in voxels.
    misaligned : float
        Voxels that a channel may lie off along each axis, at most.
    noise : float
        Deviation of the noise of the noisiest channel; that of the others is anything below.
    """
    rng = np.random.default_rng((seed, 0))
    at, ndim = _coordinates(shape), len(shape)
    radius = _distance(at, [0.0] * ndim, BODY[-ndim:])
    left, right = (
        _distance(at, [0.0] * (ndim - 1) + [x], [0.28] * (ndim - 1) + [0.13]) for x in (-0.2, 0.2)
    )
    ventricles = np.minimum(left, right) < 1
    folds = smooth_fields(rng, 1, shape, min(shape) / 64)[0] > -0.6
    cortex = (radius > 0.72) & (radius < 1) & folds
    white = (radius < 1) & ~ventricles & ~cortex
    groups = np.arange(n_channels) // GROUP
    of_group = rng.normal(1.2, 0.6, (int(groups[-1]) + 1, 3))[groups]
    sign = np.ones(n_channels)
    sign[rng.choice(n_channels, max(1, round(FLIPPED * n_channels)), replace=False)] = -1
    return Population(
        tissues=np.stack([ventricles, cortex, white]).astype(np.float32),
        mask=radius < 1,
        contrast=np.abs(of_group + rng.normal(0, 0.25, (n_channels, 3))),
        sign=sign,
        lesion=(rng.random(n_channels) < 0.5) * rng.normal(1, 0.3, n_channels),
        misaligned=misaligned,
        noise=noise * np.random.default_rng((seed, 6)).random(n_channels),
    )


def _lesion(rng: np.random.Generator, shape: Sequence[int]) -> Float64:
    """Draw a round spot, in seven people of ten, (*S)."""
    ndim = len(shape)
    centre, radius = rng.uniform(-0.45, 0.45, ndim), rng.uniform(0.06, 0.13)
    distance = _distance(_coordinates(shape), list(centre), [radius] * ndim)
    return np.asarray(np.exp(-(distance**2) / 2) * (rng.random() < 0.7))


def smooth_fields(rng: np.random.Generator, n: int, shape: Sequence[int], sd: float) -> Float64:
    """Smooth random fields (n, *S) of unit variance."""
    noise = _smooth(rng.standard_normal((n, *shape)), sd)
    return np.asarray(noise / noise.std(axis=tuple(range(1, noise.ndim)), keepdims=True))


def _smooth(images: Float32 | Float64, sd: float) -> Float64:
    """Images (M, *S) blurred along their spatial axes; `sd` in voxels."""
    axes = tuple(range(1, images.ndim))
    return np.asarray(ndimage.gaussian_filter(images, sd, mode="wrap", axes=axes), dtype=np.float64)


def _coordinates(shape: Sequence[int]) -> Float64:
    """Position of every voxel, (d, *S), from -1 to 1 along each axis."""
    return np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij"))


def _distance(at: Float64, centre: Sequence[float], semi_axes: Sequence[float]) -> Float64:
    """Distance from `centre` in units of the semi-axes; 1 on the surface of the ellipsoid."""
    unit = [(a - c) / s for a, c, s in zip(at, centre, semi_axes, strict=True)]
    return np.asarray(np.sqrt(np.sum(np.square(unit), axis=0)))
