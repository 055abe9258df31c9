"""Random numbers that belong to voxels: the same, in whatever part of an image they are asked for.

Refuses to know what they are for.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from napari_latentattr.core.types import Float32

# Voxels of a block, which is drawn at once and has a seed of its own; about.
_BLOCK = 2**15


class VoxelNoise:
    """Gaussian noise on images (C, *S).

    Parameters
    ----------
    shape : sequence of int
        S.
    width : (C, 1, ...) float32 array
        Standard deviation in each image.
    seed : int
    thin : int or None
        Axis along which parts will be one voxel wide, so that blocks had better be, too.
    """

    def __init__(
        self, shape: Sequence[int], width: Float32, seed: int, *, thin: int | None = None
    ) -> None:
        self._shape, self._width, self._seed = tuple(shape), width, seed
        side = round(_BLOCK ** (1 / (len(shape) - (thin is not None))))
        self._sides = [1 if axis == thin else side for axis in range(len(shape))]

    def at(self, where: Sequence[slice], sample: int) -> Float32:
        """Noise (C, *s) of one sample in a part of the images, `where` as of (C, *S)."""
        ends = [(part.start, part.stop) for part in where[1:]]
        found = np.empty((len(self._width), *(b - a for a, b in ends)), dtype=np.float32)
        spans = [self._spans(axis, *end) for axis, end in enumerate(ends)]
        for parts in product(*spans):
            rng = np.random.default_rng([self._seed, sample, *(index for index, _, _ in parts)])
            size = [
                min(side, n - index * side)
                for (index, _, _), side, n in zip(parts, self._sides, self._shape, strict=True)
            ]
            block = rng.standard_normal((len(found), *size), dtype=np.float32)
            inner, outer = ((slice(None), *(part[i] for part in parts)) for i in (1, 2))
            found[outer] = block[inner]
        return found * self._width

    def _spans(self, axis: int, begin: int, end: int) -> list[tuple[int, slice, slice]]:
        """Blocks between two voxels of an axis: number, and where they meet in block and part."""
        side, found = self._sides[axis], []
        for index in range(begin // side, -(-end // side)):
            low, high = max(begin, index * side), min(end, (index + 1) * side)
            inner = slice(low - index * side, high - index * side)
            found.append((index, inner, slice(low - begin, high - begin)))
        return found
