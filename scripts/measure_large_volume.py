"""Cover patches of a volume that is larger than what a pass may hold; tell time and memory.

``python scripts/measure_large_volume.py`` runs 4 images of 256 x 512 x 512 voxels through the
built-in 3D autoencoder. ``--shape 96 96 96 --compare`` also runs the volume whole, and tells how
far the two are apart.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import torch

from napari_latentattr import Grid, ImageStack, LatentModel, attribute
from napari_latentattr.model.architectures import ConvAutoencoder


class Watch:
    """Longest time between two reports: how long a user waits for work to stop."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._last = time.perf_counter()

    def report(self, done: int, total: int, text: str) -> None:
        """Note the time since the last report."""
        now = time.perf_counter()
        self.longest, self._last = max(self.longest, now - self._last), now


def main() -> None:
    """Build, attribute, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", type=int, nargs=3, default=(256, 512, 512))
    parser.add_argument("--patch", type=float, default=64.0, help="mm; voxels have 1 mm")
    parser.add_argument("--stride", type=float, help="mm; as far as a patch is wide if left out")
    parser.add_argument("--compare", action="store_true", help="also run the volume whole")
    given = parser.parse_args()
    torch.manual_seed(0)
    module = ConvAutoencoder(n_channels=4, n_maps=8, ndim=3)
    model = LatentModel.from_module(module, latent="encoder", n_channels=4, ndim=3)
    shape = tuple(given.shape)
    rng = np.random.default_rng(0)
    data = np.empty((4, *shape), dtype=np.float32)
    for image in data:
        rng.standard_normal(out=image, dtype=np.float32)
    stack = ImageStack("noise", tuple("abcd"), data, Grid.from_spacing(shape, (1.0,) * 3))
    if given.compare:
        model.most_bytes = data.nbytes
    asked = {"patch": given.patch, "stride": given.stride or given.patch}
    before, watch, began = _peak(), Watch(), time.perf_counter()
    found = attribute(model, stack, 3, progress=watch, **asked)
    seconds = time.perf_counter() - began
    size = " x ".join(map(str, shape))
    print(f"4 x {size}, {asked}: {seconds:.0f} s")
    print(f"peak memory {_peak():.2f} GB, before the question {before:.2f} GB")
    print(f"longest time between two reports {watch.longest:.2f} s")
    if given.compare:
        model.most_bytes = 2**40
        whole = attribute(model, stack, 3, **asked)
        gap = np.abs(found.volume - whole.volume).max() / np.abs(whole.volume).max()
        print(f"tiled and whole differ by {gap:.1e} of the largest value")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


if __name__ == "__main__":
    main()
